"""Which slots move when shards are added or removed. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Ranges", "SlotMove", "even_moves", "in_steps", "ranges_of", "slots_in"]

SLOT_COUNT: Final = 16384
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SlotMove:
    """Slots that go, with their keys, from the shard `source` to the shard `target`."""

    slots: Ranges
    source: str
    target: str


def even_moves(owned: Mapping[str, Ranges], wanted: Sequence[str]) -> list[SlotMove]:
    """The fewest moves after which the shards `wanted` have equal parts, and all others none."""
    smaller, larger = divmod(SLOT_COUNT, len(wanted))
    slots = {shard: list(slots_in(ranges)) for shard, ranges in owned.items()}
    by_size = sorted(wanted, key=lambda shard: -len(slots.get(shard, ())))  # who has much keeps the one slot more
    part = {shard: smaller + (1 if at < larger else 0) for at, shard in enumerate(by_size)}
    spare = [(shard, list(owned_slots[part.get(shard, 0) :])) for shard, owned_slots in slots.items()]
    moves = []
    for target in wanted:
        missing = part[target] - len(slots.get(target, ()))
        while missing > 0:
            source, left = next(pair for pair in spare if pair[1])
            taken, left[:] = left[:missing], left[missing:]
            moves.append(SlotMove(ranges_of(taken), source, target))
            missing -= len(taken)
    return moves


def in_steps(moves: Iterable[SlotMove], slots_max: int) -> Iterator[list[SlotMove]]:
    """The moves in steps; in each, every pair of shards moves at most `slots_max` slots."""
    left = [(move, list(slots_in(move.slots))) for move in moves]
    while left:
        yield [SlotMove(ranges_of(slots[:slots_max]), move.source, move.target) for move, slots in left]
        left = [(move, slots[slots_max:]) for move, slots in left if len(slots) > slots_max]


def slots_in(ranges: Ranges) -> Iterator[int]:
    """The slots of ranges, each given by its first and last."""
    for first, last in ranges:
        yield from range(first, last + 1)


def ranges_of(slots: Iterable[int]) -> Ranges:
    """Slots as first and last of each unbroken run."""
    found: list[tuple[int, int]] = []
    for slot in sorted(slots):
        if found and found[-1][1] == slot - 1:
            found[-1] = (found[-1][0], slot)
        else:
            found.append((slot, slot))
    return tuple(found)
