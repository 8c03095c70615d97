"""The table of the text protocols' commands: what each one is called, does and answers to."""

from collections.abc import Callable
from typing import Final

from cachetwin_engine.memcached.session import Handler


class Command:
    """A row: the handler, and what the documentation says of the command."""

    def __init__(self, name: bytes, handler: Handler, usage: str, summary: str, group: str, since: str) -> None:
        self.name = name
        self.handler = handler
        self.usage = usage
        self.summary = summary
        self.group = group
        self.since = since


COMMANDS: Final[dict[bytes, Command]] = {}


def command(name: bytes, *, usage: str, summary: str, group: str, since: str = "1.2") -> Callable[[Handler], Handler]:
    """Add the function below to the table. ``since`` is a version of memcached."""

    def add(handler: Handler) -> Handler:
        COMMANDS[name] = Command(name, handler, usage, summary, group, since)
        return handler

    return add


def quiet(words: list[bytes]) -> bool:
    """Whether the last word is ``noreply``."""
    return words[-1] == b"noreply"
