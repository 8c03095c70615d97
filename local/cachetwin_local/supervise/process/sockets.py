"""The listening sockets behind the endpoints: the supervisor opens them, before it starts anything else."""

import errno
import socket

import psutil

from cachetwin_local.errors import UserError

__all__ = ["listen"]

_BACKLOG = 511  # as Valkey's tcp-backlog


def listen(address: str, port: int, purpose: str) -> socket.socket:
    """A non-blocking listening socket. Raises UserError, with the process that holds the port, when it cannot be opened.

    `purpose` names the endpoint in the message. Only loopback addresses are ever opened.
    """
    if not address.startswith("127."):
        raise ValueError(f"{purpose} may only listen on a loopback address (127.0.0.0/8), got {address}")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UserError(_reason(error, address, port, purpose)) from error
    return listener


def _reason(error: OSError, address: str, port: int, purpose: str) -> str:
    where = f"port {port} on {address}, needed by {purpose},"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by {_holder(address, port)}: stop that process, or change the port in the app"
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{where} cannot be opened: this system has no such loopback address; run `cachetwin up --loopback shared`"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{where} may not be opened by this user: give the endpoint a port above 1023 in the app"
    return f"{where} cannot be opened: {error.strerror}"


def _holder(address: str, port: int) -> str:
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
