"""The memory limit, the LRU lists, slab classes and the crawler."""

import re

import pytest
from tests.engine.memcached.conftest import Client, Server, StartServer

MEGABYTE = 1024 * 1024


def statistics(client: Client, form: str = "") -> dict[str, str]:
    lines = client(f"stats {form}".strip()).decode().split("\r\n")
    return dict(line[5:].split(" ", 1) for line in lines if line.startswith("STAT "))


def fill(client: Client, count: int, size: int, prefix: str = "k") -> None:
    for number in range(count):
        assert client(f"set {prefix}{number} 0 0 {size}\n" + "x" * size) == b"STORED\r\n"


def test_the_oldest_unread_item_is_evicted_first(start: StartServer) -> None:
    server = start(max_bytes=2 * MEGABYTE, item_size_max=MEGABYTE)
    client = server.client()
    fill(client, 300, 10_000)
    found = statistics(client)
    assert int(found["evictions"]) > 0
    assert client("get k0") == b"END\r\n"
    assert client("get k299") != b"END\r\n"
    assert int(found["curr_items"]) + int(found["evictions"]) == 300


def test_items_that_were_read_twice_outlive_the_others(start: StartServer) -> None:
    server = start(max_bytes=4 * MEGABYTE)
    client = server.client()
    fill(client, 50, 10_000, "kept")
    for number in range(2000):
        client(f"set n{number} 0 0 10000\n" + "x" * 10_000)
        client(f"get kept{number % 50}")
        if number % 50 == 0:
            server.advance(1)
    survivors = sum(client(f"get kept{number}") != b"END\r\n" for number in range(50))
    assert survivors > 40


def test_without_evictions_a_full_cache_says_so(start: StartServer) -> None:
    client = start(max_bytes=2 * MEGABYTE, evicts=False).client()
    replies = {client(f"set k{number} 0 0 10000\n" + "x" * 10_000) for number in range(300)}
    assert replies == {b"STORED\r\n", b"SERVER_ERROR out of memory storing object\r\n"}
    assert client("ms m 10000\n" + "x" * 10_000) == b"SERVER_ERROR out of memory storing object\r\n"
    assert int(statistics(client)["store_no_memory"]) > 0


@pytest.mark.parametrize("size", [400_000, 524_000, 600_000, 1_000_000])
def test_room_is_given_back_when_an_item_goes(start: StartServer, size: int) -> None:
    client = start(max_bytes=16 * MEGABYTE).client()
    for _ in range(3):
        fill(client, 4, size)
        for number in range(4):
            assert client(f"delete k{number}") == b"DELETED\r\n"
    used = [int(value) for name, value in statistics(client, "slabs").items() if name.endswith("used_chunks")]
    assert sum(used) == 0
    assert statistics(client)["bytes"] == "0"


def test_appending_until_it_is_too_large_keeps_the_accounts(client: Client) -> None:
    client("set k 0 0 100000\n" + "x" * 100_000)
    replies = [client("append k 0 0 100000\n" + "y" * 100_000) for _ in range(12)]
    assert replies[0] == b"STORED\r\n"
    assert replies[-1] == b"NOT_STORED\r\n"
    client("delete k")
    assert statistics(client)["bytes"] == "0"


def test_an_item_may_be_as_large_as_asked_for(start: StartServer) -> None:
    client = start(item_size_max=8 * MEGABYTE).client()
    size = 8 * MEGABYTE - 512
    assert client(f"set k 0 0 {size}\n" + "x" * size) == b"STORED\r\n"
    assert len(client("get k")) > size


def test_the_limit_may_change(start: StartServer) -> None:
    client = start(max_bytes=64 * MEGABYTE).client()
    assert client("cache_memlimit 8") == b"OK\r\n"
    fill(client, 1200, 10_000)
    assert int(statistics(client)["evictions"]) > 0
    assert statistics(client)["limit_maxbytes"] == str(8 * MEGABYTE)


def test_new_items_are_hot_and_cool_down(start: StartServer) -> None:
    server = start()
    client = server.client()
    fill(client, 100, 100)
    assert statistics(client, "items")["items:4:number_hot"] == "100"
    server.advance(1)
    found = statistics(client, "items")
    assert int(found["items:4:number_cold"]) > 70
    client("get k0")
    client("get k0")
    assert statistics(client, "items")["items:4:number_warm"] == "1"


def test_temporary_items_are_not_evicted(start: StartServer) -> None:
    server = start(max_bytes=4 * MEGABYTE, temp_lru=True, temporary_ttl=60)
    client = server.client()
    client("set t 0 30 10000\n" + "t" * 10_000)
    fill(client, 900, 10_000)
    assert client("get t") != b"END\r\n"
    assert statistics(client, "items")["items:22:number_temp"] == "1"


