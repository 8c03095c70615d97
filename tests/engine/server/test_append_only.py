"""The append-only file of real processes: killed, with a disk that is full, and read by other programs."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from tests.engine.compat.conftest import running
from tests.engine.conftest import EngineProcess, StartEngine
from tests.engine.in_process import encode
from tests.processes import wait_until

SECONDS_MAX = 30
OK = b"+OK\r\n"


class Client:
    """A connection that sends requests and reads replies of one line or one bulk string."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX)
        self._replies = self.sock.makefile("rb")

    def __call__(self, *words: str | bytes | float) -> bytes:
        self.sock.sendall(encode(words))
        line = self._replies.readline()
        if line[:1] != b"$" or line == b"$-1\r\n":
            return line
        return self._replies.read(int(line[1:]) + 2)[:-2]

    def close(self) -> None:
        self._replies.close()
        self.sock.close()

    def wait_for(self, field: str, value: str) -> None:
        """Wait until INFO persistence says so."""
        deadline = time.monotonic() + SECONDS_MAX
        while f"{field}:{value}\r\n".encode() not in self("INFO", "persistence"):
            assert time.monotonic() < deadline, f"{field} did not become {value}: {self('INFO', 'persistence')!r}"
            time.sleep(0.02)


def options(folder: Path, *more: str) -> list[str]:
    return ["--dir", str(folder), "--appendonly", "yes", "--enable-debug-command", "yes", *more]


@pytest.mark.parametrize("policy", ["always", "everysec", "no"])
def test_what_was_acknowledged_is_there_after_a_kill(start_engine: StartEngine, tmp_path: Path, policy: str) -> None:
    engine = start_engine(*options(tmp_path, "--appendfsync", policy))
    acknowledged = [0, 0, 0]

    def write(number: int) -> None:
        client = Client(engine.port)
        try:
            while client("INCR", f"counter:{number}").startswith(b":"):
                acknowledged[number] += 1
        except OSError:
            pass
        finally:
            client.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    client = Client(engine.port)
    deadline = time.monotonic() + SECONDS_MAX
    while min(acknowledged) < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client("BGREWRITEAOF").startswith(b"+Background")
    while min(acknowledged) < 150 and time.monotonic() < deadline:
        time.sleep(0.01)
    engine.signal(signal.SIGKILL)
    for writer in writers:
        writer.join(SECONDS_MAX)
    client.close()
    engine.wait()
    again = start_engine(*options(tmp_path))
    client = Client(again.port)
    for number, count in enumerate(acknowledged):
        assert count >= 150
        assert int(client("GET", f"counter:{number}")) in {count, count + 1}  # the last reply may have been on its way
    client.close()


