"""Which slots move when shards are added or removed."""

import itertools
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from cachetwin_local.supervise.cache.cluster.slot_plan import SlotMove, even_moves, in_steps, ranges_of, slots_in

ALL = ((0, 16383),)


def applied(owned: Mapping[str, tuple[tuple[int, int], ...]], moves: list[SlotMove]) -> dict[str, set[int]]:
    found = {shard: set(slots_in(ranges)) for shard, ranges in owned.items()}
    for move in moves:
        slots = set(slots_in(move.slots))
        assert slots <= found[move.source]
        found[move.source] -= slots
        found.setdefault(move.target, set()).update(slots)
    return found


def test_one_shard_gives_half_of_its_slots_to_a_second() -> None:
    assert even_moves({"0001": ALL}, ["0001", "0002"]) == [SlotMove(((8192, 16383),), "0001", "0002")]


def test_a_shard_that_leaves_gives_all_its_slots_away() -> None:
    owned = {"0001": ((0, 5461),), "0002": ((5462, 10922),), "0003": ((10923, 16383),)}
    found = applied(owned, even_moves(owned, ["0001", "0002"]))
    assert [len(found[shard]) for shard in sorted(found)] == [8192, 8192, 0]


@given(
    cuts=st.lists(st.integers(1, 16383), min_size=0, max_size=7, unique=True),
    wanted=st.lists(st.integers(1, 12), min_size=1, max_size=12, unique=True),
)
def test_every_part_is_equal_and_no_slot_is_lost_or_moves_for_nothing(cuts: list[int], wanted: list[int]) -> None:
    bounds = [0, *sorted(cuts), 16384]
    owned = {f"{at + 1:04}": ((first, last - 1),) for at, (first, last) in enumerate(itertools.pairwise(bounds))}
    names = [f"{number:04}" for number in wanted]
    moves = even_moves(owned, names)
    found = applied(owned, moves)
    assert sum(len(slots) for slots in found.values()) == 16384
    sizes = [len(found[name]) for name in names]
    assert max(sizes) - min(sizes) <= 1
    assert not {move.source for move in moves} & {move.target for move in moves}


def test_steps_take_no_more_slots_than_they_may_and_all_in_the_end() -> None:
    moves = even_moves({"0001": ALL}, ["0001", "0002", "0003"])
    steps = list(in_steps(moves, 1000))
    assert all(sum(last - first + 1 for first, last in move.slots) <= 1000 for step in steps for move in step)
    assert applied({"0001": ALL}, [m for step in steps for m in step]) == applied({"0001": ALL}, moves)


def test_ranges_are_unbroken_runs() -> None:
    assert ranges_of([3, 1, 2, 9]) == ((1, 3), (9, 9))
