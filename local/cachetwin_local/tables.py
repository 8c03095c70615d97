"""The tables of `cachetwin status` as words. Pure, and without what draws them on a terminal, which is slow to import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "Table",
    "alarm_table",
    "endpoint_table",
    "node_table",
    "output_lines",
    "plain",
    "region_table",
    "scaling_table",
    "status_table",
    "status_tables",
    "task_table",
]

Row = Mapping[str, object]
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, and rows of as many words."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def status_table(resources: Sequence[Row]) -> Table:
    """The resources and their state, one a row."""
    return _table("NAME KIND STATE DETAIL", resources, ("name", "kind", "state", "detail"))


def endpoint_table(endpoints: Sequence[Row]) -> Table:
    """The endpoints, one a row."""
    return _table("NAME ENDPOINT TLS USER ANSWERS", endpoints, ("name", "endpoint", "tls", "user", "answers"))


def node_table(nodes: Sequence[Row]) -> Table:
    """The nodes of the caches, one a row."""
    rows = []
    for row in nodes:
        clients = "" if row["clients"] is None else str(row["clients"])
        lag = f"{row['lag_bytes']} bytes" if row["role"] == "replica" else ""
        words = [str(row[name]) for name in ("node", "role", "availability_zone", "state", "endpoint")]
        rows.append((*words, clients, lag))
    return Table(("NODE", "ROLE", "ZONE", "STATE", "ENDPOINT", "CLIENTS", "LAG"), tuple(rows))


def region_table(members: Sequence[Row]) -> Table:
    """The members of global datastores, one a row."""
    names = ("global_datastore", "resource", "region", "role", "link")
    lags = [f"{row['lag_bytes']} bytes" if row["role"] == "secondary" else "" for row in members]
    rows = tuple((*(str(row[name]) for name in names), lag) for row, lag in zip(members, lags, strict=True))
    return Table(("GLOBAL DATASTORE", "MEMBER", "REGION", "ROLE", "LINK", "LAG"), rows)


def task_table(tasks: Sequence[Row]) -> Table:
    """The tasks of the services, one a row."""
    rows = []
    for row in tasks:
        containers, ports = row["containers"], row["ports"]
        said = [f"{name} {what}" for name, what in containers.items()] if isinstance(containers, Mapping) else []
        opened = ",".join(map(str, ports)) if isinstance(ports, Sequence) else ""
        where = f"{row['address']}:{opened}" if opened else str(row["address"])
        rows.append((str(row["task"]), str(row["state"]), ", ".join(said), where, str(row["restarts"] or "")))
    return Table(("TASK", "STATE", "CONTAINERS", "ADDRESS", "RESTARTS"), tuple(rows))


def alarm_table(alarms: Sequence[Row]) -> Table:
    """The alarms of CloudWatch, one a row."""
    return _table("ALARM STATE REASON", alarms, ("alarm", "state", "reason"))


def scaling_table(targets: Sequence[Row]) -> Table:
    """What scales by itself, one a row."""
    rows = [
        (
            str(row["resource"]),
            str(row["dimension"]).rpartition(":")[2],
            str(row["capacity"]),
            f"{row['min']} and {row['max']}",
            str(row["last"]),
        )
        for row in targets
    ]
    return Table(("SCALES", "WHAT", "NOW", "BETWEEN", "LAST CHANGE"), tuple(rows))


def status_tables(status: Mapping[str, Sequence[Row]]) -> list[Table]:
    """The tables of a status, without those that would be empty."""
    further = {
        "tasks": task_table,
        "nodes": node_table,
        "global_datastores": region_table,
        "scaling": scaling_table,
        "alarms": alarm_table,
    }
    found = [make(status[name]) for name, make in further.items() if status.get(name)]
    return [status_table(status["resources"]), *found]


def output_lines(status: Mapping[str, object]) -> list[str]:
    """The outputs of a status, one a line."""
    outputs = status["outputs"]
    return [f"{name} = {value}" for name, value in outputs.items()] if isinstance(outputs, Mapping) else []


def plain(table: Table) -> str:
    """The table as text, each row on one line."""
    lines = [table.headings, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.headings))]
    return "".join(
        _GAP.join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines
    )


def _table(headings: str, rows: Sequence[Row], names: tuple[str, ...]) -> Table:
    return Table(tuple(headings.split()), tuple(tuple(str(row[name]) for name in names) for row in rows))
