"""The options of the searches in a geo index."""

import pytest
from tests.engine.in_process import Run


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("GEOADD k 181 0 a", b"ERR invalid longitude,latitude pair 181.000000,0.000000"),
        ("GEOADD k NX XX 1 1 a", b"ERR syntax error"),
        ("GEORADIUS k 1 1 -1 m", b"ERR radius cannot be negative"),
        ("GEORADIUS k 1 1 1 league", b"ERR unsupported unit provided. please use M, KM, FT, MI"),
        ("GEORADIUS k 1 1 1 m COUNT 0", b"ERR COUNT must be > 0"),
        ("GEORADIUS k 1 1 1 m ANY", b"ERR the ANY argument requires COUNT argument"),
        ("GEORADIUS_RO k 1 1 1 m STORE x", b"ERR syntax error"),
        (
            "GEOSEARCH k BYRADIUS 1 m ASC ASC",
            b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
        ),
        ("GEOSEARCH k FROMLONLAT 1 1 ASC ASC", b"ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH"),
        ("GEOSEARCH k FROMLONLAT 1 1 BYBOX 1 -1 m", b"ERR height or width cannot be negative"),
    ],
)
def test_bad_arguments_are_named(run: Run, line: str, problem: bytes) -> None:
    assert run(line) == b"-" + problem + b"\r\n"
