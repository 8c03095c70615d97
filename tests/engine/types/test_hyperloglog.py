"""HyperLogLog: the quick ways give the same bytes as the plain ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachetwin_engine.core.types.hyperloglogs.hyperloglog import (
    DENSE_BYTES,
    add,
    add_all,
    dense_of,
    highest_of,
    new_sparse,
    raise_register,
    registers_of,
)
from cachetwin_engine.core.types.hyperloglogs.runs import REGISTERS

numbers = st.lists(st.integers(0, 2000), max_size=300)


@settings(max_examples=50, deadline=None)
@given(batches=st.lists(numbers, max_size=4), limit=st.sampled_from([20, 100, 300, 3000]))
def test_many_elements_at_once_leave_the_bytes_that_one_after_the_other_leaves(
    batches: list[list[int]], limit: int
) -> None:
    one, many = new_sparse(), new_sparse()
    for batch in batches:
        elements = [b"%d" % number for number in batch]
        grown = sum(add(one, element, limit) for element in elements)
        assert add_all(many, elements, limit) == grown
        assert many == one


@settings(max_examples=50, deadline=None)
@given(seeds=st.tuples(st.integers(0, 2**32), st.integers(0, 2**32)))
def test_registers_are_packed_unpacked_and_compared(seeds: tuple[int, int]) -> None:
    first, second = (bytes(seed * (place + 1) >> 5 & 63 for place in range(REGISTERS)) for seed in seeds)
    data = bytearray(b"HYLL\0" + bytes(11) + dense_of(first))
    assert len(data) == DENSE_BYTES
    assert registers_of(data) == first
    assert highest_of(first, second) == bytes(map(max, first, second))


@pytest.mark.parametrize("register", [0, 1, 2, 3, 4, 8191, REGISTERS - 1])
def test_a_dense_register_is_where_it_is_written(register: int) -> None:
    data = bytearray(b"HYLL\0" + bytes(11) + dense_of(bytes(REGISTERS)))
    assert raise_register(data, register, 51, 0)
    assert not raise_register(data, register, 51, 0)
    assert registers_of(data) == bytes(register) + b"\x33" + bytes(REGISTERS - 1 - register)
