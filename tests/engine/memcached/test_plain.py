"""A get of one key and a set with its value are read in one go; however they arrive, the answer is the same."""

import pytest
from tests.engine.memcached.conftest import Client, StartServer

from cachetwin_engine.memcached.plain import META_GET, META_SET, NEITHER, PlainRequest

SMALL = b"x" * 512
LARGE = b"x" * 513
REQUESTS = [
    b"get k\r\n",
    b"get missing\r\n",
    b"get k\n",
    b"get  k\r\n",
    b"get k \r\n",
    b"get k\r\r\n",
    b"get\r\n",
    b"get \r\n",
    b"get k other\r\n",
    b"get k\tother\r\n",
    b"get k\0other\r\n",
    b"get " + b"k" * 250 + b"\r\n",
    b"get " + b"k" * 251 + b"\r\n",
    b"gat k\r\n",
    b"set k 0 0 3\r\nabc\r\n",
    b"set k 5 0 3\r\nabc\r\n",
    b"set k 4294967295 0 3\r\nabc\r\n",
    b"set k 4294967296 0 3\r\nabc\r\n",
    b"set k 999999999 999999999 3\r\nabc\r\n",
    b"set k 0 -1 3\r\nabc\r\n",
    b"set k 0 0 0\r\n\r\n",
    b"set k 0 0 -1\r\n",
    b"set k 0 0 03\r\nabc\r\n",
    b"set k 0 0 +3\r\nabc\r\n",
    b"set k 0 0 3 noreply\r\nabc\r\n",
    b"set k 0 0 3\nabc\r\n",
    b"set k 0 0 3\r\nabcd\r\n",
    b"set k 0 0 3 \r\nabc\r\n",
    b"set k  0 0 3\r\nabc\r\n",
    b"set k 0 0 x\r\n",
    b"set k 0 0\r\n",
    b"set " + b"k" * 250 + b" 0 0 3\r\nabc\r\n",
    b"set " + b"k" * 251 + b" 0 0 3\r\nabc\r\n",
    b"set k 0 0 512\r\n" + SMALL + b"\r\n",
    b"set k 0 0 513\r\n" + LARGE + b"\r\n",
    b"mg k\r\n",
    b"mg key\r\n",
    b"mg k v\r\n",
    b"mg k v \r\n",
    b"mg k  v\r\n",
    b"mg k v\n",
    b"mg k v v\r\n",
    b"mg k vq\r\n",
    b"mg k v f s c t k q Oabc\r\n",
    b"mg k Oabc c\r\n",
    b"mg k s v\r\n",
    b"mg k h l v\r\n",
    b"mg k t T60 t\r\n",
    b"mg k O" + b"o" * 31 + b" v\r\n",
    b"mg k O" + b"o" * 32 + b" v\r\n",
    b"mg k O\r\n",
    b"mg k @ \x7f\r\n",
    b"mg k z{\r\n",
    b"mg a2V5 b k v\r\n",
    b"mg missing v\r\n",
    b"mg missing v k Oabc\r\n",
    b"mg missing v k q Oabc\r\n",
    b"mg missing N30 v\r\n",
    b"mg " + b"k" * 250 + b" k v\r\n",
    b"mg " + b"k" * 251 + b" v\r\n",
    b"ms k 3\r\nabc\r\n",
    b"ms k 3 \r\nabc\r\n",
    b"ms k 3 T60 F5\r\nabc\r\n",
    b"ms k 3 c k s Oabc T60\r\nabc\r\n",
    b"ms k 3 q\r\nabc\r\n",
    b"ms k 3 T0\r\nabc\r\n",
    b"ms k 3 T-1\r\nabc\r\n",
    b"ms k 3 T\r\nabc\r\n",
    b"ms k 3 T9999999999\r\nabc\r\n",
    b"ms k 3 T5x\r\nabc\r\n",
    b"ms k 3 F4294967295\r\nabc\r\n",
    b"ms k 3 MA\r\nabc\r\n",
    b"ms k 3 I C1\r\nabc\r\n",
    b"ms k 3 v f t\r\nabc\r\n",
    b"ms k 3 f\r\nabc\r\n",
    b"ms k 3 t\r\nabc\r\n",
    b"ms k 3 P L\r\nabc\r\n",
    b"ms k 3\r\nabcd\r\n",
    b"ms k 3\nabc\r\n",
    b"ms k x\r\n",
    b"ms k\r\n",
    b"ms k 0\r\n\r\n",
    b"ms k 513\r\n" + LARGE + b"\r\n",
    b"ms " + b"k" * 251 + b" 3\r\nabc\r\n",
    b"md k q\r\n",
    b"mn\r\n",
]


@pytest.mark.parametrize("flags", [b"", b" v", b" v f s c t k q Oabc"])
def test_meta_gets_are_read_in_one_go(flags: bytes) -> None:
    request = PlainRequest()
    line = b"mg key" + flags + b"\r\n"
    assert request.read(line, 0, 512) == META_GET
    assert (request.key, request.meta_flags, request.end) == (b"key", flags, len(line))
    assert request.shows_value == (b"v" in flags)
    assert request.is_quiet == (b"q" in flags)


def test_meta_sets_are_read_in_one_go() -> None:
    request = PlainRequest()
    assert request.read(b"ms key 3 T60 F5 c k s q Oabc\r\nabc\r\n", 0, 512) == META_SET
    assert (request.key, request.value, request.exptime, request.flags) == (b"key", b"abc", 60, 5)
    assert request.read(b"ms key 3 t\r\nabc\r\n", 0, 512) == NEITHER
    assert request.read(b"ms key 3 f\r\nabc\r\n", 0, 512) == NEITHER


def state(client: Client) -> bytes:
    """What a request may have changed."""
    return client("gets k") + client("get " + "k" * 250) + client("stats")


@pytest.mark.parametrize("request_", REQUESTS, ids=[str(text[:24]) for text in REQUESTS])
def test_the_answer_is_that_of_a_request_in_pieces(start: StartServer, request_: bytes) -> None:
    outcomes = []
    for pieces in ([request_], [request_[at : at + 1] for at in range(len(request_))]):
        client = start().client()
        client("set k 1 0 1\nv")
        reply = b"".join([client.raw(piece) for piece in pieces])
        outcomes.append((reply, state(client)))
    assert outcomes[0] == outcomes[1]


def test_a_second_request_may_follow_at_once(start: StartServer) -> None:
    client = start().client()
    client("mn")
    assert client.raw(b"set k 0 0 1\r\nv\r\nget k\r\nget k") == b"STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n"
    assert client.raw(b"\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"


def test_a_value_that_is_stored_again_takes_the_place_of_the_old_one(start: StartServer) -> None:
    client = start().client()
    for number in range(50):
        client(f"set k 0 0 2\n{number:02}")
    assert b"STAT curr_items 1\r\n" in client("stats")
    assert b"STAT total_items 50\r\n" in client("stats")
    assert client("get k") == b"VALUE k 0 2\r\n49\r\nEND\r\n"
    assert b"STAT items:1:number 1\r\n" in client("stats items")


def test_what_is_counted_by_prefix_is_counted_for_them_too(start: StartServer) -> None:
    client = start().client()
    client("stats detail on")
    client("set a:k 0 0 1\nv")
    client("get a:k")
    assert client("stats detail dump") == b"PREFIX a get 1 hit 1 set 1 del 0\r\nEND\r\n"
