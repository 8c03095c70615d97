"""From options to a running node: the engine, its listening sockets, the event loop."""

import asyncio
import os
import time
from typing import Final, cast

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.acl.rules import RuleError
from cachetwin_engine.core.admin.elasticache import become_elasticache, rename_commands_of
from cachetwin_engine.core.admin.serverless import become_serverless
from cachetwin_engine.core.admin.topology import adopt_topology
from cachetwin_engine.core.aof.log_loader import LogError
from cachetwin_engine.core.commands.acl import load_user_file
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.rdb.packed import BadData
from cachetwin_engine.server.cluster.topology import TopologyError, read_topology_file
from cachetwin_engine.server.config import OptionError, Options, listening_modes, unknown_directive
from cachetwin_engine.server.listener import ListenError, open_address, open_unix
from cachetwin_engine.server.logs import log, log_crashes, start_log
from cachetwin_engine.server.process import control_socket, loop_factory, package_version, tame_garbage_collector
from cachetwin_engine.server.tls.contexts import ClientAuth, TlsError, TlsFiles
from cachetwin_engine.server.valkey.host import ProcessHost
from cachetwin_engine.server.valkey.node import ValkeyNode
from cachetwin_engine.server.valkey.parameters import ParameterError, UnknownParameter, set_parameters

PORT_MAX: Final = 65535


def run(options: Options) -> None:
    """Serve as ``options`` ask until stopped. Raises OptionError for options that turn out to be unusable."""
    try:
        stream = start_log(options.log_format, options.loglevel, options.logfile)
    except OSError as error:
        raise OptionError(
            f"cannot write logfile {options.logfile!r}: {(error.strerror or str(error)).lower()}"
        ) from error
    node = prepare(options)
    if node.engine.config.boolean("crash-log-enabled"):
        log_crashes(stream)
    tame_garbage_collector()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(node.serve())


def prepare(options: Options) -> ValkeyNode:
    """The node with its engine configured and its sockets open, but not yet serving. Raises OptionError."""
    host = ProcessHost(options.config_file)
    engine = new_engine(options, host)
    try:
        node = ValkeyNode(
            engine,
            host,
            tls_files=_tls_files(options),
            control=control_socket(options.control_fd),
            backlog=options.tcp_backlog,
        )
        for port, mode in listening_modes(options):
            for address in options.bind:
                sock = open_address(address, port, options.tcp_backlog)
                if sock is not None:
                    node.endpoints.add(f"{address}:{port}", sock, mode)
        if options.unixsocket:
            unix_sock = open_unix(options.unixsocket, options.unixsocketperm, options.tcp_backlog)
            node.endpoints.add("unix", unix_sock, "off", options.unixsocket)
    except (TlsError, ListenError) as error:
        raise OptionError(str(error)) from error
    if options.control_fd is None and not (listening_modes(options) or options.unixsocket):
        raise OptionError("nothing would listen: give port, tls-port or unixsocket")
    _limit_clients(engine, host)  # may log: a command line that is refused is one line
    return node


def _limit_clients(engine: Engine, host: ProcessHost) -> None:
    """Make ``maxclients`` what the system's limit on open files is good for."""
    possible = host.allow_clients(engine.config.clients.maxclients)
    if possible < engine.config.clients.maxclients:
        fields = {"wanted": engine.config.clients.maxclients, "maxclients": possible}
        log.warning("too few open files are allowed: maxclients is lowered", extra={"fields": fields})
        engine.config.set_at_start("maxclients", str(possible))


def new_engine(options: Options, host: ProcessHost | None = None) -> Engine:
    """The engine with its profile, parameters and users. Raises OptionError for one that it has not, or refuses.

    Relative paths count from ``dir`` on, which becomes the process's directory.
    """
    profile = PROFILES[options.profile]
    config = Config(profile)
    try:
        set_parameters(config, [*_mirrored(options, config), *options.parameters])
    except UnknownParameter as error:
        raise unknown_directive(error.name, _names(config)) from None
    except ParameterError as error:
        raise OptionError(str(error)) from None
    engine = Engine(profile, time.time_ns, int.from_bytes(os.urandom(8)) >> 2, config)
    engine.host = host if host is not None else ProcessHost(options.config_file)
    named = [name for name, _ in options.parameters if name != "maxclients"]
    problem = engine.host.apply_parameters(["dir", *named], config)  # dir, so that CONFIG GET shows it
    if problem is not None:
        raise OptionError(f"{problem[0]} {config.get(problem[0])!r}: {problem[1]}")
    if options.serverless:
        become_serverless(engine, options.serverless_ecpu_max)
    elif options.elasticache:
        become_elasticache(engine)
    try:
        rename_commands_of(engine, options.renames)
        _add_users(engine, options)
        _follow(engine)
        _load(engine, options)
        if options.cluster_topology:
            adopt_topology(engine, read_topology_file(options.cluster_topology))
    except TopologyError as error:
        raise OptionError(f"cluster-topology: {error}") from None
    except CommandError as error:
        raise OptionError(error.line.decode(errors="replace").removeprefix("ERR ")) from None
    return engine


