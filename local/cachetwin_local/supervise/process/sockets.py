"""The listening sockets behind the endpoints: the supervisor opens them, before it starts anything else."""

import errno
import socket
import sys

import psutil

from cachetwin_local.errors import UserError

__all__ = ["SPREADS_CONNECTIONS", "holder_of", "is_free", "listen", "reserve"]

_BACKLOG = 511  # as Valkey's tcp-backlog

SPREADS_CONNECTIONS = sys.platform == "linux"
"""Whether the kernel spreads connections over the sockets that listen on one port (SO_REUSEPORT; macOS has it and gives
all connections to one of them)."""


def listen(address: str, port: int, purpose: str, *, shared: bool = False) -> socket.socket:
    """A non-blocking listening socket. Raises UserError, with the process that holds the port, when it cannot be opened.

    `purpose` names the endpoint in the message. `shared` sockets of this user may listen side by side. Only loopback
    addresses are ever opened.
    """
    listener = reserve(address, port, purpose, shared=shared)
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UserError(_reason(error, address, port, purpose)) from error
    return listener


def reserve(address: str, port: int, purpose: str, *, shared: bool = False) -> socket.socket:
    """A socket that has the port and does not listen: connections are refused. Raises UserError as `listen` does."""
    if not address.startswith("127."):
        raise ValueError(f"{purpose} may only listen on a loopback address (127.0.0.0/8), got {address}")
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared and SPREADS_CONNECTIONS:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        reserved.bind((address, port))
    except OSError as error:
        reserved.close()
        raise UserError(_reason(error, address, port, purpose)) from error
    return reserved


def is_free(address: str, port: int) -> bool:
    """Whether the port could be opened now; what may not be opened at all counts as free, and fails with its reason."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _reason(error: OSError, address: str, port: int, purpose: str) -> str:
    where = f"port {port} on {address}, needed by {purpose},"
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(address, port)
        return f"{where} is taken by {holder}: stop that process, or change the port in the app or in cachetwin.toml"
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{where} cannot be opened: this system has no such loopback address; run `cachetwin up --loopback shared`"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{where} may not be opened by this user: give the endpoint a port above 1023 in the app"
    return f"{where} cannot be opened: {error.strerror}"


def holder_of(address: str, port: int) -> str:
    """The process that listens there, in words."""
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.AccessDenied, OSError):
        return "another process"
    for connection in connections:
        local = connection.laddr
        if (
            connection.status == psutil.CONN_LISTEN
            and local
            and local.port == port
            and local.ip in {address, "0.0.0.0", "::"}  # noqa: S104  (compared, not opened)
        ):
            return _process_name(connection.pid)
    return "another process"


def _process_name(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.Error:
        return f"pid {pid}"
