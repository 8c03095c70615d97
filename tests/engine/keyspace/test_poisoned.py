"""The table that poisons what it has packed, and an engine that has it."""

import subprocess
import sys

import pytest
from tests.engine.poisoned import KeptTooLongError, PoisonedTable, is_poisoned

from cachetwin_engine.core import BUILD
from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.keyspace.key_table import KeyTable
from cachetwin_engine.core.types.set import SetValue

pytestmark = pytest.mark.skipif(BUILD != "pure", reason="compiled classes cannot be exchanged")

CONFIG = Config(PROFILES["valkey-8.1"])

KEEPS_TOO_LONG = """
from tests.engine import poisoned
poisoned.install()
from tests.engine.in_process import start

run = start()
run("SADD small a")
run.args("SADD", "large", *("m" * 50 + str(number) for number in range(200)))
small, large = (run.engine.databases[0].find(name) for name in (b"small", b"large"))
small.members(), large.members()
run("PING")
large.members()  # too large to be packed
small.members()
"""


def test_what_was_packed_cannot_be_used_and_is_found_anew() -> None:
    table = PoisonedTable([])
    value = SetValue.of([b"m"], CONFIG)
    table.put(b"k", value)
    assert value.members() == [b"m"]
    table.close()
    assert is_poisoned(value)
    with pytest.raises(KeptTooLongError, match=r"SetValue\.members was used after"):
        value.members()
    again = table.find(b"k")
    assert isinstance(again, SetValue)
    assert again.members() == [b"m"]


def test_what_was_not_packed_stays_usable() -> None:
    to_close: list[KeyTable] = []
    table, other = PoisonedTable(to_close), PoisonedTable(to_close)
    large = SetValue.of([b"m" * 50 + b"%d" % number for number in range(200)], CONFIG)
    removed, moved = SetValue.of([b"r"], CONFIG), SetValue.of([b"v"], CONFIG)
    for key, value in ((b"large", large), (b"removed", removed), (b"moved", moved)):
        table.put(key, value)
    table.remove(b"removed")
    table.remove(b"moved")
    other.put(b"moved", moved)
    table.close()
    assert [len(value.members()) for value in (large, removed, moved)] == [200, 1, 1]
    other.close()
    assert is_poisoned(moved)
    table.close()


def test_an_engine_with_such_tables_catches_who_keeps_a_value() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEEPS_TOO_LONG], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1].endswith(
        "KeptTooLongError: SetValue.members was used after its command ended: look the key up again"
    ), done.stderr
    assert "line 13" in done.stderr.split('File "<string>", ')[-1]
