"""Random numbers: repeatable, within their bounds, evenly spread."""

import pytest

from cachetwin_engine.core.text.random_source import RandomSource


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = RandomSource(1), RandomSource(1)
    assert [first.bits() for _ in range(100)] == [second.bits() for _ in range(100)]


def test_similar_seeds_give_different_numbers() -> None:
    draws = [tuple(RandomSource(seed).bits() for _ in range(4)) for seed in range(1000)]
    assert len(set(draws)) == 1000


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000, 2**31 - 1, 2**31, 2**31 + 1, 2**32, 2**63])
def test_numbers_are_evenly_spread_below_the_limit(limit: int) -> None:
    source = RandomSource(42)
    draws = [source.below(limit) for _ in range(4000)]
    assert all(0 <= draw < limit for draw in draws)
    halves = sum(draw * 2 >= limit for draw in draws)
    assert limit < 1000 or 1800 < halves < 2200
    if limit < 8:
        assert all(abs(draws.count(number) - 4000 / limit) < 200 for number in range(limit))


def test_each_bit_is_set_half_of_the_time() -> None:
    source = RandomSource(7)
    draws = [source.bits() for _ in range(10_000)]
    assert all(draw < 2**32 for draw in draws)
    for bit in range(32):
        assert 4700 < sum(draw >> bit & 1 for draw in draws) < 5300


def test_units_lie_between_0_and_1() -> None:
    source = RandomSource(9)
    draws = [source.unit() for _ in range(4000)]
    assert all(0 <= draw < 1 for draw in draws)
    assert 0.47 < sum(draws) / 4000 < 0.53