def test_a_full_disk_refuses_writes_and_keeps_what_was_written(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(*options(tmp_path))
    client = Client(engine.port)
    assert client("SET", "k", "v") == OK
    file = tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"
    room = file.stat().st_size + 100
    resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    client("SET", "large", "x" * 200)
    assert client("SET", "k", "w") == b"-MISCONF Errors writing to the AOF file: File too large\r\n"
    assert client("GET", "k") == b"v"
    assert client("BGREWRITEAOF").startswith(b"-ERR Can't execute an AOF background rewriting.")
    assert file.stat().st_size <= room
    resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    client.wait_for("aof_last_write_status", "ok")
    assert client("SET", "k", "w") == OK
    # everysec puts a write off while the file is synced
    wait_until(lambda: file.read_bytes().endswith(b"\r\nw\r\n"), "the write is in the file", SECONDS_MAX)
    client.close()
    engine.signal(signal.SIGKILL)
    engine.wait()
    client = Client(start_engine(*options(tmp_path)).port)
    assert (client("GET", "k"), client("GET", "large")) == (b"w", b"x" * 200)
    client.close()


def test_always_ends_the_process_rather_than_acknowledge_what_is_not_on_disk(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    engine = start_engine(*options(tmp_path, "--appendfsync", "always"))
    client = Client(engine.port)
    assert client("SET", "k", "v") == OK
    resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    assert client("SET", "k", "w") == b""  # no reply: the connection is closed
    client.close()
    assert engine.wait() == 1
    engine.wait_for_log("Can't recover from AOF write error when the AOF fsync policy is 'always'")
    client = Client(start_engine(*options(tmp_path)).port)
    assert client("GET", "k") == b"v"
    client.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_is_read_only_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    engine = EngineProcess([*options(tmp_path), "--port", "0"], 0)
    assert engine.wait() != 0
    assert any("append-only dir appendonlydir" in str(line) for line in engine.log)
    engine.stop()


def test_a_damaged_log_keeps_the_engine_from_starting_and_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_bytes(b"file appendonly.aof.1.incr.aof seq 1 type i\n")
    (folder / "appendonly.aof.1.incr.aof").write_bytes(encode(("SET", "k", "v")) + b"!!!")
    engine = EngineProcess([*options(tmp_path), "--port", "0"], 0)
    assert engine.wait() != 0
    words = "Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup"
    assert any(words in str(line) for line in engine.log)
    engine.stop()


def test_the_end_brings_everything_to_the_disk(start_engine: StartEngine, tmp_path: Path) -> None:
    engine = start_engine(*options(tmp_path, "--appendfsync", "no"))
    client = Client(engine.port)
    client("SET", "k", "v")
    client.close()
    engine.signal(signal.SIGTERM)
    assert engine.wait() == 0
    engine.wait_for_log("Calling fsync() on the AOF file.")
    client = Client(start_engine(*options(tmp_path)).port)
    assert client("GET", "k") == b"v"
    client.close()


def fill(client: Client) -> None:
    for number in range(200):
        client("SET", f"key:{number}", "x" * number)
        client("RPUSH", "list", number)
        client("HSET", "hash", f"f{number}", number)
        client("ZADD", "sorted", number / 3, f"m{number}")
        client("SADD", "set", f"m{number}")
        client("XADD", "stream", f"{number + 1}-1", "f", number)
    client("XGROUP", "CREATE", "stream", "group", "0")
    read = "redis.call('XREADGROUP', 'GROUP', 'group', 'me', 'COUNT', 3, 'STREAMS', KEYS[1], '>')"
    client("EVAL", read, 1, "stream")
    client("SET", "volatile", "v", "PX", 10_000_000)
    client("EVAL", "redis.call('SET', 'a', 1) redis.call('INCR', 'a')", 0)
    client("SELECT", 3)
    client("SET", "other", "database")
    client("SELECT", 0)


@pytest.mark.compat
@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_real_server_loads_our_files_and_we_load_its(
    start_engine: StartEngine, tmp_path: Path, preamble: str
) -> None:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    folder = tmp_path / "data"
    folder.mkdir()
    base = ["--aof-use-rdb-preamble", preamble]
    ours = options(folder, "--profile", "redis-7.1", *base)
    engine = start_engine(*ours)
    client = Client(engine.port)
    fill(client)
    assert client("BGREWRITEAOF").startswith(b"+Background")
    client.wait_for("aof_rewrite_in_progress", "0")
    fill(client)
    digest = client("DEBUG", "DIGEST")
    client.close()
    engine.signal(signal.SIGTERM)
    engine.wait()
    checker = shutil.which("redis-check-aof")
    if checker is not None:
        manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
        checked = subprocess.run([checker, str(manifest)], capture_output=True, text=True, check=False)
        assert "All AOF files and manifest are valid" in checked.stdout
    real = ["--dir", str(folder), "--appendonly", "yes", "--enable-debug-command", "yes", *base]
    with running([program], tmp_path, *real) as port:
        client = Client(port)
        client.wait_for("loading", "0")
        assert client("DEBUG", "DIGEST") == digest
        client("BGREWRITEAOF")
        client.wait_for("aof_rewrite_in_progress", "0")
        client("SET", "theirs", "1")
        digest = client("DEBUG", "DIGEST")
        client.close()
    client = Client(start_engine(*ours).port)
    assert client("DEBUG", "DIGEST") == digest
    client.close()
