"""How a script ended, read from the values that the Lua function of a run returned."""

from typing import Any

from cachetwin_engine.core.protocol.replies import ONE, array_header, bulk, integer
from cachetwin_engine.core.text.numbers import INT64_MIN


class Outcome:
    """How a run ended that did not simply give a value: with ``reply``, or with an error raised at a known place."""

    def __init__(self, reply: bytes, failed: bool, source: bytes, line: int, counted: bool) -> None:
        self.reply = reply  # for the client; the text of the error
        self.failed = failed
        self.source = source  # "@user_script", empty if unknown
        self.line = line
        self.counted = counted  # the error is one of a command's, and in the statistics


def one_line(text: bytes) -> bytes:
    """An error's text without line ends."""
    return text.rstrip(b"\r\n").replace(b"\r", b" ").replace(b"\n", b" ")


def integer_of(number: float) -> bytes:
    """The reply for a number of Lua: its whole part, the smallest integer beyond 64 bits."""
    return integer(int(number) if abs(number) < 2**63 else INT64_MIN)


def array_of(values: Any, null: bytes) -> bytes | None:  # noqa: ANN401  (what the prelude returned)
    """The reply for the elements behind the first value, up to the first nil; None if one of them is a table."""
    parts: list[bytes] = [b""]
    for place in range(1, len(values)):
        value = values[place]
        if isinstance(value, bytes):
            parts.append(bulk(value))
        elif value is None:
            break
        elif isinstance(value, bool):
            parts.append(ONE if value else null)
        elif isinstance(value, int):
            parts.append(integer(value))
        elif isinstance(value, float):
            parts.append(integer_of(value))
        else:
            return None
    parts[0] = array_header(len(parts) - 1)
    return b"".join(parts)


def outcome_of(values: Any) -> Outcome:  # noqa: ANN401  (what the prelude returned)
    """An encoded reply and whether its error is counted; or an error's text, source, line and whether it is counted."""
    if len(values) == 2:
        return Outcome(values[0], False, b"", 0, bool(values[1]))
    text, source, line, counted = values
    known = isinstance(source, bytes)
    return Outcome(one_line(text), True, source if known else b"", int(line) if known else 0, bool(counted))
