"""struct and bit."""

from tests.engine.in_process import Run


def test_struct_and_bit(run: Run) -> None:
    assert run.args("EVAL", "return struct.pack('>I2s', 258, 'a')", 0) == b"$4\r\n\x01\x02a\x00\r\n"
    assert (
        run.args("EVAL", "return {bit.band(255, 15), bit.bnot(0), bit.lshift(1, 31)}", 0)
        == b"*3\r\n:15\r\n:-1\r\n:-2147483648\r\n"
    )