def test_the_crawler_removes_what_has_expired(server: Server, client: Client) -> None:
    fill(client, 10, 100)
    for number in range(20):
        client(f"set e{number} 0 5 100\n" + "x" * 100)
    server.advance(10)
    assert client("lru_crawler crawl all") in {b"OK\r\n", b"BUSY currently processing crawler request\r\n"}
    server.advance(1)
    server.advance(1)
    found = statistics(client)
    assert found["curr_items"] == "10"
    assert int(found["crawler_reclaimed"]) + int(found["reclaimed"]) == 20
    assert int(found["lru_crawler_starts"]) > 0


def test_the_crawler_starts_by_itself(server: Server, client: Client) -> None:
    for number in range(20):
        client(f"set e{number} 0 5 100\n" + "x" * 100)
    for _ in range(300):
        server.advance(1)
    assert statistics(client)["curr_items"] == "0"


def test_metadump_and_mgdump_list_all_items(server: Server, client: Client) -> None:
    client("set plain 0 0 1\na")
    client("set odd%key 0 100 1\nb")
    client("ms AAEC 1 b\nc")
    dump = client("lru_crawler metadump all").decode()
    assert re.search(r"^key=plain exp=-1 la=1700000000 cas=1 fetch=no cls=1 size=6\d\n", dump, re.MULTILINE)
    assert "key=odd%25key exp=1700000100 " in dump
    assert dump.endswith("END\r\n")
    assert sorted(client("lru_crawler mgdump hash").split(b"\r\n")) == sorted(
        [b"mg plain", b"mg odd%key", b"mg AAEC b", b"EN", b""]
    )
    assert client("lru_crawler metadump 0") == b"BADCLASS invalid class id\r\n"
    assert client("version\nlru_crawler metadump all").endswith(
        b"ERROR cannot pipeline other commands before metadump\r\n"
    )


def test_a_dump_is_made_in_portions(server: Server, client: Client) -> None:
    fill(client, 30_000, 1)
    first = client.session.feed(b"lru_crawler metadump all\r\n")
    assert client.session.has_more
    other = server.client()
    assert other("lru_crawler crawl all") == b"BUSY currently processing crawler request\r\n"
    assert (first + client.raw(b"")).count(b"key=k") == 30_000


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("lru_crawler enable", b"ERROR failed to start lru crawler thread\r\n"),
        ("lru_crawler disable", b"OK\r\n"),
        ("lru_crawler tocrawl 5", b"OK\r\n"),
        ("lru_crawler tocrawl x", b"CLIENT_ERROR bad command line format\r\n"),
        ("lru_crawler sleep 5", b"OK\r\n"),
        ("lru_crawler sleep 1000001", b"CLIENT_ERROR sleep must be one second or less\r\n"),
        ("lru_crawler crawl 0", b"BADCLASS invalid class id\r\n"),
        ("lru_crawler crawl 1,2", b"OK\r\n"),
        ("lru_crawler nonsense", b"ERROR\r\n"),
        ("lru_crawler", b"ERROR\r\n"),
        ("lru tune 10 20 0.5 1.5", b"OK\r\n"),
        ("lru tune 50 50 0.5 1.5", b"ERROR hot and warm pcts must not exceed 80\r\n"),
        ("lru tune 10 20 0 1.5", b"ERROR hot/warm age factors must be greater than 0\r\n"),
        ("lru tune 10 x 0 1.5", b"ERROR\r\n"),
        ("lru mode flat", b"OK\r\n"),
        ("lru mode segmented", b"OK\r\n"),
        ("lru mode x", b"ERROR\r\n"),
        ("lru temp_ttl 60", b"OK\r\n"),
        ("lru temp_ttl -1", b"OK\r\n"),
        ("lru temp_ttl x", b"ERROR\r\n"),
        ("lru x", b"ERROR\r\n"),
        ("slabs reassign 1 1", b"SAME src and dst class are identical\r\n"),
        ("slabs reassign 1 99", b"BADCLASS invalid src or dst class id\r\n"),
        ("slabs reassign 1 2", b"NOSPARE source class has no spare pages\r\n"),
        ("slabs reassign x 2", b"CLIENT_ERROR bad command line format\r\n"),
        ("slabs automove 0", b"OK\r\n"),
        ("slabs automove 3", b"ERROR\r\n"),
        ("slabs automove x", b"CLIENT_ERROR bad command line format\r\n"),
        ("slabs automove ratio 0.5", b"OK\r\n"),
        ("slabs automove ratio", b"ERROR\r\n"),
        ("slabs", b"ERROR\r\n"),
    ],
)
def test_commands_of_the_memory(client: Client, line: str, reply: bytes) -> None:
    assert client(line) == reply


