"""From options to a running node: the engine, its listening sockets, the event loop."""

import asyncio
import contextlib
import errno
import secrets
import socket
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import cast

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.acl.rules import RuleError
from cachetwin_engine.core.config import Config
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.profile import PROFILES
from cachetwin_engine.server.config import OptionError, Options, listening_modes, unknown_directive
from cachetwin_engine.server.host import ProcessHost
from cachetwin_engine.server.listener import ListenError, open_tcp, open_unix
from cachetwin_engine.server.logs import start_log
from cachetwin_engine.server.node import Node, tame_garbage_collector
from cachetwin_engine.server.parameters import ParameterError, UnknownParameter, set_parameters
from cachetwin_engine.server.tls import ClientAuth, TlsError, TlsFiles, TlsMode


def run(options: Options) -> None:
    """Serve as ``options`` ask until told to stop. Raises OptionError for options that turn out to be unusable."""
    try:
        start_log(options.log_format, options.loglevel, options.logfile)
    except OSError as error:
        raise OptionError(
            f"cannot write logfile {options.logfile!r}: {(error.strerror or str(error)).lower()}"
        ) from error
    node = prepare(options)
    tame_garbage_collector()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(node.serve())


def prepare(options: Options) -> Node:
    """The node with its engine configured and its sockets open, but not yet serving. Raises OptionError."""
    engine = new_engine(options)
    try:
        host = ProcessHost(options.config_file)
        engine.host = host
        node = Node(
            engine,
            host,
            tls_files=_tls_files(options),
            control=_control_socket(options),
            backlog=options.tcp_backlog,
            version=package_version(),
        )
        for port, mode in listening_modes(options):
            for address in options.bind:
                _listen(node, address, port, mode, options.tcp_backlog)
        if options.unixsocket:
            sock = open_unix(options.unixsocket, options.unixsocketperm, options.tcp_backlog)
            node.listen_on("unix", sock, "off", options.unixsocket)
    except (TlsError, ListenError) as error:
        raise OptionError(str(error)) from error
    return node


def new_engine(options: Options) -> Engine:
    """The engine with its profile, parameters and users. Raises OptionError for one that it has not, or refuses."""
    profile = PROFILES[options.profile]
    config = Config(profile)
    try:
        set_parameters(config, [*_mirrored(options, config), *options.parameters])
    except UnknownParameter as error:
        raise unknown_directive(error.name, _names(config)) from None
    except ParameterError as error:
        raise OptionError(str(error)) from None
    engine = Engine(profile, time.time_ns, secrets.randbits(62), config)
    if options.elasticache:
        engine.become_elasticache()
    try:
        for name, rules in options.users:
            engine.acl.set_user(name.encode(), [rule.encode() for rule in rules])
        password = config.get("requirepass")
        if password:
            engine.acl.set_user(b"default", [b"resetpass", b">" + password.encode()])
    except RuleError as error:
        raise OptionError(f"user: {error.reason.decode(errors='replace')}") from None
    return engine


def _mirrored(options: Options, config: Config) -> list[tuple[str, str]]:
    """What the server keeps for itself and CONFIG GET shows as well. The key's passphrase is not for showing."""
    shown: dict[str, object] = {
        "bind": " ".join(options.bind),
        "port": options.plain_port,
        "tls-port": options.tls_port,
        "tls-cert-file": options.tls_cert_file,
        "tls-key-file": options.tls_key_file,
        "tls-ca-cert-file": options.tls_ca_cert_file,
        "tls-auth-clients": options.tls_auth_clients,
        "tls-protocols": options.tls_protocols,
        "unixsocket": options.unixsocket,
        "unixsocketperm": f"{options.unixsocketperm or 0:o}",
        "tcp-backlog": options.tcp_backlog,
        "loglevel": options.loglevel,
        "logfile": options.logfile,
    }
    return [(name, str(value)) for name, value in shown.items() if config.get(name) is not None]


def _names(config: Config) -> list[str]:
    return [name.decode() for name in config.rows]


def parameter_names() -> list[str]:
    """The engine's parameters under the default profile."""
    return [name.decode() for name in Config().rows]


def version_line() -> str:
    """What ``--version`` prints: our version, the build of the core, the profiles."""
    return f"cachetwin-engine {package_version()} ({BUILD} core; profiles: {', '.join(PROFILES)})"


def package_version() -> str:
    """The version of the distribution; ``0+unknown`` when it runs from a source tree that was never installed."""
    try:
        return version("cachetwin")
    except PackageNotFoundError:
        return "0+unknown"


def _listen(node: Node, address: str, port: int, mode: TlsMode, backlog: int) -> None:
    optional = address.startswith("-") and len(address) > 1
    try:
        sock = open_tcp(address.removeprefix("-") if optional else address, port, backlog)
    except ListenError as error:
        if (
            optional
            and isinstance(error.__cause__, OSError)
            and error.__cause__.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
        ):
            return
        raise
    node.listen_on(f"{address}:{port}", sock, mode)


def _tls_files(options: Options) -> TlsFiles | None:
    if not options.tls_cert_file:
        return None
    return TlsFiles(
        options.tls_cert_file,
        options.tls_key_file,
        options.tls_ca_cert_file,
        cast("ClientAuth", options.tls_auth_clients),
        options.tls_protocols,
        options.tls_key_file_pass,
    )


def _control_socket(options: Options) -> socket.socket | None:
    if options.control_fd is None:
        return None
    try:
        sock = socket.socket(fileno=options.control_fd)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OptionError(
            f"control-fd must be an open Unix stream socket, got {options.control_fd}: {reason}"
        ) from error
    if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
        raise OptionError(
            f"control-fd must be an open Unix stream socket, got another kind of socket as {options.control_fd}"
        )
    sock.set_inheritable(False)
    return sock


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415  (not on every platform)

        return uvloop.new_event_loop
    return asyncio.new_event_loop
