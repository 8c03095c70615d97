"""A Memcached server in this process under a clock that the test moves, and clients that speak the wire to it."""

from collections.abc import Callable

import pytest

from cachetwin_engine.memcached.engine import Memcached
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import Settings

START_NS = 1_700_000_000_000_000_000


class Client:
    """``client("get k")`` sends a line and answers the raw reply; a value goes behind a ``\\n``."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        server.clients += 1
        self.session: Session = server.engine.open_session(
            server.clients, b"tcp:127.0.0.1:50000", b"tcp:127.0.0.1:11211", b"127.0.0.1", 50000, b"tcp"
        )

    def __call__(self, text: str) -> bytes:
        """The reply to ``text``, whose lines are sent with CR LF."""
        return self.raw(text.encode("latin-1").replace(b"\n", b"\r\n") + b"\r\n")

    def raw(self, data: bytes) -> bytes:
        """The reply to these bytes."""
        reply = self.session.feed(data)
        while self.session.has_more:
            reply += self.session.feed(b"")
        return reply


class Server:
    """A server with its clock."""

    def __init__(self, settings: Settings) -> None:
        self.seconds = 0
        self.clients = 0
        self.engine = Memcached(settings, lambda: START_NS + self.seconds * 1_000_000_000)

    def client(self) -> Client:
        """One more client."""
        return Client(self)

    def advance(self, seconds: int) -> None:
        """Let time pass, and the server have its tick."""
        self.seconds += seconds
        self.engine.tick(self.seconds)


StartServer = Callable[..., Server]


@pytest.fixture
def start() -> StartServer:
    """``start(max_bytes=...)``: a server with other settings than the defaults."""

    def start_server(**changes: object) -> Server:
        settings = Settings()
        for name, value in changes.items():
            assert hasattr(settings, name), name
            setattr(settings, name, value)
        return Server(settings)

    return start_server


@pytest.fixture
def server(start: StartServer) -> Server:
    """A server with memcached's defaults."""
    return start()


@pytest.fixture
def client(server: Server) -> Client:
    """A client of that server."""
    return server.client()
