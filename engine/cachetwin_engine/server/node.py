"""A node on the wire: its endpoints, connections, heartbeat, control channel and shutdown, whichever engine it has."""

import asyncio
import contextlib
import os
import socket
from abc import abstractmethod
from typing import Final, Generic, Protocol, TypeVar

from cachetwin_engine.core import BUILD
from cachetwin_engine.server.control import ControlChannel, ControlledNode
from cachetwin_engine.server.direct import POSSIBLE, DirectSockets
from cachetwin_engine.server.endpoints import Endpoints
from cachetwin_engine.server.listener import ListenerNode
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.process import package_version
from cachetwin_engine.server.tls.certificate import Certificate
from cachetwin_engine.server.tls.contexts import TlsFiles

TICK_SECONDS: Final = 0.1
"""Valkey's ``hz 10``: active expiry, deadlines of blocked clients, idle clients, output limits over time."""

SHUTDOWN_SECONDS_MAX: Final = 5.0
"""How long clients may take for their last replies after SIGTERM, before their connections are cut."""


class NodeConnection(Protocol):
    """What the end of a node needs of its connections."""

    def close(self) -> None:
        """Close when the client has taken its replies."""

    def abort(self) -> None:
        """Close at once."""


ConnectionT = TypeVar("ConnectionT", bound=NodeConnection)


class Node(ListenerNode, ControlledNode, Generic[ConnectionT]):
    """One engine on the wire.

    ``serve`` runs until the node is stopped. The endpoints that were added open when it starts; the control channel
    opens and closes others.
    """

    def __init__(self, tls_files: TlsFiles | None, control: socket.socket | None, backlog: int) -> None:
        self.backlog = backlog
        self.certificate = Certificate(tls_files)
        self.endpoints: Endpoints = Endpoints(self)
        self.sockets: DirectSockets | None = None
        self._connections: dict[int, ConnectionT] = {}  # by what the engine knows the session by
        self._control_socket = control
        self._control: ControlChannel | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._stop_reason: str | None = None
        self._stopped: asyncio.Event
        self._quiet: asyncio.Event

    async def serve(self, *, handle_signals: bool = True) -> None:
        """Serve until stopped; return when every connection is closed. ``_handle_signals`` says what signals do."""
        self.loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._quiet = asyncio.Event()
        if POSSIBLE:
            self.sockets = DirectSockets(self.loop)
        if handle_signals:
            self._handle_signals()
        await self.endpoints.open()
        if self._control_socket is not None:
            self._control = ControlChannel(self, self._control_socket)
            self._control.start()
            await self._control.send({"event": "ready", **self._facts()})
        log.info("Ready to accept connections", extra={"fields": self._facts()})
        self._tick()
        try:
            await self._stopped.wait()
            await self._shut_down()
        finally:
            if self._control is not None:
                self._control.close()
            self.endpoints.remove_files()
            if self.sockets is not None:
                self.sockets.close()
        log.info("ready to exit, bye bye", extra={"fields": {"reason": self._stop_reason}})

    def stop(self, reason: str) -> None:
        """Stop serving: accept no more, let clients take their replies, then end. Asked a second time, end at once."""
        if self._stop_reason is None:
            self._stop_reason = reason
            self._stopped.set()
        else:
            self._quiet.set()

    async def _shut_down(self) -> None:
        self._save()
        self.endpoints.close()
        for connection in self._open_connections():
            connection.close()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._quiet.wait(), SHUTDOWN_SECONDS_MAX)
        for connection in self._open_connections():
            connection.abort()
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        self._close_links()
        await asyncio.sleep(0)  # the transports call connection_lost on the loop's next turn

    def _tick(self) -> None:
        self._heartbeat = self.loop.call_later(TICK_SECONDS, self._tick)
        self._beat()

    def _end_if_last(self) -> None:
        """End a node that was stopped when its last connection is closed."""
        if not self._connections and self._stop_reason is not None:
            self._quiet.set()

    def _open_connections(self) -> list[ConnectionT]:
        """The connections that the end of the node closes."""
        return list(self._connections.values())

    def _facts(self) -> dict[str, object]:
        return {"pid": os.getpid(), "version": package_version(), "profile": self._profile(), "core": BUILD}

    @abstractmethod
    def _handle_signals(self) -> None:
        """Let SIGTERM and SIGINT stop the node, and SIGHUP read the certificate again."""

    @abstractmethod
    def _profile(self) -> str:
        """The name of the engine and its version."""

    @abstractmethod
    def _beat(self) -> None:
        """What is due every ``TICK_SECONDS``."""

    def _save(self) -> None:
        """Keep the data before the end, where the engine keeps any."""

    def _close_links(self) -> None:
        """Close the connections that the node opened to others."""
