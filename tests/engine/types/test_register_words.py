"""Registers by machine words are what the bytewise forms of a HyperLogLog have."""

from hypothesis import given
from hypothesis import strategies as st

from cachetwin_engine.core.types.hyperloglogs.register_words import highest, histogram, packed, unpacked

VALUES = st.integers(0, 63)
REGISTERS = st.integers(1, 4).flatmap(lambda count: st.lists(VALUES, min_size=32 * count, max_size=32 * count))


def bits_of(registers: list[int]) -> bytes:
    """Six bits each, the lowest bits first."""
    total = sum(value << 6 * place for place, value in enumerate(registers))
    return total.to_bytes(len(registers) * 6 // 8, "little")


@given(REGISTERS)
def test_registers_are_packed_with_six_bits_each(registers: list[int]) -> None:
    assert packed(bytes(registers)) == bits_of(registers)


@given(REGISTERS, st.binary(max_size=20))
def test_packed_registers_are_unpacked_from_any_place(registers: list[int], head: bytes) -> None:
    assert unpacked(head + bits_of(registers), len(head), len(registers)) == bytes(registers)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=32, max_size=32))
def test_the_higher_value_of_each_register_stays(pairs: list[tuple[int, int]]) -> None:
    one, other = bytes(pair[0] for pair in pairs), bytes(pair[1] for pair in pairs)
    assert highest(one, other) == bytes(max(pair) for pair in pairs)


@given(REGISTERS)
def test_each_value_is_counted(registers: list[int]) -> None:
    assert histogram(bytes(registers)) == [registers.count(value) for value in range(64)]