def _follow(engine: Engine) -> None:
    """``--replicaof HOST PORT``."""
    words = (engine.config.get("replicaof") or "").split()
    if not words:
        return
    if len(words) != 2 or not words[1].isdigit() or int(words[1]) > PORT_MAX:
        raise OptionError(f"replicaof must be a host and a port up to {PORT_MAX}, got {' '.join(words)!r}")
    engine.replication.follow(words[0], int(words[1]))


def _load(engine: Engine, options: Options) -> None:
    """Start with the append-only file if ``appendonly`` asks for one, else with the RDB file, if there is one.

    A supervisor's node, and one that acts as the service's, keeps no RDB file unless ``save`` asks for it.
    """
    try:
        engine.log_loader.read_manifest()
        if engine.config.boolean("appendonly"):
            engine.log_loader.start()
            engine.reset_statistics()
            engine.saves.dirty_then = engine.dirty
    except LogError as problem:
        if options.logfile:
            log.error(str(problem))  # elsewhere the error on stderr is enough
        raise OptionError(str(problem)) from None
    if options.elasticache or options.serverless or options.control_fd is not None:
        if not any(name == "save" for name, _ in options.parameters):
            engine.config.set_at_start("save", "")
        if not engine.config.server.save_points:
            return
    if engine.config.boolean("appendonly"):
        return
    path = engine.config.get("dbfilename")
    try:
        if engine.saves.start():
            fields = {"file": path, "keys": engine.saves.keys_loaded, "expired": engine.saves.keys_expired}
            log.info("DB loaded from disk", extra={"fields": fields})
    except BadData as problem:
        log.error("Terminating server after rdb file reading failure.", extra={"fields": {"reason": str(problem)}})
        raise OptionError(f"Fatal error loading the DB from {path!r}: {problem}") from None
    except OSError as error:
        raise OptionError(
            f"Fatal error loading the DB from {path!r}: {(error.strerror or str(error)).lower()}"
        ) from None


def _add_users(engine: Engine, options: Options) -> None:
    """The users of the command line, the configuration file or the file of users."""
    if options.users and engine.config.get("aclfile"):
        raise OptionError("user and aclfile exclude each other: name all users in one place")
    engine.acl.allow_channels = engine.config.server.acl_pubsub_default_all
    password = engine.config.values[b"requirepass"]
    if password:
        engine.acl.set_default_password(password)
    seen: set[str] = set()
    for name, rules in options.users:
        if name in seen:
            raise OptionError(f"user: Duplicate user {name!r}")
        seen.add(name)
        if " " in name:
            raise OptionError(f"user: a name must be without blanks, got {name!r}")
        try:
            engine.acl.set_user(name.encode(), [b"reset", *(rule.encode() for rule in rules)])
        except RuleError as error:
            raise OptionError(f"user: {error.reason.decode(errors='replace')}") from None
    if engine.config.get("aclfile"):
        load_user_file(engine)


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
        "log-format": "logfmt" if options.log_format == "logfmt" else "legacy",
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


def _tls_files(options: Options) -> TlsFiles | None:
    if not options.tls_cert_file:
        return None
    named = dict(options.parameters)
    return TlsFiles(
        options.tls_cert_file,
        options.tls_key_file,
        options.tls_ca_cert_file,
        cast("ClientAuth", options.tls_auth_clients),
        options.tls_protocols,
        options.tls_key_file_pass,
        named.get("tls-ciphers", ""),
        named.get("tls-prefer-server-ciphers", "no").lower() == "yes",
    )
