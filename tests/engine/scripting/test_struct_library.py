"""``struct`` of scripts: formats, both ways."""

import pytest
from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk


def packed(run: Run, format_text: str, *values: str | int | float) -> bytes:
    numbers = ", ".join(f"ARGV[{place}]" for place in range(1, len(values) + 1))
    reply = run.args("EVAL", f"return struct.pack('{format_text}', {numbers})", 0, *values)
    assert reply.startswith(b"$"), reply
    return reply.split(b"\r\n", 1)[1][:-2]


@pytest.mark.parametrize(
    ("format_text", "values", "data"),
    [
        (">I2s", (258, "a"), b"\x01\x02a\x00"),
        ("<i4", (-2,), b"\xfe\xff\xff\xff"),
        ("=hH", (1, 65535), b"\x01\x00\xff\xff"),
        ("bB", (-1, 255), b"\xff\xff"),
        (">l", (1,), bytes(7) + b"\x01"),
        ("T", (1,), b"\x01" + bytes(7)),
        (">f", ("1.5",), b"\x3f\xc0\x00\x00"),
        ("<d", ("-2",), bytes(7) + b"\xc0"),
        ("c3", ("abcdef",), b"abc"),
        ("c0", ("abcdef",), b"abcdef"),
        ("bxb", (1, 2), b"\x01\x00\x02"),
        ("!4 bi", (1, 2), b"\x01\x00\x00\x00\x02\x00\x00\x00"),
        (">I3", (0x010203,), b"\x01\x02\x03"),
        ("s", (12,), b"12\x00"),
    ],
)
def test_values_are_packed_by_a_format(run: Run, format_text: str, values: tuple[str | int, ...], data: bytes) -> None:
    assert packed(run, format_text, *values) == data


@pytest.mark.parametrize(
    ("format_text", "data", "result"),
    [
        (">I2s", b"\x01\x02a\x00", b"*3\r\n:258\r\n$1\r\na\r\n:5\r\n"),
        ("b", b"\xff", b"*2\r\n:-1\r\n:2\r\n"),
        ("B", b"\xff", b"*2\r\n:255\r\n:2\r\n"),
        ("Bc0", b"\x02abc", b"*2\r\n$2\r\nab\r\n:4\r\n"),
        ("c2x", b"abc", b"*2\r\n$2\r\nab\r\n:4\r\n"),
        ("<d", bytes(6) + b"\x00\x40", b"*2\r\n:2\r\n:9\r\n"),
    ],
)
def test_values_come_back_with_the_place_behind_them(run: Run, format_text: str, data: bytes, result: bytes) -> None:
    assert run.args("EVAL", f"return {{struct.unpack('{format_text}', ARGV[1])}}", 0, data) == result


def test_reading_may_begin_anywhere(run: Run) -> None:
    assert run.args("EVAL", "return {struct.unpack('B', ARGV[1], 2)}", 0, b"\x01\x02") == b"*2\r\n:2\r\n:3\r\n"


def test_sizes_of_formats(run: Run) -> None:
    assert (
        run("EVAL \"return {struct.size('b'), struct.size('!4bi'), struct.size('c5')}\" 0")
        == b"*3\r\n:1\r\n:8\r\n:5\r\n"
    )


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("struct.pack('i')", b"no value"),
        ("struct.pack('i', 'x')", b"number expected"),
        ("struct.pack('s', {})", b"string expected"),
        ("struct.pack('c5', 'ab')", b"string too short"),
        ("struct.pack('q', 1)", b"invalid format option 'q'"),
        ("struct.pack('i33', 1)", b"integral size 33 is larger than limit of 32"),
        ("struct.pack('!3i', 1)", b"alignment is not a power of 2"),
        ("struct.unpack('i', 'ab')", b"data string too short"),
        ("struct.unpack('s', 'ab')", b"unfinished string in data"),
        ("struct.unpack('c0', 'ab')", b"format 'c0' needs a previous size"),
        ("struct.unpack('b', 'ab', 0)", b"offset must be 1 or greater"),
        ("struct.size('s')", b"variable-size format in 'size'"),
        ("struct.size('c0')", b"variable-length format"),
    ],
)
def test_errors_name_what_is_wrong(run: Run, call: str, problem: bytes) -> None:
    reply = run.args("EVAL", f"return {call}", 0)
    assert reply.startswith(b"-ERR")
    assert problem in reply


def test_what_was_packed_is_a_string_of_any_bytes(run: Run) -> None:
    run.args("EVAL", "return redis.call('set', 'k', struct.pack('BB', 0, 255))", 0)
    assert run("GET k") == bulk(b"\x00\xff")
