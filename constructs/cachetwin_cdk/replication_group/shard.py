"""One shard of a cluster: its zones, replicas and slots."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import known, refuse, require_between, require_match

REPLICAS_MAX = 5
SLOT_COUNT = 16_384


@checked_arguments
@dataclass(frozen=True)
class Shard:
    """Where one shard is and which slots it owns. ElastiCache decides what is left out.

    Args:
        primary_availability_zone: The zone of the primary.
        replica_availability_zones: The zones of the replicas, one for each.
        slots: The slots of the shard, written ``0-5461``, with commas between several ranges. By default slots are
            spread evenly.
        replicas: The number of replicas. By default that of the replication group.
        shard_id: An id of up to four digits. By default shards are numbered from 0001.
    """

    primary_availability_zone: str | None = None
    replica_availability_zones: tuple[str, ...] = ()
    slots: str | None = None
    replicas: int | None = None
    shard_id: str | None = None

    def __post_init__(self) -> None:
        require_match(
            "shard_id", self.shard_id, r"\d{1,4}", "hold 1 to 4 digits", remedy="write it as 0001, or leave it out"
        )
        require_between("replicas", self.replicas, 0, REPLICAS_MAX, remedy="a shard has at most six nodes")
        _require_slots(self.slots)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones that are named, the primary's first."""
        primary = (self.primary_availability_zone,) if self.primary_availability_zone is not None else ()
        return (*primary, *self.replica_availability_zones)


def _require_slots(slots: str | None) -> None:
    require_match(
        "slots", slots, r"\d{1,5}-\d{1,5}(,\d{1,5}-\d{1,5})*", "be written first-last", remedy="write them as 0-5461"
    )
    if slots is None or not known(slots):
        return
    for first, last in _ranges(slots):
        if not first <= last < SLOT_COUNT:
            refuse("slots", f"ascend within 0 and {SLOT_COUNT - 1}", f"{first}-{last}", "correct that range")


def _ranges(slots: str) -> list[tuple[int, int]]:
    pairs = [part.split("-") for part in slots.split(",")]
    return [(int(first), int(last)) for first, last in pairs]


def slots_problem(all_slots: Sequence[str | None]) -> str | None:
    """What is wrong with the slots of all shards together, or None; None also when some are unknown."""
    slots = [text for text in all_slots if text is not None]
    if not slots or not known(*slots):
        return None
    if len(slots) != len(all_slots):
        return "only some shards say which slots they own"
    ranges = sorted(pair for text in slots for pair in _ranges(text))
    overlap = next((right for left, right in pairwise(ranges) if right[0] <= left[1]), None)
    if overlap:
        return f"slot {overlap[0]} is given twice"
    missing = SLOT_COUNT - sum(last - first + 1 for first, last in ranges)
    return f"{missing} slots are given to none" if missing else None
