"""What Valkey 9 adds, compared with one that the environment names: ``CACHETWIN_VALKEY_9="valkey-server"``.

Debian's releases have none yet, so the runs of every day leave these out; the replies that matter most stand in
``tests/engine/commands`` as they were recorded.
"""

import os
import shlex
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, running
from tests.processes import free_port

pytestmark = pytest.mark.compat

DEGREES = st.tuples(st.floats(-179, 179), st.floats(-80, 80))
NEARBY = st.tuples(st.floats(10, 16), st.floats(35, 40))
ELSEWHERE = "0123456789012345678901234567890123456789"


@pytest.fixture(scope="module")
def command() -> list[str]:
    """How the environment says that a Valkey 9.1 is started."""
    named = os.environ.get("CACHETWIN_VALKEY_9")
    if not named:
        pytest.skip("CACHETWIN_VALKEY_9 names no valkey-server to compare with")
    return shlex.split(named)


@pytest.fixture(scope="module")
def pair(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A client of Valkey 9.1 and one of ours."""
    with running(command, tmp_path_factory.mktemp("valkey")) as port:
        both = Pair(port, "valkey-9.1")
        yield both
        both.close()


@pytest.fixture(scope="module")
def nodes(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The same of two nodes in cluster mode, with nine databases and without slots."""
    options = ["--cluster-enabled", "yes", "--cluster-databases", "9", "--cluster-port", str(free_port())]
    with running(command, tmp_path_factory.mktemp("node"), *options) as port:
        both = Pair(port, "valkey-9.1", cluster_enabled="yes", cluster_databases="9")
        both.ours("CLUSTER", "FLUSHSLOTS")
        yield both
        both.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.one_of(DEGREES, NEARBY), min_size=20, max_size=40, unique=True),
    polygons=st.lists(st.lists(NEARBY, min_size=3, max_size=9, unique=True), min_size=5, max_size=10),
)
def test_the_same_places_are_in_a_polygon(
    pair: Pair, places: list[tuple[float, float]], polygons: list[list[tuple[float, float]]]
) -> None:
    pair.reset()
    for number, (longitude, latitude) in enumerate(places):
        pair.same("GEOADD", "g", repr(longitude), repr(latitude), f"m{number}")
    for corners in polygons:
        words = [repr(degrees) for corner in corners for degrees in corner]
        pair.same_members("GEOSEARCH", "g", "BYPOLYGON", len(corners), *words, "WITHDIST", "WITHCOORD")
        pair.same("GEOSEARCHSTORE", "d", "g", *words[:1], "BYPOLYGON", len(corners), *words)
        pair.same("GEOSEARCHSTORE", "d", "g", "BYPOLYGON", len(corners), *words)


def test_users_are_kept_to_databases_alike(pair: Pair) -> None:
    pair.reset()
    for rules in (("db=0,2",), ("resetdbs", "(db=1 +@all ~*)"), ("db=2", "(alldbs +select)"), ("alldbs",)):
        pair.same("ACL", "SETUSER", "ann", "reset", "on", "nopass", "~*", "+@all", *rules)
        pair.same("ACL", "GETUSER", "ann")
        pair.same("ACL", "LIST")
        for database in (0, 1, 2):
            pair.same("SELECT", database)
            for line in (
                "GET k",
                "PING",
                "DBSIZE",
                "SELECT 2",
                "SELECT 99",
                "MOVE k 1",
                "COPY k l DB 2",
                "FLUSHALL",
                "SWAPDB 0 2",
            ):
                pair.same("ACL", "DRYRUN", "ann", *line.split())
    for rule in ("db=", "db=1,", "db=1,,2", "db=x", "db=-1", "db= 1", "db=+1", "db=2147483648", "DB=3", "ALLDBS"):
        pair.same("ACL", "SETUSER", "ann", rule)
    pair.same("ACL", "DELUSER", "ann")


def test_filters_of_connections_are_judged_alike(pair: Pair) -> None:
    pair.reset()
    for words in (
        "NAME x",
        "IDLE x",
        "IDLE 0",
        "FLAGS q",
        "NOT-FLAGS q",
        "CAPA x",
        "DB x",
        "DB 99",
        "NOT-DB 99",
        "IP 1.2.3.4",
    ):
        pair.same("CLIENT", "LIST", *words.split())
        pair.same("CLIENT", "KILL", *words.split(), "SKIPME", "yes")
    for words in ("ID", "ID x", "NOT-ID 0", "NOT-IDLE 1", "NOT-TYPE x", "NOT-USER x", "SKIPME no ID", "ID 1 NOT-ID 1"):
        pair.same("CLIENT", "LIST", *words.split())


def test_the_tables_of_commands_are_alike(pair: Pair) -> None:
    pair.reset()
    assert pair.same_members("COMMAND", "LIST")
    pair.same("COMMAND", "COUNT")
    for name in ("geosearch", "cluster|migrateslots", "cluster|flushslot", "select", "script|debug", "clusterscan"):
        real, ours = pair.real("COMMAND", "INFO", name), pair.ours("COMMAND", "INFO", name)
        assert sorted(real.split()) == sorted(ours.split()), name


def test_orders_about_slots_are_judged_alike(nodes: Pair) -> None:
    pair = nodes
    pair.reset()
    pair.same("CLUSTER", "RESET", "HARD")
    for line in (
        "CLUSTER GETSLOTMIGRATIONS", "CLUSTER CANCELSLOTMIGRATIONS", "CLUSTER CANCELSLOTMIGRATIONS ALL",
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 1", "CLUSTER ADDSLOTSRANGE 0 5", "CLUSTER MIGRATESLOTS SLOTSRANGE 0 5",
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 6 NODE x", "CLUSTER MIGRATESLOTS SLOTSRANGE 0 1 1 2",
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 1 NODE x", f"CLUSTER MIGRATESLOTS SLOTSRANGE 0 1 NODE {ELSEWHERE}",
        "CLUSTER SYNCSLOTS ack", "CLUSTER SYNCSLOTS establish", f"CLUSTER SYNCSLOTS finish state x name {ELSEWHERE}",
        "CLUSTER FLUSHSLOT 0", "CLUSTER FLUSHSLOT 0 x", "CLUSTER FLUSHSLOT x", "CLUSTER REPLICATE NO ONE",
        "CLUSTER REPLICATE NO TWO", "SELECT 8", "SELECT 9", "SWAPDB 0 1", "CLUSTER COUNTKEYSINSLOT 0", "GET k",
    ):  # fmt: skip
        pair.same(*line.split())