def test_pages_move_to_another_class(start: StartServer) -> None:
    server = start(max_bytes=8 * MEGABYTE)
    client = server.client()
    fill(client, 900, 10_000)
    pages = statistics(client, "slabs")["22:total_pages"]
    assert client("slabs reassign 22 1") == b"OK\r\n"
    assert statistics(client, "slabs")["22:total_pages"] == str(int(pages) - 1)
    assert statistics(client)["slabs_moved"] == "1"
    assert int(statistics(client)["slab_reassign_evictions_nomem"]) > 0


def test_spare_pages_go_back_to_the_pool(start: StartServer) -> None:
    server = start(max_bytes=16 * MEGABYTE, slab_automove_window=3)
    client = server.client()
    fill(client, 900, 10_000)
    for number in range(900):
        client(f"delete k{number}")
    for _ in range(10):
        server.advance(1)
    assert int(statistics(client)["slab_global_page_pool"]) > 3


def test_elasticache_has_closed_these_commands(start: StartServer) -> None:
    client = start(elasticache=True).client()
    for line in ("lru mode flat", "lru_crawler crawl all", "slabs automove 1"):
        assert client(line) == b"ERROR\r\n"


def test_items_of_a_page_that_goes_are_rescued_where_there_is_room(start: StartServer) -> None:
    client = start(max_bytes=8 * MEGABYTE, chunk_size_max=MEGABYTE).client()
    value = "v" * 9000
    for number in range(300):
        client(f"set key{number} 0 0 9000\n{value}")
    for number in range(0, 300, 2):
        client(f"delete key{number}")
    source = next(name for name in statistics(client, "slabs") if name.endswith(":total_pages")).partition(":")[0]
    assert client(f"slabs reassign {source} 0") == b"OK\r\n"
    found = statistics(client)
    assert int(found["slab_reassign_rescues"]) > 0
    assert int(found["slab_reassign_evictions_nomem"]) == 0
    assert int(found["curr_items"]) == 150


def test_a_page_of_pieces_is_emptied_by_evicting_large_items(start: StartServer) -> None:
    client = start(max_bytes=4 * MEGABYTE, chunk_size_max=4096).client()
    value = "v" * 11000
    for number in range(600):
        client(f"set key{number} 0 0 11000\n{value}")
    slabs = statistics(client, "slabs")
    largest = max(int(name.partition(":")[0]) for name in slabs if name.endswith(":total_pages"))
    assert client(f"slabs reassign {largest} 0") == b"OK\r\n"
    found = statistics(client)
    assert int(found["slab_reassign_chunk_rescues"]) > 0
    assert int(found["slab_reassign_evictions_nomem"]) > 0
    assert int(found["slab_global_page_pool"]) == 1


def test_the_window_of_the_automover_is_a_command_of_the_newest_version(start: StartServer) -> None:
    assert start().client()("slabs automove window 10") == b"CLIENT_ERROR bad command line format\r\n"
    client = start(version=b"1.6.45").client()
    refused = b"CLIENT_ERROR automove window too low or too high\r\n"
    assert [client(f"slabs automove window {seconds}") for seconds in (2, 1801)] == [refused] * 2
    assert client("slabs automove window x") == b"CLIENT_ERROR bad command line format\r\n"
    assert client("slabs automove window") == b"CLIENT_ERROR bad command line format\r\n"
    assert client("slabs automove window 3") == b"OK\r\n"
    assert b"STAT slab_automove_window 3\r\n" in client("stats settings")


def test_the_newest_version_counts_items_of_moved_pages_as_evictions(start: StartServer) -> None:
    server = start(version=b"1.6.45", max_bytes=4 * 1024 * 1024, slab_automove=0)
    client = server.client()
    while statistics(client)["evictions"] == "0":
        for number in range(100):
            client(f"set {number}-{statistics(client)['total_items']} 0 0 20000\n" + "x" * 20000)
    before = statistics(client)
    source = next(name for name in statistics(client, "slabs") if name.endswith(":total_pages")).partition(":")[0]
    assert client(f"slabs reassign {source} 0") == b"OK\r\n"
    after = statistics(client)
    moved = int(after["slab_reassign_busy_nomem"])
    assert moved > 0
    assert int(after["evictions"]) == int(before["evictions"]) + moved
    assert after["slab_reassign_last_busy_status"] == "none"
    assert "slab_reassign_evictions_nomem" not in after
