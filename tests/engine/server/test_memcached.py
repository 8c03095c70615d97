"""The Memcached profile as a process: its command line, limits, signals, TLS, control channel, and real clients."""

import json
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient
from tests.engine.conftest import EngineProcess
from tests.processes import free_port, wait_until

from cachetwin_engine.server.config import OptionError
from cachetwin_engine.server.memcached.options import parse, wants_memcached

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates

StartMemcached = Callable[..., EngineProcess]
READY = "Ready to accept connections"


@pytest.fixture
def start_memcached() -> Iterator[StartMemcached]:
    """Start servers of the profile on a free port; they end with the test."""
    engines: list[EngineProcess] = []

    def start(*arguments: str, pass_fds: tuple[int, ...] = ()) -> EngineProcess:
        port = free_port()
        listen = [] if "--control-fd" in arguments else ["-p", str(port)]
        words = ["--profile", "memcached-1.6", *listen, "--save", "", *arguments]
        engines.append(EngineProcess(words, port, pass_fds))
        engines[-1].wait_for_log(READY)
        return engines[-1]

    yield start
    for engine in engines:
        engine.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[EngineProcess]:
    """One server with memcached's defaults for the tests of this module; nobody may stop it."""
    port = free_port()
    engine = EngineProcess(["--profile", "memcached-1.6", "-p", str(port), "--save", ""], port)
    engine.wait_for_log(READY)
    yield engine
    engine.stop()


def exchange(sock: socket.socket, request: bytes, end: bytes = b"MN\r\n") -> bytes:
    """The reply to a request, up to that of an ``mn`` behind it."""
    sock.sendall(request + b"mn\r\n")
    reply = b""
    while not reply.endswith(end):
        data = sock.recv(1 << 16)
        if not data:
            break
        reply += data
    return reply.removesuffix(end)


def rest(sock: socket.socket) -> bytes:
    """What comes until the other side closes."""
    reply = b""
    while data := sock.recv(1 << 16):
        reply += data
    return reply


def test_a_client_that_sends_no_more_gets_every_reply(server: EngineProcess) -> None:
    value = b"v" * 900_000
    answer = b"VALUE half 0 900000\r\n" + value + b"\r\nEND\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as sock:
        assert exchange(sock, b"set half 0 0 900000\r\n" + value + b"\r\n") == b"STORED\r\n"
        sock.sendall(b"get half\r\n" * 20)
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock) == answer * 20


def test_clients_that_break_off_leave_nothing_behind(server: EngineProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 30) as sock:
        exchange(sock, b"set much 0 0 900000\r\n" + b"v" * 900_000 + b"\r\n")
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", server.port), 30) as other:
                other.sendall(b"get much\r\n" * 5)
                other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        descriptors = Path(f"/proc/{server.process.pid}/fd")
        if descriptors.exists():
            wait_until(lambda: len(list(descriptors.iterdir())) < 30, "closed connections")
        assert exchange(sock, b"get nothing\r\n") == b"END\r\n"


def test_a_pipeline_is_answered_in_order(server: EngineProcess) -> None:
    count = 20_000
    requests = b"".join(b"set p%d 0 0 3\r\nabc\r\nget p%d\r\n" % (number, number) for number in range(count))
    expected = b"".join(b"STORED\r\nVALUE p%d 0 3\r\nabc\r\nEND\r\n" % number for number in range(count))
    with server.connect(60) as sock:
        sender = threading.Thread(target=sock.sendall, args=(requests + b"mn\r\n",))
        sender.start()
        reply = b""
        while not reply.endswith(b"MN\r\n"):
            reply += sock.recv(1 << 20)
        sender.join()
    assert reply == expected + b"MN\r\n"


def test_a_client_that_takes_no_replies_does_not_fill_the_memory(server: EngineProcess) -> None:
    value = b"x" * 1_000_000
    with server.connect(60) as sock, server.connect(60) as other:
        assert exchange(sock, b"set big 0 0 1000000\r\n" + value + b"\r\n") == b"STORED\r\n"
        sock.sendall(b"get big\r\n" * 300 + b"mn\r\n")  # 300 MB
        assert exchange(other, b"version\r\n") == b"VERSION 1.6.22\r\n"
        received, tail = 0, b""
        while not tail.endswith(b"MN\r\n"):
            data = sock.recv(1 << 20)
            received += len(data)
            tail = (tail + data)[-8:]
    assert received == 300 * (len(b"VALUE big 0 1000000\r\n") + len(value) + len(b"\r\nEND\r\n")) + 4


