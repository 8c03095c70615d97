"""The end: replies in flight are delivered, deadlines hold, the exit code is 0, nothing stays behind."""

import contextlib
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import EngineProcess, StartEngine

VALUE = b"v" * 30_000_000


def with_a_reply_in_flight(engine: "EngineProcess") -> socket.socket:
    """A client with 30 MB on the way to it, of which it has read one byte."""
    sock = engine.connect(timeout=30)
    sock.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % len(VALUE) + VALUE + b"\r\n")
    assert sock.recv(5) == b"+OK\r\n"
    sock.sendall(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
    assert sock.recv(1) == b"$"
    return sock


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_replies_in_flight_finish(start_engine: "StartEngine", number: signal.Signals) -> None:
    engine = start_engine()
    with with_a_reply_in_flight(engine) as sock, engine.connect() as idle:
        engine.signal(number)
        assert idle.recv(10) == b""
        rest = b"%d\r\n" % len(VALUE) + VALUE + b"\r\n"
        with sock.makefile("rb") as replies:
            assert replies.read() == rest
    assert engine.wait() == 0
    assert engine.wait_for_log("ready to exit, bye bye")["reason"] == number.name


def test_no_client_is_accepted_after_the_signal(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with with_a_reply_in_flight(engine), engine.connect() as idle:
        engine.signal(signal.SIGTERM)
        assert idle.recv(10) == b""
        with pytest.raises(ConnectionRefusedError):
            engine.connect()
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


def test_a_client_that_never_reads_holds_the_end_up_for_a_few_seconds_at_most(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with with_a_reply_in_flight(engine):
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0


def test_the_unix_socket_is_removed(start_engine: "StartEngine", tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    engine = start_engine("--unixsocket", str(path), "--unixsocketperm", "700")
    assert path.stat().st_mode & 0o777 == 0o700
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(b"PING\r\n")
        assert sock.recv(100) == b"+PONG\r\n"
    engine.signal(signal.SIGTERM)
    assert engine.wait() == 0
    assert not path.exists()


def test_a_unix_socket_left_behind_is_replaced(start_engine: "StartEngine", tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    start_engine("--unixsocket", str(path))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(b"PING\r\n")
        assert sock.recv(100) == b"+PONG\r\n"


def test_the_command_lets_replies_in_flight_finish_too(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with with_a_reply_in_flight(engine) as sock, engine.connect() as other:
        other.sendall(b"SHUTDOWN\r\n")
        assert other.recv(10) == b""
        rest = b"%d\r\n" % len(VALUE) + VALUE + b"\r\n"
        with sock.makefile("rb") as replies:
            assert replies.read() == rest
    assert engine.wait() == 0


def write_until_the_end(engine: "EngineProcess", name: bytes, counts: dict[bytes, int]) -> None:
    """Write numbered keys in batches of twenty until the engine goes; how many were acknowledged in ``counts``."""
    counts[name] = 0
    with engine.connect(timeout=30) as sock, sock.makefile("rb") as replies, contextlib.suppress(ConnectionError):
        while True:
            first = counts[name]
            sock.sendall(b"".join(b"SET %s:%d v\r\n" % (name, first + place) for place in range(20)))
            for _ in range(20):
                if replies.readline() != b"+OK\r\n":
                    return
                counts[name] += 1


@pytest.mark.parametrize("end", ["signal", "command", "command among others"])
def test_no_acknowledged_write_is_lost_when_it_ends_under_load(
    start_engine: "StartEngine", tmp_path: Path, end: str
) -> None:
    settings = ("--dir", str(tmp_path), "--save", "3600 1")
    engine = start_engine(*settings)
    counts: dict[bytes, int] = {}
    writers = [
        threading.Thread(target=write_until_the_end, args=(engine, b"w%d" % number, counts)) for number in range(4)
    ]
    for writer in writers:
        writer.start()
    with engine.connect(timeout=30) as sock:
        while len(counts) < len(writers) or min(counts.values()) < 1000:
            sock.sendall(b"PING\r\n")
            assert sock.recv(10) == b"+PONG\r\n"
        if end == "signal":
            engine.signal(signal.SIGTERM)
        else:
            sock.sendall(b"SHUTDOWN\r\n" + (b"SET behind v\r\n" * 50 if "among" in end else b""))
            assert sock.recv(10) == b""
    assert engine.wait() == 0
    for writer in writers:
        writer.join(30)
    with start_engine(*settings).connect(timeout=30) as sock:
        for name, count in counts.items():
            sock.sendall(b"EXISTS %s\r\n" % b" ".join(b"%s:%d" % (name, place) for place in range(count)))
            assert sock.recv(100) == b":%d\r\n" % count
        sock.sendall(b"EXISTS behind\r\n")
        assert sock.recv(100) == b":0\r\n"


def test_a_save_that_fails_keeps_the_engine_alive_after_a_signal(start_engine: "StartEngine", tmp_path: Path) -> None:
    engine = start_engine("--dir", str(tmp_path), "--save", "3600 1")
    (tmp_path / "dump.rdb").mkdir()
    engine.signal(signal.SIGTERM)
    engine.wait_for_log("Error trying to save the DB, can't exit")
    with engine.connect() as sock:
        sock.sendall(b"PING\r\n")
        assert sock.recv(10) == b"+PONG\r\n"
    (tmp_path / "dump.rdb").rmdir()
    engine.signal(signal.SIGTERM)
    assert engine.wait() == 0
    assert (tmp_path / "dump.rdb").is_file()


@pytest.mark.parametrize("wanted", ["yes", "no"])
def test_a_crash_says_where_it_was_if_wanted(start_engine: "StartEngine", wanted: str) -> None:
    engine = start_engine("--crash-log-enabled", wanted)
    engine.signal(signal.SIGABRT)
    assert engine.wait() == -signal.SIGABRT
    told = any("Fatal Python error: Aborted" in str(line.get("line")) for line in engine.log)
    assert told == (wanted == "yes")


def test_a_second_signal_ends_even_the_last_save(start_engine: "StartEngine", tmp_path: Path) -> None:
    engine = start_engine("--dir", str(tmp_path), "--save", "3600 1", "--rdb-key-save-delay", "1000000")
    with engine.connect() as sock:
        sock.sendall(b"MSET " + b" ".join(b"k%d v" % number for number in range(60)) + b"\r\n")
        assert sock.recv(10) == b"+OK\r\n"
    engine.signal(signal.SIGINT)
    draft = tmp_path / f"temp-{engine.process.pid}.rdb"
    deadline = time.monotonic() + 30
    while not draft.exists():
        assert time.monotonic() < deadline, "the save does not begin"
        time.sleep(0.01)
    engine.signal(signal.SIGINT)
    assert engine.wait() == 1
    assert list(tmp_path.iterdir()) == []


def test_two_signals_end_an_engine_whose_script_never_ends(start_engine: "StartEngine") -> None:
    engine = start_engine("--busy-reply-threshold", "50")
    with engine.connect() as looping, engine.connect(timeout=30) as other:
        other.sendall(b"PING\r\n")
        assert other.recv(100) == b"+PONG\r\n"
        looping.sendall(b"EVAL 'while true do end' 0\r\n")
        deadline = time.monotonic() + 30
        reply = b""
        while not reply.startswith(b"-BUSY"):
            assert time.monotonic() < deadline
            other.sendall(b"PING\r\n")
            reply = other.recv(100)
        for _ in range(20):  # signals that come together count as one
            engine.signal(signal.SIGTERM)
            time.sleep(0.2)
            if engine.process.poll() is not None:
                break
        assert engine.wait() == 1
    engine.wait_for_log("You insist... exiting now.")
