"""Arguments that come in many reads."""

import pytest

from cachetwin_engine.core.protocol.errors import ProtocolError
from cachetwin_engine.core.protocol.resp import RespParser

LARGE = bytes(range(256)) * 800


def encoded(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


@pytest.mark.parametrize("piece", [999, 65536, 70_001, 1 << 20])
@pytest.mark.parametrize(
    "request_words",
    [[b"SET", b"k", LARGE], [LARGE], [b"MSET", b"a", LARGE, b"b", LARGE + b"x"], [b"SET", b"k", LARGE[:65536], b"NX"]],
)
def test_it_is_whole_however_it_arrives(request_words: list[bytes], piece: int) -> None:
    data = encoded(*request_words) + encoded(b"PING")
    parser = RespParser(1 << 30)
    parser.wants_line_ends = True
    found: list[list[bytes]] = []
    sizes = 0
    for at in range(0, len(data), piece):
        parser.feed(data[at : at + piece])
        while (words := parser.next_command()) is not None:
            found.append(words)
            sizes += parser.request_bytes
    assert found == [request_words, [b"PING"]]
    assert sizes == len(data)
    assert parser.buffered() == 0


def test_what_has_arrived_counts_and_room_for_the_rest() -> None:
    parser = RespParser(1 << 30)
    parser.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n" + LARGE[:100])
    assert parser.next_command() is None
    parser.feed(LARGE[100:150_000])
    assert parser.next_command() is None
    assert parser.buffered() == 150_004
    assert parser.reserved() == 200_004
    parser.feed(LARGE[150_000:200_000] + b"\r")
    assert parser.next_command() is None
    assert parser.buffered() == 200_005
    parser.feed(b"\n*1\r")
    assert parser.next_command() == [b"SET", b"k", LARGE[:200_000]]


def test_its_line_must_end_where_ends_are_looked_at() -> None:
    parser = RespParser(1 << 30)
    parser.wants_line_ends = True
    parser.feed(b"*1\r\n$200000\r\n" + LARGE[:70_000])
    assert parser.next_command() is None
    parser.feed(LARGE[70_000:200_000] + b"xx")
    with pytest.raises(ProtocolError):
        parser.next_command()
