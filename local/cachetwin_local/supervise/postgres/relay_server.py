"""What runs in the process of a database's relay."""

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.postgres.relay import PostgresRelay
from cachetwin_local.supervise.postgres.tokens import TokenLogins
from cachetwin_local.supervise.project.key_pair import KeyPair

__all__ = ["RelayServer", "RelaySettings"]


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The descriptor of the endpoint's listening socket, its certificate, and the server's unix socket.

    `tokens` is what IAM tokens are checked against, or None.
    """

    descriptor: int
    pair: KeyPair
    socket_path: Path
    force_ssl: bool
    tokens: TokenLogins | None = None


class RelayServer:
    """The relay of one database."""

    def __init__(self, settings: RelaySettings) -> None:
        self.changed = asyncio.Event()
        self._listener = socket.socket(fileno=settings.descriptor)
        context = settings.pair.server_context()
        self._relay = PostgresRelay(
            self._listener, context, settings.socket_path, force_ssl=settings.force_ssl, tokens=settings.tokens
        )
        self._reported_rejected = 0

    async def start(self) -> None:
        """Nothing: connections wait in the listening socket for `run`."""

    def update(self, settings: object) -> None:
        """Check the tokens of connections to come against other settings."""
        if isinstance(settings, RelaySettings):
            self._relay.tokens = settings.tokens

    async def run(self) -> None:
        """Accept connections."""
        await self._relay.accept()

    async def stop(self) -> None:
        """Close the clients' connections, as a stopping server does."""
        self._listener.close()
        await self._relay.stop()

    def report(self) -> Report:
        """The connections that are open, and how many were refused."""
        report = Report()
        rejected, self._reported_rejected = self._relay.rejected - self._reported_rejected, self._relay.rejected
        report.counts["RejectedConnectionCount"] = rejected
        report.levels["DatabaseConnections"] = self._relay.connections
        return report
