"""Streams and consumer groups, compared with redis-server."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word
from tests.engine.compat.types.drawing import name, words

pytestmark = pytest.mark.compat

UNIX_MS = re.compile(rb":1[5-9]\d{11}\r\n")  # delivery and seen times differ by what lies between the two requests

KEYS = st.sampled_from(["s", "s", "s", "s", "t", "missing", "string"])
IDS = st.one_of(
    st.tuples(st.integers(0, 40), st.integers(0, 2)).map(lambda drawn: f"{drawn[0]}-{drawn[1]}"),
    st.integers(0, 40).map(str),
    st.sampled_from(["0", "0-0", "x", "1-", "-1", "1-2-3", f"{2**64 - 1}-{2**64 - 1}", "99999999999999999999"]),
)
ENDS = st.one_of(IDS, IDS.map(lambda entry_id: f"({entry_id}"), st.sampled_from(["-", "+"]))
NEW_IDS = st.one_of(st.integers(0, 60).map(str), st.integers(0, 60).map(lambda ms: f"{ms}-*"), IDS)
ITEMS = st.lists(
    st.tuples(
        st.sampled_from(["f", "g", "field"]), st.sampled_from(["v", "12", "-5", "70000", "y" * 70, "z" * 300, "1" * 19])
    ),
    min_size=1,
    max_size=3,
)
COUNTS = st.sampled_from([(), (), ("COUNT", 1), ("COUNT", 3), ("COUNT", 0), ("COUNT", -1)])
OPERATORS = st.sampled_from([(), ("~",), ("=",)])
LIMITS = st.sampled_from([(), (), ("LIMIT", 0), ("LIMIT", 10)])
TRIM = st.one_of(
    st.tuples(st.just("MAXLEN"), OPERATORS, st.integers(-1, 30), LIMITS),
    st.tuples(st.just("MINID"), OPERATORS, IDS, LIMITS),
)
GROUPS = st.sampled_from(["g1", "g1", "g2", "none"])
CONSUMERS = st.sampled_from(["alice", "bob", "carl"])
READ = st.sampled_from([(), (), ("ENTRIESREAD", 3), ("ENTRIESREAD", -1), ("ENTRIESREAD", -2)])
CLAIM = st.sampled_from(
    [(), ("FORCE",), ("JUSTID",), ("RETRYCOUNT", 7), ("FORCE", "JUSTID"), ("LASTID", "30-0"), ("IDLE", 0), ("BAD",)]
)


ADD = words(name("XADD"), KEYS, st.one_of(st.just(()), st.just(()), TRIM), NEW_IDS, ITEMS)
COMMANDS = st.one_of(
    ADD,
    ADD,
    words(name("XADD"), KEYS, name("NOMKSTREAM"), NEW_IDS, ITEMS),
    words(name("XTRIM"), KEYS, TRIM),
    words(name("XLEN"), KEYS),
    words(name("XDEL"), KEYS, st.lists(IDS, min_size=1, max_size=3)),
    words(name("XRANGE", "XREVRANGE"), KEYS, ENDS, ENDS, COUNTS),
    words(name("XSETID"), KEYS, IDS, st.sampled_from([(), ("ENTRIESADDED", 50), ("MAXDELETEDID", "5-0")])),
    words(name("XREAD"), COUNTS, name("STREAMS"), KEYS, st.one_of(IDS, name("$", ">"))),
    words(name("XREAD"), name("STREAMS"), KEYS, KEYS, IDS, IDS),
    words(name("XGROUP"), name("CREATE"), KEYS, GROUPS, st.one_of(IDS, name("$")), READ),
    words(name("XGROUP"), name("CREATE"), KEYS, GROUPS, name("$"), name("MKSTREAM")),
    words(name("XGROUP"), name("SETID"), KEYS, GROUPS, st.one_of(IDS, name("$")), READ),
    words(name("XGROUP"), name("CREATECONSUMER", "DELCONSUMER"), KEYS, GROUPS, CONSUMERS),
    words(name("XGROUP"), name("DESTROY"), KEYS, GROUPS),
    words(
        name("XREADGROUP"), name("GROUP"), GROUPS, CONSUMERS, COUNTS, name("STREAMS"), KEYS, name(">", ">", "0", "5")
    ),
    words(name("XREADGROUP"), name("GROUP"), GROUPS, CONSUMERS, name("NOACK"), name("STREAMS"), KEYS, name(">", "$")),
    words(name("XACK"), KEYS, GROUPS, st.lists(IDS, min_size=1, max_size=3)),
    words(name("XPENDING"), KEYS, GROUPS),
    words(name("XCLAIM"), KEYS, GROUPS, CONSUMERS, st.just(0), st.lists(IDS, min_size=1, max_size=3), CLAIM),
    words(name("XAUTOCLAIM"), KEYS, GROUPS, CONSUMERS, name("0", "100000"), ENDS, COUNTS),
    words(name("XINFO"), name("STREAM", "GROUPS"), KEYS),
    words(name("XINFO"), name("STREAM"), KEYS, name("FULL"), COUNTS),
)


def same(pair: Pair, *command: Word) -> None:
    real, ours = UNIX_MS.sub(b":T\r\n", pair.real(*command)), UNIX_MS.sub(b":T\r\n", pair.ours(*command))
    assert ours == real, f"{command}: redis-server answers {real!r}, the engine {ours!r}"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    protocol=st.sampled_from([2, 3]),
    node_entries=st.sampled_from([100, 5]),
    node_bytes=st.sampled_from([4096, 400]),
    commands=st.lists(COMMANDS, min_size=10, max_size=60),
)
def test_any_sequence_of_commands_gets_the_same_replies(
    pair: Pair, protocol: int, node_entries: int, node_bytes: int, commands: list[tuple[Word, ...]]
) -> None:
    pair.reset(protocol)
    pair.same("CONFIG", "SET", "stream-node-max-entries", node_entries, "stream-node-max-bytes", node_bytes)
    pair.same("SET", "string", "x")
    for at in range(1, 12):
        pair.same("XADD", "s", f"{at}-1", "f", at)
    pair.same("XGROUP", "CREATE", "s", "g1", 0)
    for command in commands:
        same(pair, *command)


def test_leaves_fill_and_go_like_the_nodes_of_the_original(pair: Pair) -> None:
    pair.reset()
    pair.same("CONFIG", "SET", "stream-node-max-entries", 100, "stream-node-max-bytes", 4096)
    for at in range(1, 700):
        pair.same("XADD", "s", at, "name", "x" * (at * 7 % 150), "n", at, *(("more", at) if at % 3 else ()))
        if at % 50 == 0:
            same(pair, "XTRIM", "s", "MAXLEN", "~", at // 2)
            same(pair, "XINFO", "STREAM", "s")
