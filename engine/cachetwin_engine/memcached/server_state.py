"""What all sessions of one server share: the store, the crawler, the connections and the process around it."""

from collections.abc import Callable
from typing import final

from cachetwin_engine.memcached.host import Host
from cachetwin_engine.memcached.items.automove import Automover
from cachetwin_engine.memcached.items.crawler import Crawler
from cachetwin_engine.memcached.items.store import Store
from cachetwin_engine.memcached.settings import Settings


class Client:
    """A connection, as ``stats conns`` shows it."""

    def __init__(self, descriptor: int, address: bytes, listen_address: bytes, last_command: int) -> None:
        self.descriptor = descriptor
        self.address = address
        self.listen_address = listen_address
        self.last_command = last_command

    def state_name(self) -> bytes:
        """What it waits for."""
        return b"conn_read"


@final
class ServerState:
    """One server's state."""

    def __init__(self, settings: Settings, clock: Callable[[], int], host: Host) -> None:
        self.settings = settings
        self.store = Store(settings, clock)
        self.crawler = Crawler(self.store)
        self.automover = Automover(self.store)
        self.host = host
        self.clients: dict[int, Client] = {}
        self.listeners: list[tuple[int, bytes]] = []  # descriptors and addresses, as stats conns shows them
        self.most_clients = 0
        self.listen_disabled = 0
        self.accepting = True
        self.credentials: list[tuple[bytes, bytes]] = []
        self.shutdown = b""  # "now" or "graceful" when a client asked for it
        self.handshake_errors = 0
        self.certificates_read = 0  # the clock's second
        self.time_offset = 0  # what debugtime has moved the clock by
        self.paused = False
