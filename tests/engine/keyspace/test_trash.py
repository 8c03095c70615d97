"""What was deleted is freed a little at a time, and nothing of it is left."""

import time

import pytest

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.keyspace.dict_table import DictTable
from cachetwin_engine.core.keyspace.key_table import KeyTable
from cachetwin_engine.core.keyspace.packed_table import PackedTable
from cachetwin_engine.core.keyspace.trash import Trash
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.types.hashes.hash import HashValue
from cachetwin_engine.core.types.list import ListValue
from cachetwin_engine.core.types.member_table import INTSET
from cachetwin_engine.core.types.set import SetValue
from cachetwin_engine.core.types.sorted_sets.sorted_set import sorted_set_of
from cachetwin_engine.core.types.streams.stream import Stream

COUNT = 3000
MEMBERS = [b"member:%d" % number for number in range(COUNT)]


def clock() -> int:
    return time.monotonic_ns() // 1000


def steps(trash: Trash) -> int:
    """How many of the smallest steps empty the trash."""
    count = 0
    while not trash.is_empty():
        trash.work(clock, 0)
        count += 1
        assert count < 100_000
    return count


def large_values() -> list[Value]:
    config = Config(PROFILES["valkey-8.1"])
    hashed = HashValue()
    for member in MEMBERS:
        hashed.set(member, b"value", config)
    stream = Stream()
    for number in range(1, COUNT):
        stream.append(number << 64, [b"f", b"v"], 4096, 100)
    return [
        hashed,
        ListValue.of(list(MEMBERS), -2),
        SetValue.of(list(MEMBERS), config, INTSET),
        sorted_set_of({member: float(at) for at, member in enumerate(MEMBERS)}, False),
        stream,
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_large_value_is_taken_apart_and_freed_in_steps(number: int) -> None:
    trash = Trash()
    containers = large_values()[number].take_apart()
    assert containers
    trash.add(containers)
    assert steps(trash) > 5
    assert not any(containers)


@pytest.mark.parametrize("table", [DictTable(), PackedTable([])])
def test_a_table_is_freed_with_the_large_values_in_it(table: KeyTable) -> None:
    for member in MEMBERS:
        table.put(member, b"v")
    for number, value in enumerate(large_values()):
        table.put(b"large:%d" % number, value)
    table.close()
    trash = Trash()
    trash.add(table.take_apart())
    assert steps(trash) > 5 * COUNT // 256
    table.close()


def test_the_smallest_values_have_nothing_to_take_apart() -> None:
    assert HashValue().take_apart() == []
    assert ListValue.of([b"a"], -2).take_apart() == []
