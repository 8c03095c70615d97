"""From the options of a memcached command line to a running node."""

import asyncio
import os
import pwd
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cachetwin_engine.memcached.engine import Memcached
from cachetwin_engine.memcached.settings import Settings
from cachetwin_engine.server.config import OptionError
from cachetwin_engine.server.listener import ListenError, open_tcp, open_unix
from cachetwin_engine.server.logs import log, start_log
from cachetwin_engine.server.memcached.help import HELP
from cachetwin_engine.server.memcached.node import MemcachedNode, ProcessFacts, read_users
from cachetwin_engine.server.memcached.options import MemcachedOptions, parse
from cachetwin_engine.server.process import (
    control_socket,
    loop_factory,
    raise_file_limit,
    tame_garbage_collector,
)
from cachetwin_engine.server.tls.contexts import TlsError


def run_memcached(words: Sequence[str]) -> None:
    """Serve as the command line asks until stopped. Raises OptionError for options that cannot be used."""
    options = parse(words)
    if options.shows == "help":
        sys.stdout.write(HELP)
        return
    if options.shows == "version":
        sys.stdout.write(f"memcached {options.settings.version.decode()}\n")
        return
    if options.daemon:
        _detach()
    loglevel = options.loglevel
    if loglevel == "notice" and options.settings.verbosity:
        loglevel = "verbose" if options.settings.verbosity == 1 else "debug"
    try:
        start_log(options.log_format, loglevel, options.logfile)
    except OSError as error:
        raise OptionError(
            f"cannot write logfile {options.logfile!r}: {(error.strerror or str(error)).lower()}"
        ) from None
    node = prepare(options)
    if options.user:
        _become(options.user)
    if options.pid_file:
        Path(options.pid_file).write_text(f"{os.getpid()}\n", encoding="ascii")
    tame_garbage_collector()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(node.serve())
    finally:
        if options.pid_file:
            Path(options.pid_file).unlink(missing_ok=True)


def prepare(options: MemcachedOptions) -> MemcachedNode:
    """The node with its sockets open, but not yet serving. Raises OptionError."""
    settings = options.settings
    facts = ProcessFacts()
    engine = Memcached(settings, time.time_ns, facts)
    if settings.auth_file:
        engine.state.credentials = read_users(os.fsdecode(settings.auth_file))
    if options.cluster_nodes:
        engine.store.cluster.set_nodes([name.encode() for name in options.cluster_nodes], 0)
    control = control_socket(options.control_fd)
    try:
        node = MemcachedNode(engine, facts, tls_files=options.tls_files(), control=control)
        _listen(node, options)
    except (TlsError, ListenError) as error:
        raise OptionError(str(error)) from error
    _warn_of_limits(settings)  # last: a command line that is refused is one line
    return node


def _warn_of_limits(settings: Settings) -> None:
    possible = raise_file_limit(settings.max_connections)
    if possible < settings.max_connections:
        fields = {"wanted": settings.max_connections, "maxconns": possible}
        log.warning("too few open files are allowed: the connection limit is lowered", extra={"fields": fields})
        settings.max_connections = possible
    if settings.udp_port:
        log.warning("UDP is not served", extra={"fields": {"port": settings.udp_port}})


def _listen(node: MemcachedNode, options: MemcachedOptions) -> None:
    settings = options.settings
    for host, port, mode in options.listeners():
        sock = open_tcp(host, port, settings.backlog)
        node.endpoints.add(f"{host}:{sock.getsockname()[1]}", sock, mode)
        settings.tcp_port = sock.getsockname()[1]
    if settings.socket_path:
        path = os.fsdecode(settings.socket_path)
        sock = open_unix(path, settings.socket_mode, settings.backlog)
        node.endpoints.add("unix", sock, "off", path)


def _become(user: str) -> None:
    """``-u``: run as another user, where the process is root's."""
    if os.getuid() != 0 or user == "root":
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise OptionError(f"can't find the user {user} to switch to") from None
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _detach() -> None:
    """``-d``: go on in the background."""
    if os.fork():
        os._exit(0)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)
