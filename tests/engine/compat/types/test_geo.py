"""Places, compared with redis-server."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.compat.conftest import Pair, Word, members

pytestmark = pytest.mark.compat

PLACES = st.one_of(
    st.tuples(st.floats(-180, 180), st.floats(-85, 85)),
    st.tuples(st.floats(10, 16), st.floats(35, 40)),
)
LENGTHS = st.one_of(st.floats(0, 2000), st.sampled_from([0, 1, 100, 5000, 20000]))
UNITS = st.sampled_from(["m", "km", "ft", "mi", "KM"])
NAMES = st.integers(0, 59).map(lambda number: f"g{number}")
CENTRES = st.one_of(
    NAMES.map(lambda name: ("FROMMEMBER", name)), PLACES.map(lambda place: ("FROMLONLAT", *map(repr, place)))
)
SHAPES = st.one_of(st.tuples(st.just("BYRADIUS"), LENGTHS, UNITS), st.tuples(st.just("BYBOX"), LENGTHS, LENGTHS, UNITS))
SHOWN = st.sets(st.sampled_from(["WITHDIST", "WITHCOORD", "WITHHASH"])).map(lambda shown: tuple(sorted(shown)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    protocol=st.sampled_from([2, 3]),
    places=st.lists(st.tuples(PLACES, NAMES), min_size=30, max_size=80, unique_by=lambda drawn: drawn[0]),
    searches=st.lists(st.tuples(CENTRES, SHAPES, SHOWN), min_size=10, max_size=20),
)
def test_the_same_places_are_found(
    pair: Pair,
    protocol: int,
    places: list[tuple[tuple[float, float], str]],
    searches: list[tuple[tuple[str, ...], tuple[Word, ...], tuple[str, ...]]],
) -> None:
    pair.reset(protocol)
    for (longitude, latitude), name in places:
        pair.same("GEOADD", "g", repr(longitude), repr(latitude), name)
        pair.same("GEOPOS", "g", name)
        pair.same("GEOHASH", "g", name)
        pair.same("GEODIST", "g", name, places[0][1], "ft")
    for centre, shape, shown in searches:
        pair.same("GEOSEARCH", "g", *centre, *shape, *shown)
        pair.same_members("GEOSEARCH", "g", *centre, *shape, *shown, "ASC")
        pair.same("GEOSEARCHSTORE", "d", "g", *centre, *shape, "STOREDIST")
        pair.same_members("ZRANGE", "d", 0, -1, "WITHSCORES")


def test_the_nearest_come_first(pair: Pair) -> None:
    pair.reset()
    for at in range(200):
        pair.same("GEOADD", "g", repr(13 + at * 0.013), repr(37 + at % 17 * 0.011), f"m{at}")
    for options in (("ASC",), ("DESC",), ("COUNT", 7), ("COUNT", 7, "DESC"), ("COUNT", 3, "ANY"), ("STORE", "d")):
        pair.same("GEORADIUS", "g", "14", "37.1", 60, "km", *options)
        pair.same("GEORADIUSBYMEMBER", "g", "m50", 20, "mi", *options)
    assert members(pair.ours("ZRANGE", "d", 0, -1))
