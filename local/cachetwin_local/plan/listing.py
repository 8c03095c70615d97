"""A titled table, which a terminal that is too narrow for one gets as a list."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["Listing"]

_TABLE_WIDTH_MIN = 72  # the columns of the longest table would have words of a few letters
_INDENT = (0, 0, 0, 2)


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of as many texts as there are headings, and a line below them."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[Text, ...]]
    note: str = ""

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table, or the list, for a console."""
        if options.max_width < _TABLE_WIDTH_MIN:
            yield Text(self.title, style="bold")
            for first, *others in self.rows:
                yield first
                yield from (Padding(text, _INDENT) for text in others if text)
        else:
            yield self._table()
        if self.note:
            yield Text(self.note, style="dim")

    def _table(self) -> Table:
        table = Table(title=Text(self.title), title_justify="left", expand=False)
        for heading in self.headings:
            table.add_column(heading, overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table
