"""Tables in narrow terminals and in terminals that have ASCII only."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rich.console import Console

from cachetwin_local.screen import drawn
from cachetwin_local.tables import Table, endpoint_table, node_table, plain, status_table

NAME = "CachetwinWebApp/WebAppFrontLoadBalancer6A3ACF21"
RESOURCES = [{"name": NAME, "kind": "load balancer", "state": "unhealthy", "detail": "1 of 2 targets healthy"}]
ENDPOINTS = [
    {"name": NAME, "endpoint": "http://127.0.0.1:8080/", "tls": "required", "user": "zoë", "answers": "the primary"}
]
NODES = [
    {
        "node": "webapp-cache-ulneaon5vjwq-001", "role": "replica", "availability_zone": "us-east-1a", "state": "ready",
        "endpoint": "127.156.162.238:6379", "clients": 3, "lag_bytes": 0,
    }
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(
    ("make", "rows"), [(status_table, RESOURCES), (endpoint_table, ENDPOINTS), (node_table, NODES)]
)
def test_a_table_keeps_its_text_and_the_width(
    make: Callable[[Sequence[Any]], Table], rows: list[dict[str, object]], width: int, encoding: str
) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    Console(file=output, width=width, highlight=False).print(drawn(make(rows)))
    output.seek(0)
    lines = output.read().splitlines()
    assert max(len(line) for line in lines) <= width
    letters = sorted("".join(lines).replace(" ", ""))
    for value in rows[0].values():
        for character in str(value).replace(" ", "").replace("ë", "" if encoding == "ascii" else "ë"):
            assert character in letters


def test_a_plain_table_has_a_row_on_each_line_and_columns_in_line() -> None:
    rows = [*RESOURCES, {"name": "Db", "kind": "database", "state": "ready", "detail": ""}]
    heading, first, second = plain(status_table(rows)).splitlines()
    assert heading.split() == ["NAME", "KIND", "STATE", "DETAIL"]
    assert first == f"{NAME}  load balancer  unhealthy  1 of 2 targets healthy"
    assert second.split() == ["Db", "database", "ready"]
    assert heading.index("STATE") == first.index("unhealthy") == second.index("ready")


def test_a_narrow_terminal_gets_a_list_with_whole_words() -> None:
    output = io.StringIO()
    Console(file=output, width=40, highlight=False).print(drawn(node_table(NODES)))
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    assert lines == [
        "webapp-cache-ulneaon5vjwq-001", "  role replica", "  zone us-east-1a", "  state ready",
        "  endpoint 127.156.162.238:6379", "  clients 3", "  lag 0 bytes",
    ]  # fmt: skip
