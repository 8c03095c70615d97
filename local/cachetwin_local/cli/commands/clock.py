"""``cachetwin clock``."""

import re
import sys
from typing import Annotated

import typer

from cachetwin_local.cli.running_project import answer_of, running_state
from cachetwin_local.errors import UserError

__all__ = ["clock", "milliseconds"]

_DEADLINE_S = 600.0
_PARTS = re.compile(r"\+?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86_400, 3_600, 60, 1)


def clock(
    context: typer.Context,
    forward: Annotated[
        str | None,
        typer.Argument(metavar="+TIME", help="How far: +90s, +15m, +12h, +1d12h. Without it, tell the time."),
    ] = None,
) -> None:
    """Run the time of what runs forward: TTLs, tokens and logins of IAM users, and schedules follow, in order."""
    request: dict[str, object] = {"op": "clock"} | ({} if forward is None else {"by_ms": milliseconds(forward)})
    answer = answer_of(running_state(context.obj), request, _DEADLINE_S)
    ahead_ms = answer.get("ahead_ms")
    ahead = f" ({_shown(ahead_ms)} ahead of this machine)" if isinstance(ahead_ms, int) and ahead_ms else ""
    sys.stdout.write(f"{answer['done']}{ahead}\n")


def milliseconds(text: str) -> int:
    """A length of time such as ``+1d12h`` in milliseconds. Raises UserError."""
    match = _PARTS.fullmatch(text)
    if match is None or not any(match.groups()):
        raise UserError(f"TIME must be a length such as +90s, +15m, +12h or +1d12h, got {text}")
    return 1000 * sum(int(part or 0) * seconds for part, seconds in zip(match.groups(), _SECONDS, strict=True))


def _shown(ahead_ms: int) -> str:
    left, words = ahead_ms // 1000, []
    for unit, seconds in zip("dhms", _SECONDS, strict=True):
        count, left = divmod(left, seconds)
        words += [f"{count}{unit}"] if count else []
    return "".join(words) or "less than a second"
