"""stats, watch and auto discovery."""

import pytest
from tests.engine.memcached.conftest import Client, Server, StartServer


def test_commands_are_counted(server: Server, client: Client) -> None:
    for line in ("set k 0 0 1\n1", "get k", "get none", "incr k 1", "incr none 1", "decr k 1", "delete none", "touch k 5",
                 "touch none 5", "cas k 0 0 1 99\nx", "cas none 0 0 1 1\nx", "flush_all", "get k", "me k"):  # fmt: skip
        client(line)
    found = dict(line.split(b" ")[1:3] for line in client("stats").split(b"\r\n") if line.startswith(b"STAT"))
    expected = {
        "cmd_get": 3, "cmd_set": 3, "get_hits": 1, "get_misses": 2, "get_flushed": 1, "incr_hits": 1, "incr_misses": 1,
        "decr_hits": 1, "delete_misses": 1, "touch_hits": 1, "touch_misses": 1, "cmd_touch": 2, "cas_badval": 1,
        "cas_misses": 1, "cmd_flush": 1, "cmd_meta": 1, "curr_items": 0, "total_items": 1, "curr_connections": 1,
    }  # fmt: skip
    assert {name: int(found[name.encode()]) for name in expected} == expected
    assert client("stats reset") == b"RESET\r\n"
    assert b"STAT cmd_get 0\r\n" in client("stats")


def test_settings_show_what_was_asked_for(start: StartServer) -> None:
    text = start(max_bytes=128 * 1024 * 1024, growth_factor=1.5, evicts=False, ssl_enabled=True).client()(
        "stats settings"
    )
    assert b"STAT ssl_enabled no\r\nSTAT ssl_chain_cert (null)\r\n" in start().client()("stats settings")
    for line in (b"maxbytes 134217728", b"growth_factor 1.50", b"evictions off", b"ssl_enabled yes", b"inter NULL"):
        assert b"STAT " + line + b"\r\n" in text


def test_sizes_are_counted_where_it_was_asked_for(client: Client) -> None:
    assert client("stats sizes") == b"STAT sizes_status disabled\r\nEND\r\n"
    assert client("stats sizes_enable") == b"STAT sizes_status enabled\r\nEND\r\n"
    client("set k 0 0 1\na")
    assert client("stats sizes") == b"STAT 64 1\r\nEND\r\n"
    client("delete k")
    assert client("stats sizes") == b"END\r\n"
    assert client("stats sizes_disable") == b"STAT sizes_status disabled\r\nEND\r\n"


def test_detail_counts_by_prefix(client: Client) -> None:
    assert client("stats detail dump") == b"END\r\n"
    assert client("stats detail on") == b"OK\r\n"
    for line in ("set user:1 0 0 1\na", "get user:1", "get user:2", "delete user:1", "get plain", "mg user:1"):
        client(line)
    assert client("stats detail dump") == b"PREFIX user get 2 hit 1 set 1 del 1\r\nEND\r\n"
    assert client("stats detail off") == b"OK\r\n"
    assert client("stats detail") == b"CLIENT_ERROR usage: stats detail on|off|dump\r\n"


def test_cachedump_lists_cold_items(server: Server, client: Client) -> None:
    client("set k 0 0 1\na")
    client("set l 0 100 2\nbb")
    server.engine.store.lru.move(server.engine.store.table[b"k"], 128)
    server.engine.store.lru.move(server.engine.store.table[b"l"], 128)
    assert client("stats cachedump 1 0") == b"ITEM l [2 b; 1700000100 s]\r\nITEM k [1 b; 0 s]\r\nEND\r\n"
    assert client("stats cachedump 1 1") == b"ITEM l [2 b; 1700000100 s]\r\nEND\r\n"
    assert client("stats cachedump 99 0") == b"CLIENT_ERROR Illegal slab id\r\n"
    assert client("stats cachedump 1") == b"CLIENT_ERROR bad command line\r\n"
    assert client("stats cachedump x 0") == b"CLIENT_ERROR bad command line format\r\n"
    assert client("stats nonsense") == b"ERROR\r\n"


def test_conns_lists_connections(server: Server, client: Client) -> None:
    server.engine.state.listeners = [(9, b"tcp:127.0.0.1:11211")]
    other = server.client()
    other.raw(b"set k 0 0 5\r\n")
    text = client("stats conns")
    assert b"STAT 9:state conn_listening\r\n" in text
    assert b"STAT 1:state conn_parse_cmd\r\n" in text
    assert b"STAT 2:state conn_nread\r\n" in text


