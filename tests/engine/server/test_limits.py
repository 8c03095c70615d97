"""Limits that are enforced: clients, output buffers, query buffer, silence."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cachetwin_engine.server.config import Options
from cachetwin_engine.server.valkey.protected_mode import denial, protects
from cachetwin_engine.server.valkey.run import new_engine

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates, EngineProcess, StartEngine


def read_until_closed(sock: socket.socket) -> bytes:
    chunks = []
    try:
        while chunk := sock.recv(1 << 20):
            chunks.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(chunks)


def ping(sock: socket.socket) -> bytes:
    sock.sendall(b"PING\r\n")
    return sock.recv(100)


def request(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def test_maxclients_refuses_with_valkeys_words_and_lets_the_next_one_in(start_engine: "StartEngine") -> None:
    engine = start_engine("--maxclients", "2")
    first, second = engine.connect(), engine.connect()
    assert ping(first) == ping(second) == b"+PONG\r\n"
    with engine.connect() as third:
        assert read_until_closed(third) == b"-ERR max number of clients reached\r\n"
    first.sendall(b"QUIT\r\n")
    assert read_until_closed(first) == b"+OK\r\n"
    first.close()
    with engine.connect() as third:
        assert ping(third) == b"+PONG\r\n"
        third.sendall(b"INFO stats\r\n")
        assert b"rejected_connections:1" in third.recv(65536)
    second.close()


def test_maxclients_counts_tls_clients_before_their_handshake(
    start_engine: "StartEngine", certificates: "Certificates"
) -> None:
    engine = start_engine(*certificates.arguments("server"), "--maxclients", "1", tls="required")
    context = certificates.client_context()
    with context.wrap_socket(engine.connect(), server_hostname="localhost") as first, engine.connect() as second:
        assert ping(first) == b"+PONG\r\n"
        assert read_until_closed(second) == b""


def subscriber(engine: "EngineProcess") -> socket.socket:
    """A client that subscribes to ``news``, has little room, and then reads no more."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(20)
    sock.connect((engine.host, engine.port))
    sock.sendall(request(b"SUBSCRIBE", b"news"))
    sock.recv(100)
    return sock


def test_a_subscriber_over_its_hard_limit_is_closed(start_engine: "StartEngine") -> None:
    engine = start_engine("--client-output-buffer-limit", "pubsub", "1mb", "0", "0")
    message = request(b"PUBLISH", b"news", b"m" * 500_000)
    with subscriber(engine) as slow, engine.connect() as publisher:
        receivers = []
        for _ in range(40):
            publisher.sendall(message)
            receivers.append(publisher.recv(100))
        assert receivers[0] == b":1\r\n"
        assert receivers[-1] == b":0\r\n"
        line = engine.wait_for_log("over its output buffer limit")
        assert line["class"] == "pubsub"
        read_until_closed(slow)
        assert ping(publisher) == b"+PONG\r\n"


def test_a_subscriber_over_its_soft_limit_is_closed_after_its_seconds(start_engine: "StartEngine") -> None:
    engine = start_engine("--client-output-buffer-limit", "pubsub", "0", "1mb", "1")
    message = request(b"PUBLISH", b"news", b"m" * 500_000)
    with subscriber(engine) as slow, engine.connect() as publisher:
        for _ in range(20):
            publisher.sendall(message)
            assert publisher.recv(100) == b":1\r\n"
        engine.wait_for_log("over its output buffer limit")
        read_until_closed(slow)


