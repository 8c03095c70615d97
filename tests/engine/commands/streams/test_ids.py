"""Entry IDs as clients write them."""

import pytest

from cachetwin_engine.core.commands.streams.ids import bulk_id, id_or_none, parse_end, parse_id, parse_start, parse_stop
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.types.streams.stream import ID_MAX

LARGEST = 2**64 - 1


@pytest.mark.parametrize(
    ("text", "ms", "seq"),
    [
        (b"5-3", 5, 3),
        (b"5", 5, 0),
        (b"0-0", 0, 0),
        (b"18446744073709551615-18446744073709551615", LARGEST, LARGEST),
        (b" 5-+3", 5, 3),  # as strtoull reads it
        (b"007-01", 7, 1),
    ],
)
def test_an_id_is_milliseconds_and_a_number(text: bytes, ms: int, seq: int) -> None:
    assert parse_id(text) == ms << 64 | seq


def test_a_missing_number_is_what_the_caller_says() -> None:
    assert parse_id(b"5", 9) == 5 << 64 | 9
    assert parse_id(b"5-3", 9) == 5 << 64 | 3


@pytest.mark.parametrize(
    "text", [b"", b"-", b"5-", b"-5", b"x", b"5-x", b"5-3-1", b"18446744073709551616", b"1" + b"0" * 127, b"+", b"5 -3"]
)
def test_what_is_no_id(text: bytes) -> None:
    assert id_or_none(text) is None
    with pytest.raises(CommandError) as caught:
        parse_id(text)
    assert b"Invalid stream ID" in caught.value.args[0]


def test_a_range_ends_at_the_first_and_last_of_a_millisecond() -> None:
    assert parse_start(b"5") == 5 << 64
    assert parse_stop(b"5") == 5 << 64 | LARGEST
    assert parse_start(b"-") == parse_end(b"-", 0) == 0
    assert parse_stop(b"+") == ID_MAX


def test_a_parenthesis_leaves_the_id_itself_out() -> None:
    assert parse_start(b"(5-3") == 5 << 64 | 4
    assert parse_start(b"(5-18446744073709551615") == 6 << 64
    assert parse_stop(b"(5-3") == 5 << 64 | 2
    assert parse_stop(b"(5-0") == 4 << 64 | LARGEST


@pytest.mark.parametrize("text", [b"(", b"(-", b"(+", b"((5"])
def test_a_parenthesis_needs_an_id(text: bytes) -> None:
    for parse in (parse_start, parse_stop):
        with pytest.raises(CommandError):
            parse(text)


def test_nothing_lies_beyond_the_ends() -> None:
    with pytest.raises(CommandError, match="invalid start ID"):
        parse_start(b"(18446744073709551615-18446744073709551615")
    with pytest.raises(CommandError, match="invalid end ID"):
        parse_stop(b"(0-0")


def test_an_id_is_shown_as_it_is_written() -> None:
    assert bulk_id(5 << 64 | 3) == b"$3\r\n5-3\r\n"
