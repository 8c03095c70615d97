"""The terminal output of a run: progress on stderr, endpoints on stdout.

On a terminal a table is updated in place while things start; elsewhere (CI) each change is a line. States are words;
colour carries no meaning of its own.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from cachetwin_local.supervise.events import Event, Failed, Ready, ResourceState, Stopped
from cachetwin_local.tables import Table, endpoint_table, output_lines, plain

__all__ = ["Screen", "drawn", "show_endpoints", "stderr_console", "stdout_console"]

_STYLES = {"ready": "green", "failed": "bold red", "restarting": "yellow", "stopped": "dim", "waiting": "dim"}
_TABLE_WIDTH_MIN: Final = 72
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

    def _table(self) -> RichTable:
        table = RichTable(box=None, pad_edge=False, show_header=False)
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


def drawn(table: Table) -> RenderableType:
    """A table for a terminal of any width; states have their colours."""
    return _Drawn(table)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Draws a table, or a list of its rows where the terminal has no room for columns with whole words."""

    table: Table

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _TABLE_WIDTH_MIN and max(map(len, plain(self.table).splitlines())) > options.max_width:
            yield from self._list()
        else:
            yield self._table()

    def _list(self) -> RenderResult:
        for row in self.table.rows:
            yield Text(row[0])
            for heading, text in zip(self.table.headings[1:], self._texts(row)[1:], strict=True):
                if text:
                    yield Padding(Text(f"{heading.lower()} ", style="dim") + text, (0, 0, 0, 2))

    def _table(self) -> RichTable:
        made = RichTable(box=None, pad_edge=False, header_style="bold")
        for heading in self.table.headings:
            made.add_column(heading, overflow="fold")
        for row in self.table.rows:
            made.add_row(*self._texts(row))
        return made

    def _texts(self, row: tuple[str, ...]) -> list[Text]:
        named = zip(self.table.headings, row, strict=True)
        return [Text(word, style=_STYLES.get(word, "") if name == "STATE" else "") for name, word in named]


def stderr_console() -> Console:
    """The console for progress and logs."""
    return Console(file=sys.stderr, highlight=False)


def stdout_console() -> Console:
    """The console for requested output; wide where it is not a terminal, so that rows stay on one line."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 200)


def show_endpoints(status: Mapping[str, Any]) -> None:
    """Print the endpoints of a status and the stacks' outputs to stdout."""
    console = stdout_console()
    console.print(drawn(endpoint_table(status["endpoints"])))
    for line in output_lines(status):
        console.print(line, markup=False, soft_wrap=True)
    sys.stdout.flush()