def test_watch_tells_of_fetches_and_changes(server: Server, client: Client) -> None:
    watcher = server.client()
    assert watcher("watch fetchers mutations deletions") == b"OK\r\n"
    for line in ("set k 0 0 1\na", "get k", "get none", "delete k", "md none"):
        client(line)
    lines = watcher.session.take_output().decode().splitlines()
    kinds = [line.split(" ", 2)[2] for line in lines]
    assert kinds == [
        "type=item_get key=k status=not_found clsid=0 cfd=1 size=0",
        "type=item_store key=k status=stored cmd=set ttl=0 clsid=1 cfd=1 size=1",
        "type=item_get key=k status=found clsid=1 cfd=1 size=1",
        "type=item_get key=none status=not_found clsid=0 cfd=1 size=0",
        "type=item_get key=k status=found clsid=1 cfd=1 size=1",
        "type=deleted key=k cmd=delete clsid=1 size=1",
        "type=item_get key=none status=not_found clsid=0 cfd=1 size=0",
    ]
    assert lines[0].startswith("ts=1700000000.0 gid=")


def test_watch_tells_of_evictions_and_connections(start: StartServer) -> None:
    server = start(max_bytes=2 * 1024 * 1024)
    client, watcher = server.client(), server.client()
    watcher("watch evictions connevents")
    for number in range(300):
        client(f"set k{number} 0 0 10000\n" + "x" * 10_000)
    server.engine.close_session(server.client().session)
    text = watcher.session.take_output()
    assert b"type=eviction key=k0 fetch=no ttl=-1 la=0 clsid=22 size=10000\n" in text
    assert b"type=conn_new rip=127.0.0.1 rport=50000 transport=tcp cfd=3\n" in text
    assert b"type=conn_close rip=127.0.0.1 rport=50000 transport=tcp reason=normal cfd=3\n" in text


def test_a_slow_watcher_is_told_how_much_it_missed(start: StartServer) -> None:
    server = start(watcher_buffer_bytes=1000)
    client, watcher = server.client(), server.client()
    watcher("watch")
    for _ in range(100):
        client("get k")
    first = watcher.session.take_output()
    assert len(first) <= 1000 + len(b"skipped=99\n")
    assert b"skipped=" in first.splitlines()[-1]
    client("get k")
    assert b"type=item_get" in watcher.session.take_output()
    assert b"STAT log_watchers 1\r\n" in client("stats")
    server.engine.close_session(watcher.session)
    assert b"STAT log_watchers 0\r\n" in client("stats")


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("watch nonsense", b"ERROR\r\n"),
        ("version\nwatch", b"VERSION 1.6.22\r\nERROR cannot pipeline other commands before watch\r\n"),
    ],
)
def test_watch_refuses(client: Client, line: str, reply: bytes) -> None:
    assert client(line) == reply


def test_watch_may_be_forbidden_and_has_a_limit(start: StartServer) -> None:
    assert start(watch_enabled=False).client()("watch") == b"CLIENT_ERROR watch commands not allowed\r\n"
    server = start()
    replies = [server.client()("watch") for _ in range(21)]
    assert replies == [b"OK\r\n"] * 20 + [b"WATCHER_TOO_MANY log watcher limit reached\r\n"]


def test_auto_discovery_answers_with_the_nodes_in_order(server: Server, client: Client) -> None:
    assert client("config get cluster") == b"END\r\n"
    nodes = [b"b.cache|10.0.0.2|11211", b"a.cache|10.0.0.1|11211"]
    server.engine.store.cluster.set_nodes(nodes, 0)
    text = b"1\na.cache|10.0.0.1|11211 b.cache|10.0.0.2|11211\n"
    assert client("config get cluster") == b"CONFIG cluster 0 %d\r\n%b\r\nEND\r\n" % (len(text), text)
    assert client("get AmazonElastiCache:cluster") == (
        b"VALUE AmazonElastiCache:cluster 0 %d\r\n%b\r\nEND\r\n" % (len(text), text)
    )
    assert client("gets AmazonElastiCache:cluster k").count(b"VALUE") == 1


def test_the_version_of_the_nodes_is_raised_on_a_change(server: Server) -> None:
    cluster = server.engine.store.cluster
    cluster.set_nodes([b"a|10.0.0.1|11211"], 0)
    cluster.set_nodes([b"a|10.0.0.1|11211"], 0)
    assert cluster.version == 1
    cluster.set_nodes([b"a|10.0.0.1|11211", b"b|10.0.0.2|11211"], 0)
    assert cluster.version == 2
    cluster.set_nodes([b"a|10.0.0.1|11211"], 7)
    assert cluster.version == 7


def test_a_client_may_set_the_nodes_where_it_is_not_the_service(start: StartServer) -> None:
    client = start().client()
    assert client.raw(b"config set cluster 0 5\r\n3\na|b\r\n") == b"STORED\r\n"
    assert client("config delete cluster") == b"DELETED\r\n"
    assert client("config delete cluster") == b"NOT_FOUND\r\n"
    assert client("config set cluster 0 99999") == b"CLIENT_ERROR bad command line format\r\n"
    assert client("config get other") == b"ERROR\r\n"
    assert start(elasticache=True).client()("config delete cluster") == b"ERROR\r\n"