def test_one_connection_too_many_is_told_so(start_memcached: StartMemcached) -> None:
    server = start_memcached("-c", "2")
    with server.connect() as first, server.connect() as second:
        assert exchange(first, b"") == exchange(second, b"") == b""
        with server.connect() as third:
            assert rest(third) == b"ERROR Too many open connections\r\n"
        assert b"STAT rejected_connections 1\r\n" in exchange(first, b"stats\r\n")


def test_a_connection_too_many_may_wait_for_its_turn(start_memcached: StartMemcached) -> None:
    server = start_memcached("-c", "1", "-o", "no_maxconns_fast")
    with server.connect() as first, server.connect() as second:
        assert exchange(first, b"version\r\n") == b"VERSION 1.6.22\r\n"
        second.sendall(b"version\r\nmn\r\n")
        assert b"STAT accepting_conns 0\r\n" in exchange(first, b"stats\r\n")
        first.close()
        assert exchange(second, b"").startswith(b"VERSION 1.6.22\r\n")


def test_idle_connections_are_closed(start_memcached: StartMemcached) -> None:
    server = start_memcached("-o", "idle_timeout=1")
    with server.connect(30) as sock:
        assert exchange(sock, b"") == b""
        assert rest(sock) == b""


def test_a_unix_socket_takes_the_place_of_the_port(tmp_path: Path) -> None:
    path = tmp_path / "memcached.sock"
    engine = EngineProcess(["--profile=memcached-1.6", "-s", str(path), "-a", "700", "--save", ""], 0)
    try:
        engine.wait_for_log(READY)
        assert path.stat().st_mode & 0o777 == 0o700
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(str(path))
            assert b"unix:" + str(path).encode() in exchange(sock, b"stats conns\r\n")
        engine.signal(signal.SIGTERM)
        assert engine.wait() == 0
        assert not path.exists()
    finally:
        engine.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_end_it_after_the_replies_in_flight(start_memcached: StartMemcached, number: signal.Signals) -> None:
    server = start_memcached()
    with server.connect(30) as sock:
        assert exchange(sock, b"set k 0 0 1\r\na\r\n") == b"STORED\r\n"
        server.signal(number)
        assert rest(sock) == b""
    assert server.wait() == 0


def test_a_client_may_end_it_where_that_is_enabled(start_memcached: StartMemcached) -> None:
    server = start_memcached("-A")
    with server.connect(30) as sock:
        sock.sendall(b"shutdown\r\n")
        assert rest(sock) == b""
    assert server.wait() == 0