def test_a_normal_client_has_no_limit_unless_one_is_set(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with engine.connect() as sock:
        sock.sendall(request(b"SET", b"k", b"v" * 3_000_000))
        assert sock.recv(100) == b"+OK\r\n"
        sock.sendall(request(b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 2mb 0 0"))
        assert sock.recv(100) == b"+OK\r\n"
    with engine.connect() as sock:
        assert ping(sock) == b"+PONG\r\n"
        sock.sendall(request(b"GET", b"k"))
        assert len(read_until_closed(sock)) < 3_000_000
    assert engine.wait_for_log("over its output buffer limit")["class"] == "normal"


def test_a_limit_set_at_run_time_reaches_the_clients_that_are_there(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with engine.connect() as old, engine.connect() as admin:
        assert ping(old) == b"+PONG\r\n"
        admin.sendall(request(b"SET", b"k", b"v" * 3_000_000))
        assert admin.recv(100) == b"+OK\r\n"
        admin.sendall(request(b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 2mb 0 0"))
        assert admin.recv(100) == b"+OK\r\n"
        # The shell takes the change over on its next heartbeat: ask until it has.
        for _ in range(10_000):
            old.sendall(request(b"GET", b"k"))
            if not old.recv(1, socket.MSG_PEEK):
                break
            with old.makefile("rb") as replies:
                replies.read(3_000_000 + len(b"$3000000\r\n") + 2)
        assert old.recv(1) == b""


def test_an_unfinished_request_over_the_query_buffer_limit_is_cut_off(start_engine: "StartEngine") -> None:
    engine = start_engine("--client-query-buffer-limit", "1mb")
    with engine.connect() as sock:
        sock.sendall(b"*2\r\n$3\r\nGET\r\n$100000000\r\n")
        try:
            for _ in range(1000):
                sock.sendall(b"x" * 100_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert read_until_closed(sock) == b""
    engine.wait_for_log("over client-query-buffer-limit")
    with engine.connect() as sock:
        sock.sendall(b"INFO stats\r\n")
        assert b"client_query_buffer_limit_disconnections:1" in sock.recv(65536)


def test_silent_clients_are_closed_after_the_timeout_and_waiting_ones_are_not(start_engine: "StartEngine") -> None:
    engine = start_engine("--timeout", "1")
    with engine.connect() as silent, engine.connect() as listener:
        listener.sendall(request(b"SUBSCRIBE", b"news"))
        assert listener.recv(100)
        assert ping(silent) == b"+PONG\r\n"
        assert read_until_closed(silent) == b""
        with engine.connect() as publisher:
            publisher.sendall(request(b"PUBLISH", b"news", b"still there?"))
            assert publisher.recv(100) == b":1\r\n"


@pytest.mark.parametrize(
    "break_it",
    [
        lambda sock: sock.sendall(b"*1000000000000\r\n"),
        lambda sock: sock.sendall(b"x" * 70_000),
        lambda sock: sock.sendall(b"*1\r\n$999999999999\r\n"),
    ],
    ids=["too many arguments", "an endless line", "too long an argument"],
)
def test_requests_beyond_the_protocols_limits_end_the_connection(
    engine_server: "EngineProcess", break_it: Callable[[socket.socket], None]
) -> None:
    with engine_server.connect() as sock:
        break_it(sock)
        assert read_until_closed(sock).startswith(b"-ERR Protocol error")


@pytest.mark.parametrize(
    ("peer", "refused"),
    [
        (("127.0.0.1", 5), False),
        (("127.8.9.10", 5), False),
        (("::1", 5, 0, 0), False),
        (("::ffff:127.0.0.1", 5, 0, 0), False),
        ("/run/engine.sock", False),
        (("10.0.0.7", 5), True),
        (("fe80::1%eth0", 5, 0, 2), True),
        (("::ffff:10.0.0.7", 5, 0, 0), True),
    ],
)
def test_protected_mode_serves_this_machine_only(peer: object, *, refused: bool) -> None:
    assert protects(new_engine(Options()), peer) is refused
    assert not protects(new_engine(Options(parameters=(("protected-mode", "no"),))), peer)
    assert not protects(new_engine(Options(parameters=(("requirepass", "a-password"),))), peer)


def test_protected_mode_says_which_engine_refuses() -> None:
    assert denial(new_engine(Options())).startswith(b"-DENIED Valkey is running in protected mode")
    assert denial(new_engine(Options(profile="redis-7.1"))).startswith(b"-DENIED Redis is running in protected mode")
