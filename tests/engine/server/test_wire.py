"""Bytes on a real socket, in every portion in which they may arrive."""

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.engine.conftest import EngineProcess


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """``size`` bytes, or less if the peer closes before."""
    data = bytearray()
    while len(data) < size:
        chunk = sock.recv(min(size - len(data), 1 << 20))
        if not chunk:
            break
        data += chunk
    return bytes(data)


def test_a_request_may_come_byte_by_byte(engine_server: "EngineProcess") -> None:
    with engine_server.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"*3\r\n$3\r\nSET\r\n$3\r\nwb1\r\n$5\r\nv\r\nxy\r\n*2\r\n$3\r\nGET\r\n$3\r\nwb1\r\n":
            sock.sendall(bytes([byte]))
        assert read_exactly(sock, 16) == b"+OK\r\n$5\r\nv\r\nxy\r\n"


def test_replies_to_a_pipeline_come_in_order(engine_server: "EngineProcess") -> None:
    count = 20_000
    request = b"".join(b"*2\r\n$4\r\nPING\r\n$5\r\n%05d\r\n" % index for index in range(count))
    expected = b"".join(b"$5\r\n%05d\r\n" % index for index in range(count))
    with engine_server.connect() as sock:
        sock.sendall(request)
        assert read_exactly(sock, len(expected)) == expected


def test_a_whole_pipeline_may_be_sent_before_its_first_reply_is_read(engine_server: "EngineProcess") -> None:
    bulk = b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n"
    count = 60
    with engine_server.connect(timeout=30) as sock:
        write = b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n" + bulk
        sock.sendall(write)
        assert read_exactly(sock, 5) == b"+OK\r\n"
        # 60 MB of replies wait for a client that still sends: more than the kernel's buffers hold.
        sock.sendall(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n" * count + write * 20)
        for _ in range(count):
            assert read_exactly(sock, len(bulk)) == bulk
        assert read_exactly(sock, 5 * 20) == b"+OK\r\n" * 20


def test_replies_reach_a_client_that_has_said_its_last_word(engine_server: "EngineProcess") -> None:
    with engine_server.connect() as sock:
        sock.sendall(b"PING\r\nPING\r\n")
        sock.shutdown(socket.SHUT_WR)
        assert read_exactly(sock, 100) == b"+PONG\r\n+PONG\r\n"


def test_a_value_of_many_megabytes_makes_the_round_trip(engine_server: "EngineProcess") -> None:
    value = bytes(range(256)) * (64 * 4096)
    with engine_server.connect(timeout=30) as sock:
        sock.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nhuge\r\n$%d\r\n" % len(value) + value + b"\r\n")
        assert read_exactly(sock, 5) == b"+OK\r\n"
        sock.sendall(b"*2\r\n$3\r\nGET\r\n$4\r\nhuge\r\n")
        head = b"$%d\r\n" % len(value)
        assert read_exactly(sock, len(head) + len(value) + 2) == head + value + b"\r\n"


def test_bytes_that_are_no_request_are_answered_then_the_connection_closes(engine_server: "EngineProcess") -> None:
    with engine_server.connect() as sock:
        sock.sendall(b"*1\r\n+PING\r\n")
        assert read_exactly(sock, 200) == b"-ERR Protocol error: expected '$', got '+'\r\n"


def test_a_client_that_vanishes_does_not_disturb_the_others(engine_server: "EngineProcess") -> None:
    with engine_server.connect() as stays:
        for _ in range(20):
            leaves = engine_server.connect()
            leaves.sendall(b"*2\r\n$3\r\nGET\r\n$1000")
            leaves.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            leaves.close()
        stays.sendall(b"PING\r\n")
        assert read_exactly(stays, 7) == b"+PONG\r\n"