def test_a_file_of_users_is_read_again_on_sighup(start_memcached: StartMemcached, tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("ann:secret\n")
    server = start_memcached("-Y", str(users))
    with server.connect(30) as sock:
        sock.sendall(b"get k\r\n")
        assert sock.recv(100) == b"CLIENT_ERROR unauthenticated\r\n"
        assert exchange(sock, b"set a 0 0 10\r\nann secret\r\n") == b"STORED\r\n"
    users.write_text("bob:other\n")
    server.signal(signal.SIGHUP)

    def bob_may() -> bool:
        with server.connect(30) as sock:
            sock.sendall(b"set a 0 0 9\r\nbob other\r\n")
            return sock.recv(100) == b"STORED\r\n"

    wait_until(bob_may, "the new users")


def test_tls_is_spoken_and_the_certificate_read_again(
    start_memcached: StartMemcached, certificates: "Certificates"
) -> None:
    certificate, key = certificates.issue("memcached")
    server = start_memcached("-Z", "-o", f"ssl_chain_cert={certificate},ssl_key={key}")
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with context.wrap_socket(server.connect(30), server_hostname="127.0.0.1") as sock:
        assert exchange(sock, b"set k 0 0 1\r\na\r\n") == b"STORED\r\n"
        assert b"STAT ssl_enabled yes\r\n" in exchange(sock, b"stats settings\r\n")
        assert exchange(sock, b"refresh_certs\r\n") == b"OK\r\n"
    client = Client(("127.0.0.1", server.port), tls_context=context, timeout=30, connect_timeout=30)
    assert client.get("k") == b"a"
    client.close()


def test_watch_sends_lines_as_they_come(server: EngineProcess) -> None:
    with server.connect(30) as watcher, server.connect(30) as sock:
        watcher.sendall(b"watch mutations\r\n")
        assert watcher.recv(100) == b"OK\r\n"
        exchange(sock, b"set watched 0 0 1\r\na\r\n")
        assert b"type=item_store key=watched status=stored" in watcher.recv(1000)


def test_a_supervisor_gives_it_its_socket_and_its_nodes(start_memcached: StartMemcached) -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    with ours, socket.create_server(("127.0.0.1", 0)) as listening:
        engine = start_memcached("--control-fd", str(theirs.fileno()), pass_fds=(theirs.fileno(),))
        theirs.close()
        answers = ours.makefile("r")
        assert json.loads(answers.readline())["profile"] == "memcached-1.6.22"
        request = {"id": 1, "op": "listen", "name": "node", "tls": "off"}
        socket.send_fds(ours, [json.dumps(request).encode() + b"\n"], [listening.fileno()])
        assert json.loads(answers.readline())["ok"]
        nodes = {"id": 2, "op": "nodes", "version": 4, "nodes": ["b|127.0.0.1|2", "a|127.0.0.1|1"]}
        wrong = {"id": 3, "op": "nodes", "version": 4, "nodes": ["x"]}
        for message in (nodes, wrong, {"id": 4, "op": "lead"}, {"id": 5, "op": "info"}, {"id": 6, "op": "state"}):
            ours.sendall(json.dumps(message).encode() + b"\n")
        replies = [json.loads(answers.readline()) for _ in range(5)]
        assert [reply["ok"] for reply in replies] == [True, False, False, True, True]
        assert replies[4]["role"] == "primary"
        assert "curr_items:0" in replies[3]["info"]
        iam = {"id": 7, "op": "iam", "keys": []}
        clock = {"id": 8, "op": "clock", "moves": [[0, 3_600_000]]}
        back = {"id": 9, "op": "clock", "moves": [[0, 1_000]]}
        with socket.create_connection(listening.getsockname(), 30) as sock:
            assert exchange(sock, b"set k 0 1800 1\r\nv\r\n") == b"STORED\r\n"
            for message in (iam, clock, back):
                ours.sendall(json.dumps(message).encode() + b"\n")
            assert [json.loads(answers.readline())["ok"] for _ in range(3)] == [False, True, False]
            wait_until(lambda: exchange(sock, b"get k\r\n") == b"END\r\n", "the end of the item's time")
            reply = exchange(sock, b"config get cluster\r\n")
        assert b"\r\n4\na|127.0.0.1|1 b|127.0.0.1|2\n\r\nEND\r\n" in reply
        answers.close()
    assert engine.wait() == 0


def test_pymemcache_stores_and_reads(server: EngineProcess) -> None:
    client = Client(("127.0.0.1", server.port), timeout=30, connect_timeout=30, default_noreply=False)
    assert client.set("pm", b"value", expire=100)
    assert client.get_many(["pm", "none"]) == {"pm": b"value"}
    value, cas = client.gets("pm")
    assert value == b"value"
    assert client.cas("pm", b"other", cas)
    assert client.cas("pm", b"late", cas) is False
    assert client.add("pm", b"x") is False
    assert client.set("count", b"1")
    assert client.incr("count", 5) == 6
    assert client.touch("pm", 50)
    assert client.delete("pm")
    assert client.get("pm") is None
    assert client.version() == b"1.6.22"
    assert b"curr_items" in client.stats()
    client.close()


def discovered(port: int) -> tuple[int, list[tuple[str, int]]]:
    """The version and the nodes, asked for as clients with auto discovery do; pymemcache's has no release yet."""
    client = Client(("127.0.0.1", port), timeout=30, connect_timeout=30)
    reply = client.raw_command(b"config get cluster", end_tokens=b"\n\r\nEND\r\n")
    client.close()
    _, version, nodes = reply.splitlines()
    return int(version), [(node.split(b"|")[1].decode(), int(node.split(b"|")[2])) for node in nodes.split(b" ")]


def test_clients_find_the_nodes_of_a_cluster_and_follow_them(start_memcached: StartMemcached) -> None:
    nodes = [start_memcached() for _ in range(3)]
    lines = [f"localhost|127.0.0.1|{node.port}" for node in nodes]

    def store_over(count: int, version: int) -> list[int]:
        text = f"{version}\n{' '.join(sorted(lines[:count]))}\n".encode()
        with nodes[0].connect(30) as sock:
            assert exchange(sock, b"config set cluster 0 %d\r\n%b\r\n" % (len(text), text)) == b"STORED\r\n"
        found = discovered(nodes[0].port)
        assert found[0] == version
        client = HashClient(found[1], timeout=30, connect_timeout=30, default_noreply=False)
        for number in range(50):
            assert client.set(f"k{number}", b"v")
        client.close()
        return items(nodes)

    first = store_over(2, 1)
    assert sum(first) == 50
    assert min(first[:2]) > 0
    assert store_over(3, 2)[2] > 0
    assert store_over(1, 3)[0] == 50


def items(nodes: list[EngineProcess]) -> list[int]:
    """How many items each node has."""
    found = []
    for node in nodes:
        client = Client(("127.0.0.1", node.port), timeout=30, connect_timeout=30)
        found.append(int(client.stats()[b"curr_items"]))
        client.close()
    return found


def test_a_lost_node_loses_its_keys_and_nothing_else(start_memcached: StartMemcached) -> None:
    nodes = [start_memcached() for _ in range(3)]
    client = HashClient(
        [("127.0.0.1", node.port) for node in nodes],
        timeout=30,
        connect_timeout=30,
        ignore_exc=True,
        default_noreply=False,
    )
    for number in range(90):
        client.set(f"k{number}", b"v")
    kept = sum(items(nodes)[:2])
    nodes[2].stop()
    assert sum(client.get(f"k{number}") == b"v" for number in range(90)) == kept
    client.close()


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_pylibmc_speaks_both_protocols(server: EngineProcess, *, binary: bool) -> None:
    pylibmc = pytest.importorskip("pylibmc", reason="pylibmc is not installed: it needs libmemcached")
    client = pylibmc.Client([f"127.0.0.1:{server.port}"], binary=binary, behaviors={"cas": True})
    assert client.set("lib", {"a": [1, 2]}, time=100)
    assert client.get("lib") == {"a": [1, 2]}
    assert client.set_multi({"m1": b"1", "m2": b"2"}) == []
    assert client.get_multi(["m1", "m2", "none"]) == {"m1": b"1", "m2": b"2"}
    value, cas = client.gets("lib")
    assert client.cas("lib", value, cas)
    client.set("n", 10)
    assert client.incr("n", 5) == 15
    assert client.append("m1", b"2")
    assert client.delete("lib")
    assert client.get("lib") is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-I", "500"], "Item max size cannot be less than 1024 bytes."),
        (["-m", "64", "-I", "60m"], "Cannot set item size limit higher than 1/2 of memory max."),
        (["-I", "600k"], "-I (item_size_max: 614400) must be evenly divisible by slab_chunk_max (bytes: 524288)"),
        (["-c", "0"], "-c must be a number from 1 to 16777216, got '0'"),
        (["-f", "1"], "Factor must be greater than 1"),
        (["-S"], "This server is not built with SASL support."),
        (["-B", "x"], "Invalid value for binding protocol: x\n -- should be one of auto, binary, or ascii"),
        (["-o", "nonsense"], 'Illegal suboption "nonsense"'),
        (["-o", "slab_automove=5"], "slab_automove must be between 0 and 2"),
        (["-o", "hot_lru_pct=70,warm_lru_pct=70"], "hot_lru_pct + warm_lru_pct cannot be more than 80% combined"),
        (["-o", "temporary_ttl=10,no_lru_maintainer"], "temporary_ttl requires lru_maintainer to be enabled"),
        (["-l", "notls:127.0.0.1"], "'notls' option is valid only when SSL is enabled"),
        (["--cluster-nodes", "a|b"], "a node of a cluster must be host|ip|port, got 'a|b'"),
        (["--nonsense"], "option --nonsense not recognized; see --help"),
        (["word"], "expected an option like -p, got 'word'; see --help"),
        (["-Y", "users", "-B", "binary"],
         "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens."),
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_used_says_why(words: list[str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse(words)
    assert str(caught.value) == message


def test_memcached_s_options_become_settings() -> None:
    options = parse(
        ["-m", "128", "-I", "2m", "-c10", "-vv", "-M", "-C", "-F", "-X", "-W", "-A", "-n", "80", "-f", "1.5", "-D|", "-t8",
         "-R5", "-b", "77", "-l", "127.0.0.1:7000,[::1]:7001;127.0.0.2", "--port=7002", "-U", "7003", "-u", "nobody", "-o",
         "modern,no_slab_reassign,idle_timeout=5,track_sizes,slab_automove,no_maxconns_fast,hash_algorithm=xxh3"]
    )  # fmt: skip
    settings = options.settings
    assert (settings.max_bytes, settings.item_size_max, settings.max_connections) == (128 << 20, 2 << 20, 10)
    assert (settings.verbosity, settings.evicts, settings.use_cas, settings.flush_enabled) == (2, False, False, False)
    assert (settings.prefix_delimiter, settings.detail_enabled, settings.backlog) == (b"|", True, 77)
    assert (settings.slab_reassign, settings.idle_timeout, settings.track_sizes) == (False, 5, True)
    assert options.listeners() == [("127.0.0.1", 7000, "off"), ("::1", 7001, "off"), ("127.0.0.2", 7002, "off")]


def test_elasticache_may_go_without_its_value() -> None:
    assert parse(["--elasticache", "--control-fd", "5"]).settings.elasticache
    assert parse(["-m", "64", "--elasticache"]).settings.elasticache
    assert not parse(["--elasticache", "no"]).settings.elasticache


def test_no_modern_has_the_defaults_of_memcached_1_4() -> None:
    settings = parse(["-o", "no_modern"]).settings
    assert (settings.chunk_size_max, settings.lru_segmented, settings.lru_crawler) == (1 << 20, False, False)


def test_the_profile_or_the_program_s_name_chooses_this_engine() -> None:
    assert wants_memcached("memcached", [])
    assert wants_memcached("cachetwin-engine", ["--port", "1", "--profile", "memcached-1.6"])
    assert wants_memcached("cachetwin-engine", ["--profile=memcached-1.6"])
    assert not wants_memcached("cachetwin-engine", ["--profile", "valkey-8.1"])


@pytest.mark.parametrize(("word", "begin"), [("--help", "cachetwin-engine, profile"), ("-V", "memcached 1.6.22\n")])
def test_help_and_version_are_printed(word: str, begin: str) -> None:
    command = [sys.executable, "-m", "cachetwin_engine", "--profile", "memcached-1.6", word]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(begin)


def test_memjs_speaks_the_binary_protocol_with_several_nodes(start_memcached: StartMemcached) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node, which memjs needs")
    found = subprocess.run([node, "-e", "require.resolve('memjs')"], capture_output=True, timeout=60, check=False)
    if found.returncode:
        pytest.skip("memjs is not installed: npm install memjs, and NODE_PATH to its node_modules")
    servers = ",".join(f"127.0.0.1:{start_memcached().port}" for _ in range(2))
    script = Path(__file__).parent / "memcached_scripts" / "memjs.cjs"
    ended = subprocess.run([node, script, servers], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "set": True, "get": "hello", "missing": None, "add": False, "replace": True, "append": True,
        "joined": "hi there", "counted": 10, "counted_again": 15, "down": 12, "touch": True, "delete": True,
        "gone": None, "large": True, "spread": [str(number) for number in range(50)], "servers": ["1.6.22", "1.6.22"],
    }  # fmt: skip
