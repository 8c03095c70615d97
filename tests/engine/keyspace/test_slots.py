"""Slots of keys, patterns and tags."""

import pytest

from cachetwin_engine.core.keyspace.slots import SLOT_COUNT, slot_of, slot_of_pattern, tag_of_slot


@pytest.mark.parametrize(
    ("pattern", "slot"),
    [
        (b"{x}*", slot_of(b"x")), (b"*", -1), (b"a?{x}", -1), (b"abc", slot_of(b"abc")), (b"{}*", -1),
        (b"{}a{b}", slot_of(b"{}a{b}")), (b"a\\b", -1), (b"{x", slot_of(b"{x")),
    ],
)  # fmt: skip
def test_a_pattern_has_a_slot_when_all_it_matches_share_one(pattern: bytes, slot: int) -> None:
    assert slot_of_pattern(pattern) == slot


def test_every_slot_has_a_tag_that_lies_in_it() -> None:
    assert [slot_of(tag_of_slot(slot)) for slot in range(SLOT_COUNT)] == list(range(SLOT_COUNT))
    assert [tag_of_slot(slot) for slot in (0, 1, 5, 15891)] == [b"06S", b"Qi", b"460", b"t"]  # as Valkey 9.1.2 has them
