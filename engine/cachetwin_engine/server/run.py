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
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.profile import PROFILES
from cachetwin_engine.server.config import OptionError, Options, listening_modes
from cachetwin_engine.server.listener import ListenError, open_tcp, open_unix
from cachetwin_engine.server.logs import start_log
from cachetwin_engine.server.node import Node, tame_garbage_collector
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
        node = Node(
            engine,
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
    """The engine with its profile and parameters. Raises OptionError for a parameter it has not, or refuses."""
    return Engine(PROFILES[options.profile], clock_us, secrets.randbits(62))


def clock_us() -> int:
    """Unix time in microseconds: the core's clock."""
    return time.time_ns() // 1000


def parameter_names() -> list[str]:
    """The engine's parameters under the default profile."""
    return []


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
