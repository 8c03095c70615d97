"""GEOSEARCH and GEOSEARCHSTORE: circles, boxes and polygons."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.protocol.replies import array, bulk_array

SICILY = "GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"


def test_a_search_by_radius_can_show_distance_hash_and_place(run: Run) -> None:
    run(SICILY)
    assert run("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC") == bulk_array([b"Catania", b"Palermo"])
    assert run("GEORADIUS Sicily 15 37 200 km WITHDIST WITHHASH COUNT 1") == (
        b"*1\r\n*3\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n:3479447370796909\r\n"
    )
    assert run("GEORADIUSBYMEMBER Sicily Palermo 1 km WITHCOORD") == (
        b"*1\r\n*2\r\n$7\r\nPalermo\r\n*2\r\n$20\r\n13.36138933897018433\r\n$20\r\n38.11555639549629859\r\n"
    )


def test_a_search_by_box_measures_along_both_axes(run: Run) -> None:
    run(SICILY)
    assert run("GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC") == bulk_array([b"Catania", b"Palermo"])
    assert run("GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 100 km") == b"*0\r\n"


def test_results_can_be_stored_by_hash_or_by_distance(run: Run) -> None:
    run(SICILY)
    assert run("GEOSEARCHSTORE near Sicily FROMLONLAT 15 37 BYRADIUS 100 km STOREDIST") == b":1\r\n"
    assert run("ZRANGE near 0 -1 WITHSCORES") == bulk_array([b"Catania", b"56.4412578701582"])
    assert run("GEORADIUS Sicily 15 37 1 m STORE near") == b":0\r\n"
    assert run("EXISTS near") == b":0\r\n"


def test_searches_across_the_date_line_see_both_sides(run: Run) -> None:
    run("GEOADD sea 179.9 0 west -179.9 0 east")
    assert run("GEOSEARCH sea FROMLONLAT 179.95 0 BYRADIUS 50 km ASC") == bulk_array([b"west", b"east"])


def test_valkey_9_names_the_member_that_is_not_there(run: Run, start_run: StartRun) -> None:
    newest = start_run("valkey-9.1")
    for client in (run, newest):
        client("GEOADD g 1 1 a")
    assert run("GEORADIUSBYMEMBER g b 1 m") == b"-ERR could not decode requested zset member\r\n"
    assert newest("GEORADIUSBYMEMBER g b 1 m") == b"-ERR member b does not exist\r\n"
    assert newest("GEOSEARCH g FROMMEMBER b BYRADIUS 1 m") == b"-ERR member b does not exist\r\n"


TOWNS = "GEOADD towns -73.9857 40.7484 mid -74.0445 40.6892 statue -73.9442 40.6782 south -73.8648 40.8448 north"


INSIDE = "BYPOLYGON 4 -74.1 40.6 -73.9 40.6 -73.9 40.8 -74.1 40.8"


@pytest.fixture
def run9(start_run: StartRun) -> Run:
    """A client of Valkey 9 with some places; all replies here were taken from Valkey 9.1.2."""
    run = start_run("valkey-9.1")
    run(TOWNS)
    return run


def test_a_search_by_polygon_measures_from_the_middle_of_its_corners(run9: Run) -> None:
    found = [[b"mid", b"5511.8409"], [b"statue", b"3941.8720"], [b"south", b"5296.3802"]]
    by_distance = sorted(found, key=lambda item: float(item[1]))
    assert run9(f"GEOSEARCH towns {INSIDE} ASC WITHDIST") == array([bulk_array(item) for item in by_distance])
    assert run9(f"GEOSEARCH towns {INSIDE} COUNT 1") == bulk_array([by_distance[0][0]])
    assert run9(f"GEOSEARCHSTORE near towns {INSIDE} STOREDIST") == b":3\r\n"
    assert run9("ZRANGE near 0 0") == bulk_array([by_distance[0][0]])


def test_a_polygon_may_have_its_middle_beyond_the_map(run9: Run) -> None:
    run9("GEOADD ice 0 82 a 90 84 b -90 81 c 150 82 outside")
    found = run9("GEOSEARCH ice BYPOLYGON 4 -100 80 140 80 140 85 -100 85 ASC")
    assert sorted(found.split()[2::2]) == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("BYPOLYGON 2 0 0 1 1", b"GEOSEARCH BYPOLYGON must have at least 3 vertices"),
        ("BYPOLYGON 4 0 0 1 1 1 0", b"GEOSEARCH BYPOLYGON must have at least 3 vertices"),
        ("BYPOLYGON x 0 0 1 1 1 0", b"invalid number of vertices"),
        ("BYPOLYGON 3 0 0 1 1 1 99", b"invalid longitude,latitude pair 1.000000,99.000000"),
        ("BYPOLYGON 3 0 0 1 1 1 0 FROMLONLAT 0 0", b"syntax error"),
        ("FROMMEMBER mid BYPOLYGON 3 0 0 1 1 1 0", b"syntax error"),
        ("BYPOLYGON 3 0 0 1 1 1 0 BYRADIUS 1 km", b"syntax error"),
        (
            "FROMLONLAT 0 0 WITHDIST WITHHASH",
            b"exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for GEOSEARCH",
        ),
        ("BYPOLYGON 3 0 0 1 1 1 0 ANY", b"the ANY argument requires COUNT argument"),
    ],
)
def test_a_polygon_is_centre_and_size_in_one(run9: Run, options: str, problem: bytes) -> None:
    assert run9(f"GEOSEARCH towns {options}") == b"-ERR " + problem + b"\r\n"


def test_polygons_came_with_valkey_9(start_run: StartRun) -> None:
    run = start_run("valkey-8.1")
    assert run("GEOSEARCH towns BYPOLYGON 3 0 0 1 1 1 0") == b"-ERR syntax error\r\n"
    assert run("GEOSEARCH towns FROMLONLAT 0 0 WITHDIST WITHHASH") == (
        b"-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH\r\n"
    )
