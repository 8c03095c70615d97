"""Keys of any type: existence, deletion, time to live, iteration."""

from ..command_table import WRITE, KeySpec, command
from ..context import Context
from ..notifications import NOTIFY_GENERIC
from ..replies import integer


@command("DEL", arity=-2, flags=WRITE, group="generic", since="1.0.0", keys=[KeySpec("RM", "delete", last=-1)], complexity="O(N)", summary="Delete keys.")  # fmt: skip
def del_(ctx: Context, args: list[bytes]) -> bytes:
    """DEL key [key ...]."""
    count = 0
    for key in args[1:]:
        if ctx.db.delete(key):
            ctx.key_changed(key, NOTIFY_GENERIC, b"del")
            count += 1
    return integer(count)
