"""GEOADD and what is asked of members."""

import pytest
from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import array, bulk, bulk_array

SICILY = "GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"


def test_places_come_back_as_the_middle_of_their_cell(run: Run) -> None:
    assert run(SICILY) == b":2\r\n"
    assert run("GEOPOS Sicily Palermo nowhere") == (
        b"*2\r\n*2\r\n$20\r\n13.36138933897018433\r\n$20\r\n38.11555639549629859\r\n*-1\r\n"
    )
    assert run("ZSCORE Sicily Palermo") == bulk(b"3479099956230698")


def test_geohashes_are_the_standard_ones(run: Run) -> None:
    run(SICILY)
    assert run("GEOHASH Sicily Palermo Catania nowhere") == b"*3\r\n$11\r\nsqc8b49rny0\r\n$11\r\nsqdtr74hyu0\r\n$-1\r\n"


@pytest.mark.parametrize(
    ("unit", "shown"), [("", b"166274.1516"), ("km", b"166.2742"), ("mi", b"103.3182"), ("FT", b"545518.8700")]
)
def test_distances_have_four_digits_behind_the_point(run: Run, unit: str, shown: bytes) -> None:
    run(SICILY)
    assert run(f"GEODIST Sicily Palermo Catania {unit}") == bulk(shown)


def test_geodist_of_a_missing_member_is_null(run: Run) -> None:
    run(SICILY)
    assert run("GEODIST Sicily Palermo nowhere") == b"$-1\r\n"
    assert run("GEODIST nowhere a b") == b"$-1\r\n"


def test_coordinates_are_doubles_in_resp3(run: Run) -> None:
    run(SICILY)
    assert run.resp3()("GEOPOS Sicily Palermo") == b"*1\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n"


def test_geoadd_propagates_the_scores(run: Run) -> None:
    run.replicate()
    run("GEOADD Sicily CH 13.361389 38.115556 Palermo")
    assert run.propagated()[-1][1] == [b"ZADD", b"Sicily", b"CH", b"3479099956230698", b"Palermo"]


def test_scores_that_are_no_place_are_read_as_c_reads_them(run: Run) -> None:
    run("ZADD q inf a -inf b 1e30 c -1e30 d -1 e 9.3e18 f 1.9e19 g")
    west, east, south, north = b"-179.99999731779098511", b"180", b"-85.05112751263942528", b"85.0511287799999991"
    places = [(west, south), (east, south), (west, south), (east, south), (east, north), (east, north), (west, south)]
    assert run("GEOPOS q a b c d e f g") == array([bulk_array(list(place)) for place in places])
    assert run("GEORADIUSBYMEMBER q a inf m") != b""
