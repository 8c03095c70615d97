"""The clients of one engine: those that are connected, that wait, and that have output for the shell."""

from .client import Client


class Clients:
    """Clients by id."""

    def __init__(self) -> None:
        self.connected: dict[int, Client] = {}
        self.blocked: dict[int, Client] = {}
        self.pending: list[Client] = []  # output or a close waits that the shell has not seen
        self.login_ends: dict[int, int] = {}  # by client id, in milliseconds of Unix time; the earliest first
        self._pending_ids: dict[int, bool] = {}
        self._resumed: list[Client] = []
        self._next_id = 1

    def next_id(self) -> int:
        """The id of a new client."""
        number = self._next_id
        self._next_id += 1
        return number

    def mark_pending(self, client: Client) -> None:
        """The shell must look at ``client`` after this turn."""
        if client.id not in self._pending_ids:
            self._pending_ids[client.id] = True
            self.pending.append(client)

    def take_pending(self) -> list[Client]:
        """The clients with output that did not come from their own ``feed``; the list is the caller's."""
        pending = self.pending
        if pending:
            self.pending = []
            self._pending_ids = {}
        return pending

    def resume(self, client: Client) -> None:
        """``client`` may run its waiting commands again."""
        self._resumed.append(client)

    def has_resumed(self) -> bool:
        """True if ``run_resumed`` has something to do."""
        return len(self._resumed) > 0

    def run_resumed(self) -> None:
        """Run the commands of the clients that were resumed."""
        resumed = self._resumed
        self._resumed = []
        for client in resumed:
            if client.blocked is None and not client.closing:
                client.run()
                if client.output_bytes() or client.has_more or client.closing:
                    self.mark_pending(client)
