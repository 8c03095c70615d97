"""The terminal output of a run: progress on stderr, endpoints on stdout.

On a terminal a table is updated in place while things start; elsewhere (CI) each change is a line. States are words;
colour carries no meaning of its own.
"""

import sys
import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cachetwin_local.supervise.events import Event, Failed, Ready, ResourceState, Stopped

__all__ = ["Screen", "endpoint_table", "node_table", "region_table", "show_endpoints", "status_table", "task_table"]

_STYLES = {"ready": "green", "failed": "bold red", "restarting": "yellow", "stopped": "dim", "waiting": "dim"}
_NAME_COLOURS = ("cyan", "magenta", "blue", "green", "yellow")


class Screen:
    """Shows the events of one run. `console` is where progress goes; `live` whether it may be drawn in place."""

    def __init__(self, console: Console, *, live: bool | None = None) -> None:
        self._console = console
        self._draws = console.is_terminal if live is None else live
        self._live: Live | None = None
        self._states: dict[str, tuple[ResourceState, float]] = {}
        self._began = time.monotonic()
        self._ended: dict[str, float] = {}
        self._width = 0
        self._owners: dict[str, str] = {}
        self._starting = True

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case ResourceState():
                self._resource(event)
            case Ready():
                self._starting = False
                self._stop_drawing()
                self._console.print(f"ready in {event.seconds:.1f} s")
            case Failed():
                self._stop_drawing()
            case Stopped():
                self._stop_drawing()
                killed = f" (had to be killed: {', '.join(event.killed)})" if event.killed else ""
                self._console.print(f"everything is stopped{killed}", markup=False, highlight=False)

    def print_line(self, line: str) -> None:
        """Print a line of text."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def print_log(self, name: str, line: str) -> None:
        """Show a line of a child's log behind its name."""
        short = self._short(name)
        self._width = max(self._width, min(len(short), 28))
        text = Text(f"{short[:28]:<{self._width}} | ", style=_NAME_COLOURS[sum(name.encode()) % len(_NAME_COLOURS)])
        self._console.print(text + Text(line, style="default"), soft_wrap=True)

    def _short(self, name: str) -> str:
        """The name without its stack, unless another stack has the same name too."""
        short = name.partition("/")[2] or name
        owner = self._owners.setdefault(short, name)
        return short if owner == name else name

    def close(self) -> None:
        """Stop updating the table."""
        self._stop_drawing()

    def _resource(self, event: ResourceState) -> None:
        now = time.monotonic()
        self._states[event.name] = (event, now)
        if event.state in {"ready", "failed", "stopped"}:
            self._ended[event.name] = now
        if self._draws and self._starting:
            self._draw()
        elif event.state != "waiting":
            detail = f"  {event.detail}" if event.detail else ""
            line = f"{now - self._began:6.1f} s  {event.state:<10} {event.kind:<13} {event.name}{detail}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _draw(self) -> None:
        if self._live is None:
            self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=8, transient=False)
            self._live.start()
        self._live.refresh()

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        now = time.monotonic()
        for event, _since in self._states.values():
            elapsed = self._ended.get(event.name, now) - self._began
            state = Text(event.state, style=_STYLES.get(event.state, "bold"))
            table.add_row(Text(f"{elapsed:6.1f} s", style="dim"), state, event.kind, event.name, Text(event.detail))
        return table

    def _stop_drawing(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def endpoint_table(endpoints: Sequence[Mapping[str, object]]) -> Table:
    """The endpoints, one a row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("NAME", "ENDPOINT", "TLS", "USER", "ANSWERS"):
        table.add_column(heading, overflow="fold")
    for row in endpoints:
        table.add_row(*(Text(str(row[key])) for key in ("name", "endpoint", "tls", "user", "answers")))
    return table


def status_table(resources: Sequence[Mapping[str, object]]) -> Table:
    """The resources and their state, one a row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("NAME", "KIND", "STATE", "DETAIL"):
        table.add_column(heading, overflow="fold")
    for row in resources:
        state = Text(str(row["state"]), style=_STYLES.get(str(row["state"]), ""))
        table.add_row(Text(str(row["name"])), str(row["kind"]), state, Text(str(row["detail"])))
    return table


def node_table(nodes: Sequence[Mapping[str, object]]) -> Table:
    """The nodes of the caches, one a row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("NODE", "ROLE", "ZONE", "STATE", "ENDPOINT", "CLIENTS", "LAG")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in nodes:
        state = Text(str(row["state"]), style=_STYLES.get(str(row["state"]), ""))
        clients = "" if row["clients"] is None else str(row["clients"])
        lag = f"{row['lag_bytes']} bytes" if row["role"] == "replica" else ""
        words = (str(row["role"]), str(row["availability_zone"]), state, str(row["endpoint"]), clients, lag)
        table.add_row(Text(str(row["node"])), *words)
    return table


def region_table(members: Sequence[Mapping[str, object]]) -> Table:
    """The members of global datastores, one a row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("GLOBAL DATASTORE", "MEMBER", "REGION", "ROLE", "LINK", "LAG"):
        table.add_column(heading, overflow="fold")
    for row in members:
        lag = f"{row['lag_bytes']} bytes" if row["role"] == "secondary" else ""
        names = ("global_datastore", "resource", "region", "role", "link")
        table.add_row(*(Text(str(row[name])) for name in names), lag)
    return table


def task_table(tasks: Sequence[Mapping[str, object]]) -> Table:
    """The tasks of the services, one a row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("TASK", "STATE", "CONTAINERS", "ADDRESS", "RESTARTS"):
        table.add_column(heading, overflow="fold")
    for row in tasks:
        state = Text(str(row["state"]), style=_STYLES.get(str(row["state"]), ""))
        containers, ports = row["containers"], row["ports"]
        said = [f"{name} {what}" for name, what in containers.items()] if isinstance(containers, Mapping) else []
        opened = ",".join(map(str, ports)) if isinstance(ports, Sequence) else ""
        where = f"{row['address']}:{opened}" if opened else str(row["address"])
        table.add_row(Text(str(row["task"])), state, Text(", ".join(said)), where, str(row["restarts"] or ""))
    return table


def stderr_console() -> Console:
    """The console for progress and logs."""
    return Console(file=sys.stderr, highlight=False)


def stdout_console() -> Console:
    """The console for requested output; wide where it is not a terminal, so that rows stay on one line."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 200)


def show_endpoints(status: dict[str, object]) -> None:
    """Print the endpoints of a status and the stacks' outputs to stdout."""
    console = stdout_console()
    endpoints, outputs = status["endpoints"], status["outputs"]
    if isinstance(endpoints, list):
        console.print(endpoint_table(endpoints))
    if isinstance(outputs, dict):
        for name, value in outputs.items():
            console.print(f"{name} = {value}", markup=False, soft_wrap=True)
    sys.stdout.flush()
