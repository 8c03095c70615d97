"""Where a node listens: the sockets of its start, of CONFIG SET, and those that the supervisor opens and closes."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.server.config import tcp_modes
from cachetwin_engine.server.control import RequestError
from cachetwin_engine.server.listener import Endpoint, ListenerNode, ListenError, open_address
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.tls.contexts import TlsMode

_TLS_FILES: Final = {
    "tls-cert-file", "tls-key-file", "tls-key-file-pass", "tls-ca-cert-file", "tls-auth-clients", "tls-protocols",
    "tls-ciphers", "tls-prefer-server-ciphers",
}  # fmt: skip
_LISTEN_REASONS: Final = {
    "port": "Unable to listen on this port. Check server logs.",
    "tls-port": "Unable to listen on this port. Check server logs.",
    "bind": "Failed to bind to specified addresses.",
}
"""What the parameters of sockets answer when they can't be had (config.c)."""


class Endpoints:
    """The endpoints of one node, by name."""

    def __init__(self, node: ListenerNode) -> None:
        self._node = node
        self._open: dict[str, Endpoint] = {}
        self._given: list[tuple[str, socket.socket, TlsMode]] = []
        self._unix_paths: list[str] = []
        self._configured: set[str] = set()  # names of those that bind, port and tls-port ask for
        self._starting: list[asyncio.Task[Endpoint]] = []

    def add(self, name: str, sock: socket.socket, tls: TlsMode, unix_path: str = "") -> None:
        """Have ``open`` accept on this socket; ``unix_path`` is removed when the node ends."""
        self._given.append((name, sock, tls))
        if unix_path:
            self._unix_paths.append(unix_path)
        else:
            self._configured.add(name)

    async def open(self) -> None:
        """Accept on all that were added."""
        for name, sock, tls in self._given:
            await self.listen(name, sock, tls)

    def close(self) -> None:
        """Accept no more."""
        for endpoint in list(self._open.values()):
            endpoint.close()

    def remove_files(self) -> None:
        """Remove the files of Unix sockets at the end of the process."""
        for path in self._unix_paths:
            Path(path).unlink(missing_ok=True)

    async def listen(self, name: str, sock: socket.socket, tls: TlsMode) -> Endpoint:
        """Accept on this listening socket from now on; it is closed with the endpoint.

        Raises RequestError for a name in use, and for TLS without a certificate.
        """
        if name in self._open:
            raise RequestError(f"listen: {name!r} listens already; close_listener it first")
        if tls != "off" and not self._node.certificate.is_loaded:
            raise RequestError(
                f"listen: tls {tls} needs a certificate; send the tls request first, or start with --tls-cert-file"
            )
        endpoint = Endpoint(self._node, name, sock, tls)
        await endpoint.start()
        self._open[name] = endpoint
        self._node.note_endpoints(list(self._open.values()))
        log.info("listening", extra={"fields": {"listener": name, "address": endpoint.address, "tls": tls}})
        return endpoint

    def close_listener(self, name: str, *, keep_connections: bool = False) -> None:
        """Close the endpoint of that name, and its connections unless they are kept.

        Raises RequestError for an unknown name.
        """
        endpoint = self._open.pop(name, None)
        if endpoint is None:
            raise RequestError(
                f"close_listener: no listener is called {name!r}; there are: {', '.join(self._open) or 'none'}"
            )
        if keep_connections:
            endpoint.stop_accepting()
        else:
            endpoint.close()
        self._node.note_endpoints(list(self._open.values()))
        log.info("no longer listening", extra={"fields": {"listener": name}})

    def follow_parameters(self, names: list[str], config: Config) -> tuple[str, str] | None:
        """CONFIG SET of sockets and certificates; the parameter that can't be had and why, None when all can."""
        if "tls-port" in names or not _TLS_FILES.isdisjoint(names):
            reason = self._node.certificate.follow(config)
            if reason:
                return next(name for name in names if name.startswith("tls-")), reason
        for name, reason in _LISTEN_REASONS.items():
            if name in names and not self._listen_as_configured(config):
                return name, reason
        return None

    def plain(self) -> Iterator[Endpoint]:
        """Endpoints without TLS."""
        return (endpoint for endpoint in self._open.values() if endpoint.tls == "off")

    def waiting(self) -> int:
        """Connections in a handshake, which have no session yet."""
        return sum(endpoint.waiting() for endpoint in self._open.values())

    def _listen_as_configured(self, config: Config) -> bool:
        """Open the sockets that ``bind``, ``port`` and ``tls-port`` ask for and close the others; connections stay.

        False, with nothing changed, when an address can't be had.
        """
        wanted: dict[str, tuple[str, int, TlsMode]] = {}
        for port, mode in tcp_modes(config.integer("port"), config.integer("tls-port")):
            for address in (config.get("bind") or "").split():
                wanted[f"{address}:{port}"] = address, port, mode
        opened: dict[str, socket.socket | None] = {}
        for name, (address, port, mode) in wanted.items():
            known = self._open.get(name)
            if known is None or known.tls != mode:
                try:
                    opened[name] = open_address(address, port, self._node.backlog)
                except ListenError as error:
                    log.warning("cannot listen", extra={"fields": {"error": str(error)}})
                    for sock in opened.values():
                        if sock is not None:
                            sock.close()
                    return False
        for name, endpoint in list(self._open.items()):
            if name in self._configured and (name not in wanted or name in opened):
                endpoint.stop_accepting()
                del self._open[name]
        self._configured = set(wanted)
        for name, sock in opened.items():
            if sock is not None:
                self._starting.append(self._node.loop.create_task(self.listen(name, sock, wanted[name][2])))
        self._node.note_endpoints(list(self._open.values()))
        return True
