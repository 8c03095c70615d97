"""``bit`` of scripts: operations on 32-bit integers."""

import pytest
from tests.engine.in_process import Run


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("bit.band(255, 15)", b":15\r\n"),
        ("bit.bor(1, 2, 4)", b":7\r\n"),
        ("bit.bxor(6, 3)", b":5\r\n"),
        ("bit.bnot(0)", b":-1\r\n"),
        ("bit.tobit(0xffffffff)", b":-1\r\n"),
        ("bit.tobit(2^40 + 1)", b":1\r\n"),
        ("bit.tobit(0/0)", b":0\r\n"),
        ("bit.lshift(1, 31)", b":-2147483648\r\n"),
        ("bit.lshift(1, 32)", b":1\r\n"),  # the lower five bits of the count
        ("bit.rshift(-1, 28)", b":15\r\n"),
        ("bit.arshift(-16, 2)", b":-4\r\n"),
        ("bit.rol(0x12345678, 12)", b":1164411171\r\n"),
        ("bit.ror(0x12345678, 12)", b":1736516421\r\n"),
        ("bit.bswap(0x12345678)", b":2018915346\r\n"),
        ("bit.tohex(255)", b"$8\r\n000000ff\r\n"),
        ("bit.tohex(255, 2)", b"$2\r\nff\r\n"),
        ("bit.tohex(255, -4)", b"$4\r\n00FF\r\n"),
    ],
)
def test_operations_are_those_of_bitop(run: Run, call: str, result: bytes) -> None:
    assert run.args("EVAL", f"return {call}", 0) == result


def test_what_is_no_number_is_refused(run: Run) -> None:
    assert run.args("EVAL", "return bit.band({})", 0).startswith(b"-ERR")
