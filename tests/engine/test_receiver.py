"""Sockets that the compiled loop serves: when they are read, and when answered."""

import asyncio
import contextlib
import select
import socket
import time
from collections.abc import Iterator

import pytest

from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.receiver import LARGE_READ_BYTES, LARGE_REPLY_BYTES, SMALL_READ_BYTES, Pump, Receiver
from cachetwin_engine.server.direct import DirectConnection, DirectSockets, DirectTransport

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="this system has no epoll")


class Client:
    """One client and the server's end of its connection, with everything that the receiver calls noted."""

    def __init__(self, engine: Engine, pump: Pump, epoll: select.epoll, calls: list[str]) -> None:
        self.sock, self.served = socket.socketpair()
        self.sock.settimeout(10)
        self.served.settimeout(0)
        self.written: list[bytes] = []
        self.ends: list[Exception | None] = []
        self.calls = calls
        self.receiver = Receiver(self.written.append, lambda: None, self.raise_bug)
        self.receiver.begin(engine.open_session("127.0.0.1:1", "127.0.0.1:2"))
        self.receiver.write_with(self.written.append)
        self.receiver.attach(self.recv, self.send, self.ends.append, lambda: None)
        pump.receivers[self.served.fileno()] = self.receiver
        epoll.register(self.served.fileno(), select.EPOLLIN)

    def raise_bug(self, bug: Exception) -> None:
        raise bug

    def recv(self, size: int) -> bytes:
        self.calls.append("read")
        return self.served.recv(size)

    def send(self, data: bytes) -> int:
        self.calls.append("write")
        return self.served.send(data)

    def close(self) -> None:
        self.sock.close()
        self.served.close()


class Server:
    """An engine, and the loop that serves its clients."""

    def __init__(self) -> None:
        self.engine = Engine(PROFILES["valkey-8.1"], time.time_ns, 1)
        self.epoll = select.epoll()
        self.pump = Pump(self.epoll.poll)
        self.calls: list[str] = []
        self.clients: list[Client] = []

    def connect(self) -> Client:
        self.clients.append(client := Client(self.engine, self.pump, self.epoll, self.calls))
        return client

    def close(self) -> None:
        self.epoll.close()
        for client in self.clients:
            client.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_all_sockets_are_read_before_the_first_one_is_answered(server: Server) -> None:
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        client.sock.sendall(b"PING\r\n")
    server.pump.run()
    assert [client.sock.recv(100) for client in clients] == [b"+PONG\r\n"] * 3
    assert server.calls == ["read"] * 3 + ["write"] * 3


def test_a_large_reply_is_sent_before_further_sockets_are_read(server: Server) -> None:
    clients = [server.connect() for _ in range(2)]
    server.engine.open_session("127.0.0.1:1", "127.0.0.1:2").feed(b"SETRANGE k 100000 v\r\n")
    for client in clients:
        client.sock.sendall(b"GET k\r\n")
    server.pump.run()
    assert server.calls == ["read", "write"] * 2


def test_a_reply_that_waits_can_be_sent_early(server: Server) -> None:
    client = server.connect()
    client.sock.sendall(b"PING\r\n")
    assert client.receiver.on_event(select.EPOLLIN)
    assert server.calls == ["read"]
    client.receiver.answer()
    client.receiver.answer()
    assert server.calls == ["read", "write"]
    assert client.sock.recv(100) == b"+PONG\r\n"


def test_what_the_kernel_does_not_take_goes_to_the_transport(server: Server) -> None:
    client = server.connect()
    client.sock.sendall(b"SETRANGE k 8000000 v\r\nGET k\r\n")
    server.pump.run()
    received = 0
    client.sock.settimeout(0)
    with contextlib.suppress(BlockingIOError):  # until there is no more
        while True:
            received += len(client.sock.recv(1 << 20))
    assert received > 0
    assert received + sum(map(len, client.written)) == len(b":8000001\r\n$8000001\r\n") + 8_000_001 + 2


def test_a_client_whose_output_is_counted_is_answered_by_the_transport(server: Server) -> None:
    client = server.connect()
    client.receiver.counts = True
    client.sock.sendall(b"PING\r\n")
    server.pump.run()
    assert client.written == [b"+PONG\r\n"]
    assert server.calls == ["read"]


@pytest.mark.parametrize("size", [SMALL_READ_BYTES - 1, SMALL_READ_BYTES, SMALL_READ_BYTES + 1, LARGE_READ_BYTES])
def test_a_request_of_any_size_is_read(server: Server, size: int) -> None:
    client = server.connect()
    head = b"*2\r\n$4\r\nECHO\r\n$%05d\r\n"
    word = b"x" * (size - len(head % 0) - 2)
    request = b"*2\r\n$4\r\nECHO\r\n$%d\r\n%b\r\n" % (len(word), word)
    client.sock.sendall(request * 2)
    for _ in range(6):
        server.pump.run()
    reply = b"$%d\r\n%b\r\n" % (len(word), word)
    received = b""
    while len(received) < 2 * len(reply):
        received += client.sock.recv(1 << 20)
    assert received == reply * 2


def test_the_end_of_a_client_is_reported_once_and_nothing_is_sent_to_it(server: Server) -> None:
    client = server.connect()
    client.sock.sendall(b"PING\r\n")
    client.sock.close()
    server.pump.run()
    server.pump.run()
    assert len(client.ends) == 2  # the reply found nobody, then its end was read
    client.receiver.detach()
    client.receiver.receive(b"PING\r\n")
    assert client.written == [b"+PONG\r\n"]


class SeveralReplies(DirectConnection):
    """Writes several pieces to one request, as TLS does where several records arrived at once."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.receiver = Receiver(self.reply, lambda: None, self.raise_bug)
        self.pieces = pieces
        self.transport: DirectTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, DirectTransport)
        self.transport = transport
        self.receiver.write_with(transport.write)

    def reply(self, request: bytes) -> None:
        for piece in self.pieces:
            self.transport.write(piece)

    def raise_bug(self, bug: Exception) -> None:
        raise bug


async def received_in_pieces(pieces: list[bytes]) -> bytes:
    """What a client gets that asks once and whose kernel takes little."""
    client, served = socket.socketpair()
    client.setblocking(False)
    served.setblocking(False)
    served.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    loop = asyncio.get_running_loop()
    sockets = DirectSockets(loop)
    transport = sockets.open(served, SeveralReplies(pieces))
    received = b""
    try:
        await loop.sock_sendall(client, b"go")
        async with asyncio.timeout(30):
            while len(received) < sum(map(len, pieces)):
                received += await loop.sock_recv(client, 1 << 20)
    finally:
        transport.abort()
        await asyncio.sleep(0)
        sockets.close()
        client.close()
    return received


def test_what_is_written_in_pieces_arrives_in_order_though_the_kernel_takes_little() -> None:
    pieces = [bytes([number]) * (LARGE_REPLY_BYTES // 2) for number in range(40)]
    assert asyncio.run(received_in_pieces(pieces)) == b"".join(pieces)
