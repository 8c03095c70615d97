"""Engines that follow each other, and redis-server, over real connections; and what stays on disk when one ends.

Nobody waits for time to pass: WAIT on the primary blocks until the replica has acknowledged, and what has no command to
wait with is asked for again until it is so, within a bound.
"""

import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.processes import free_port

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates, StartEngine

WAIT_MS = 60_000
SECONDS_MAX = 60.0
POLL_SECONDS = 0.02

Word = str | bytes | int | float
Reply = bytes | int | None | list["Reply"]


class Refused(Exception):
    """An error reply."""


class Peer:
    """A connection to a server, ours or another: ``peer("SET", "k", "v")`` is the reply."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX + 10)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        self._stream = self._socket.makefile("rb")

    def __call__(self, *words: Word) -> Reply:
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(request)
        return self._reply()

    def _reply(self) -> Reply:
        line = self._stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise Refused(rest.decode())
        if rest == b"-1":
            return None
        if kind == b"$":
            return self._stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        assert not line, f"not a reply: {line!r}"
        raise ConnectionError

    def info(self, section: str) -> dict[str, str]:
        """INFO as a dictionary."""
        text = self("INFO", section)
        assert isinstance(text, bytes)
        return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)

    def digest(self) -> Reply:
        """Of all data."""
        return self("DEBUG", "DIGEST")

    def is_linked(self) -> bool:
        """Is the link to its primary up?"""
        return self.info("replication").get("master_link_status") == "up"

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()


Client = Callable[[int], Peer]


@pytest.fixture
def client() -> Iterator[Client]:
    """Connect to a port; the connections end with the test."""
    peers: list[Peer] = []

    def connect(port: int) -> Peer:
        peer = Peer(port)
        peers.append(peer)
        return peer

    yield connect
    for peer in peers:
        peer.close()


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start redis-servers; the port of each."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed, so there is nobody else to replicate with")
    servers: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> int:
        port = free_port()
        fixed = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--repl-diskless-sync-delay", "0"]
        options = [*fixed, "--enable-debug-command", "yes", *(arguments or ("--save", ""))]
        server = subprocess.Popen([program, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        servers.append(server)
        assert server.stdout is not None
        for line in server.stdout:
            if "Ready to accept connections" in line:
                return port
        raise AssertionError("redis-server did not start")

    yield start
    for server in servers:
        server.kill()
        server.wait(SECONDS_MAX)
        assert server.stdout is not None
        server.stdout.close()


def until(condition: Callable[[], bool], what: str) -> None:
    """Ask until it is so."""
    pause = threading.Event()
    for _ in range(int(SECONDS_MAX / POLL_SECONDS)):
        if condition():
            return
        pause.wait(POLL_SECONDS)
    raise AssertionError(f"not within {SECONDS_MAX} seconds: {what}")


def caught_up(primary: Peer, replicas: int = 1) -> None:
    """Return when its replicas have everything."""
    primary("SET", "the-last-write", "1")
    assert primary("WAIT", replicas, WAIT_MS) == replicas


def library(answer: int) -> str:
    """The code of a function that answers that."""
    function = f"{{function_name='f', callback=function() return {answer} end, flags={{'no-writes'}}}}"
    return f"#!lua name=lib\nredis.register_function{function}"


def fill(one: Peer) -> None:
    """Some of every kind, in two databases: 14 keys."""
    one("SET", "s", "text", "PX", 500_000)
    one("SET", "n", 12)
    one("SET", "big", b"\x00\xff" * 50_000)
    one("SET", "bytes", bytes(range(256)))
    for number in range(200):
        one("RPUSH", "l", number)
        one("HSET", "h", f"f{number}", f"v{number}")
        one("ZADD", "z", number + 0.5, f"m{number}")
        one("SADD", "t", f"m{number}")
        one("XADD", "x", f"{number + 1}-1", "field", number)
    one("HSET", "small", "a", 1, "b", "x" * 30)
    one("SADD", "ints", 1, 2, 70_000)
    one("ZADD", "pair", 1, "a", 2.25, "b", "inf", "c")
    one("RPUSH", "long", "x" * 20_000, "y")
    one("XGROUP", "CREATE", "x", "g", "5-1")
    one("XREADGROUP", "GROUP", "g", "alice", "COUNT", 3, "STREAMS", "x", ">")
    one("SELECT", 3)
    one("SET", "elsewhere", 1)
    one("SELECT", 0)
    one("FUNCTION", "LOAD", library(7))


def change(one: Peer) -> None:
    """Commands whose effect depends on time, chance or what is there."""
    one("MULTI")
    one("INCR", "n")
    one("LPOP", "l")
    assert one("EXEC") == [13, b"0"]
    one("SPOP", "t", 5)
    one("EXPIRE", "h", 5000)
    one("GETEX", "s", "EX", 600)
    script = "redis.call('HINCRBYFLOAT', KEYS[1], 'a', '1.5') redis.call('DEL', KEYS[2])"
    one("EVAL", script, 2, "small", "pair")
    one("XADD", "x", "*", "more", 1)
    one("ZPOPMIN", "z", 7)
    one("SET", "soon-over", 1, "PX", 1)
    one("FUNCTION", "LOAD", "REPLACE", library(8))
    until(lambda: one("EXISTS", "soon-over") == 0, "its time is over")


DEBUG = ("--enable-debug-command", "yes")


# -- who may follow whom ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_ours_follows_ours(start_engine: "StartEngine", client: Client, diskless: str) -> None:
    primary_engine = start_engine(*DEBUG, "--repl-diskless-sync", diskless)
    primary = client(primary_engine.port)
    fill(primary)
    replica_engine = start_engine(*DEBUG, "--replicaof", "127.0.0.1", str(primary_engine.port))
    replica = client(replica_engine.port)
    caught_up(primary)
    change(primary)
    caught_up(primary)
    assert replica.digest() == primary.digest()
    assert replica("FUNCTION", "DUMP") == primary("FUNCTION", "DUMP")
    assert f"port={replica_engine.port}," in primary.info("replication")["slave0"]


@pytest.mark.compat
def test_redis_server_follows_ours(
    start_engine: "StartEngine", start_redis: Callable[..., int], client: Client
) -> None:
    engine = start_engine(*DEBUG, "--profile", "redis-7.1")
    primary = client(engine.port)
    fill(primary)
    replica = client(start_redis("--replicaof", "127.0.0.1", str(engine.port), "--save", ""))
    caught_up(primary)
    change(primary)
    caught_up(primary)
    assert replica.digest() == primary.digest()
    assert replica("FCALL_RO", "f", 0) == 8
    link = replica.info("replication")
    assert link["master_link_status"] == "up"
    assert link["master_replid"] == primary.info("replication")["master_replid"]
    assert primary("CLIENT", "KILL", "TYPE", "replica") == 1
    primary("INCR", "n")
    caught_up(primary)
    assert replica.digest() == primary.digest()
    assert primary.info("stats")["sync_partial_ok"] == "1"


@pytest.mark.compat
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_ours_follows_redis_server(
    start_engine: "StartEngine", start_redis: Callable[..., int], client: Client, diskless: str
) -> None:
    port = start_redis("--repl-diskless-sync", diskless, "--save", "")
    primary = client(port)
    fill(primary)
    replica = client(start_engine(*DEBUG, "--profile", "redis-7.1").port)
    replica("SET", "of-before", 1)
    replica("REPLICAOF", "127.0.0.1", port)
    caught_up(primary)
    change(primary)
    caught_up(primary)
    assert replica.digest() == primary.digest()
    assert replica.is_linked()
    primary("CLIENT", "KILL", "TYPE", "replica")
    primary("INCR", "n")
    caught_up(primary)
    assert replica.digest() == primary.digest()
    assert primary.info("stats")["sync_partial_ok"] == "1"


@pytest.mark.compat
def test_ours_between_two_redis_servers_passes_the_history_on(
    start_engine: "StartEngine", start_redis: Callable[..., int], client: Client
) -> None:
    first_port = start_redis()
    first = client(first_port)
    fill(first)
    ours = start_engine(*DEBUG, "--profile", "redis-7.1", "--replicaof", "127.0.0.1", str(first_port))
    caught_up(first)
    last = client(start_redis("--replicaof", "127.0.0.1", str(ours.port), "--save", ""))
    until(last.is_linked, "the last one is linked")
    change(first)
    caught_up(first)
    wanted = int(first.info("replication")["master_repl_offset"])
    until(lambda: int(last.info("replication")["master_repl_offset"]) >= wanted, "the last one has everything")
    assert last.digest() == first.digest()


# -- roles --------------------------------------------------------------------------------------------------------------


def test_a_failover_between_engines_keeps_every_write(start_engine: "StartEngine", client: Client) -> None:
    one, other = start_engine(*DEBUG), start_engine(*DEBUG)
    first, second = client(one.port), client(other.port)
    second("REPLICAOF", "127.0.0.1", one.port)
    caught_up(first)
    first("SET", "k", "v")
    assert first("FAILOVER")
    until(lambda: second.info("replication")["role"] == "master", "the replica is the primary")
    until(first.is_linked, "the primary is its replica")
    second("SET", "k", "w")
    caught_up(second)
    assert first("GET", "k") == b"w"
    assert first.digest() == second.digest()
    assert second.info("stats")["sync_full"] == "0"
    with pytest.raises(Refused, match="READONLY"):
        first("SET", "k", "x")


def test_a_replica_proves_who_it_is(start_engine: "StartEngine", client: Client) -> None:
    primary_engine = start_engine("--requirepass", "secret")
    replica_engine = start_engine("--replicaof", "127.0.0.1", str(primary_engine.port))
    replica_engine.wait_for_log("link to the primary lost")
    replica = client(replica_engine.port)
    replica("CONFIG", "SET", "primaryauth", "secret")
    until(replica.is_linked, "the replica is linked")
    assert "secret" not in str(replica_engine.log)


def test_a_replica_speaks_tls_to_its_primary_and_looks_at_who_signed(
    start_engine: "StartEngine", certificates: "Certificates"
) -> None:
    trust = ["--tls-ca-cert-file", str(certificates.ca_file), "--tls-replication", "yes"]
    primary_engine = start_engine(*certificates.arguments("primary"), tls="required")
    following = ["--replicaof", "127.0.0.1", str(primary_engine.port)]
    replica_engine = start_engine(*certificates.arguments("replica"), *trust, *following, tls="required")
    primary = Peer(primary_engine.port, certificates.client_context())
    replica = Peer(replica_engine.port, certificates.client_context())
    caught_up(primary)
    assert replica("GET", "the-last-write") == b"1"
    primary.close()
    replica.close()
    distrust = ["--tls-replication", "yes", *following]
    lonely = start_engine(*certificates.arguments("lonely"), *distrust, tls="required")
    reason = lonely.wait_for_log("cannot connect to the primary")["reason"]
    assert "tls-ca-cert-file" in reason


def test_a_primary_that_is_not_there_is_tried_again(start_engine: "StartEngine", client: Client) -> None:
    port = free_port()
    replica_engine = start_engine("--replicaof", "127.0.0.1", str(port))
    replica_engine.wait_for_log("cannot connect to the primary")
    assert not client(replica_engine.port).is_linked()
    primary_engine = start_engine("--unixsocket", "")
    replica = client(replica_engine.port)
    replica("REPLICAOF", "127.0.0.1", primary_engine.port)
    until(replica.is_linked, "the replica is linked")
    assert replica("REPLICAOF", "NO", "ONE") == b"OK"
    assert replica("SET", "k", "v") == b"OK"


def test_the_look_up_of_a_name_that_is_given_up_leaves_no_error_in_the_log(
    start_engine: "StartEngine", client: Client
) -> None:
    engine = start_engine()
    one = client(engine.port)
    for number in range(8):
        assert one("REPLICAOF", f"nobody-{number}.invalid", 1) == b"OK"
        assert one("REPLICAOF", "NO", "ONE") == b"OK"
    assert one("REPLICAOF", "last.invalid", 1) == b"OK"
    engine.wait_for_log("cannot connect to the primary", host="last.invalid")
    assert one("REPLICAOF", "NO", "ONE") == b"OK"
    assert any("this node is a primary now" in line["message"] for line in engine.log)
    assert [line for line in engine.log if line["level"] == "error"] == []


def test_clients_are_served_while_a_snapshot_is_made(start_engine: "StartEngine", client: Client) -> None:
    engine = start_engine(*DEBUG)
    primary = client(engine.port)
    primary("DEBUG", "POPULATE", 20_000, "key", 100)
    with engine.connect(timeout=SECONDS_MAX) as sock, sock.makefile("rb") as stream:
        sock.sendall(b"REPLCONF capa eof\r\n")
        assert stream.readline() == b"+OK\r\n"
        sock.sendall(b"SYNC\r\n")
        mark = stream.readline()[5:-2]
        assert re.fullmatch(rb"[0-9a-f]{40}", mark)
        primary("SET", "key:5", "changed", "PX", 60_000)
        primary("DEL", "key:6")
        received = bytearray()
        while received.partition(mark)[2].count(b"\r\n") < 3:
            chunk = stream.read1(1 << 20)
            assert chunk
            received += chunk
        snapshot, _, changes = received.partition(mark)
        assert snapshot.startswith(b"REDIS0011")
        assert snapshot.count(b"key:") == 20_000
        assert b"changed" not in snapshot
        assert changes.startswith(b"*2\r\n$6\r\nSELECT\r\n")


# -- files --------------------------------------------------------------------------------------------------------------


def test_what_was_saved_is_there_after_a_restart(start_engine: "StartEngine", client: Client, tmp_path: Path) -> None:
    keep = (*DEBUG, "--dir", str(tmp_path), "--save", "3600 1")
    engine = start_engine(*keep)
    one = client(engine.port)
    fill(one)
    assert one("SAVE") == b"OK"
    before = one.digest()
    one("SET", "unsaved", "1")
    with pytest.raises(ConnectionError):
        one("SHUTDOWN", "NOSAVE")
    assert engine.wait() == 0
    again = start_engine(*keep)
    assert again.wait_for_log("DB loaded from disk")["keys"] == 14
    assert client(again.port).digest() == before


def test_the_end_saves_when_save_points_are_set(start_engine: "StartEngine", client: Client, tmp_path: Path) -> None:
    keep = ("--dir", str(tmp_path), "--save", "3600 1")
    engine = start_engine(*keep)
    client(engine.port)("SET", "k", "v")
    engine.stop()
    assert (tmp_path / "dump.rdb").stat().st_mode & 0o777 == 0o600
    again = start_engine(*keep)
    assert client(again.port)("GET", "k") == b"v"


def test_a_background_save_ends_and_says_so(start_engine: "StartEngine", client: Client, tmp_path: Path) -> None:
    engine = start_engine(*DEBUG, "--dir", str(tmp_path))
    one = client(engine.port)
    one("DEBUG", "POPULATE", 5000)
    engine_file = tmp_path / "nobody-saves-this.rdb"
    assert one("BGSAVE") == b"Background saving started"
    until(lambda: one.info("persistence")["rdb_bgsave_in_progress"] == "0", "the save has ended")
    assert one.info("persistence")["rdb_last_bgsave_status"] == "ok"
    assert engine_file.read_bytes().startswith(b"REDIS0011")
    assert [path.name for path in tmp_path.iterdir()] == [engine_file.name]


def test_a_damaged_file_keeps_the_engine_from_starting(tmp_path: Path, start_engine: "StartEngine") -> None:
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0011 not a dump at all")
    with pytest.raises(AssertionError, match="Ready to accept connections"):
        start_engine("--dir", str(tmp_path), "--save", "3600 1")


def test_a_script_that_runs_for_too_long_sees_its_replica_go(start_engine: "StartEngine", client: Client) -> None:
    engine = start_engine("--busy-reply-threshold", "10")
    script = "repeat until string.find(server.call('info', 'replication'), 'connected_slaves:0') return 7"
    one, other = client(engine.port), client(engine.port)
    replica = engine.connect()
    replica.sendall(b"PSYNC ? -1\r\n")
    assert replica.recv(12) == b"+FULLRESYNC "
    until(lambda: one.info("replication")["connected_slaves"] == "1", "the replica is known")
    replies: list[Reply] = []
    runner = threading.Thread(target=lambda: replies.append(one("EVAL", script, 0)))
    runner.start()

    def busy() -> bool:
        try:
            return other("PING") == b"BUSY"
        except Refused as refused:
            return str(refused).startswith("BUSY ")

    until(busy, "the script runs for too long")
    replica.close()
    runner.join(SECONDS_MAX)
    assert replies == [7]


EMPTY_ONES = (  # REDIS0009: an empty hash that ends, an empty list, a string; no checksum
    b"REDIS0009\xfe\0" + b"\xfc" + bytes(7) + b"\x7f\x04\x05lorry\0" + b"\x0e\x01l\0" + b"\0\x01s\x01v\xff" + bytes(8)
)


@pytest.mark.parametrize("hide", ["yes", "no"])
def test_collections_without_elements_in_a_file_are_left_out(
    start_engine: "StartEngine", client: Client, tmp_path: Path, hide: str
) -> None:
    (tmp_path / "dump.rdb").write_bytes(EMPTY_ONES)
    engine = start_engine("--dir", str(tmp_path), "--save", "3600 1", "--hide-user-data-from-log", hide)
    one = client(engine.port)
    assert one("KEYS", "*") == [b"s"]
    assert one("TTL", "s") == -1
    engine.wait_for_log("keys loaded: 1, keys expired: 0, empty keys skipped: 2")
    assert [line for line in engine.log if "lorry" in str(line)] == [
        line for line in engine.log if line["message"] == "skipping empty key: lorry" and hide == "no"
    ]


@pytest.mark.compat
def test_files_of_redis_server_are_ours_and_the_other_way_round(
    start_engine: "StartEngine", start_redis: Callable[..., int], client: Client, tmp_path: Path
) -> None:
    theirs = client(start_redis("--dbfilename", "theirs.rdb", "--save", ""))
    fill(theirs)
    theirs("SAVE")
    keep = (*DEBUG, "--profile", "redis-7.1", "--dir", str(tmp_path), "--save", "3600 1")
    ours = client(start_engine(*keep, "--dbfilename", "theirs.rdb").port)
    assert ours.digest() == theirs.digest()
    ours("CONFIG", "SET", "save", "")
    change(ours)
    wanted = ours.digest()
    ours("SAVE")
    again = client(start_redis("--dbfilename", "theirs.rdb", "--save", ""))
    assert again.digest() == wanted
    assert again("FCALL_RO", "f", 0) == 8
