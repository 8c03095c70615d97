"""``<container> HELP``, made from the rows of the table: usage lines and summaries can't drift from the commands."""

from ..context import Context
from ..replies import array, simple


def help_reply(ctx: Context, name: bytes) -> bytes:
    """The usage of each sub-command of ``name``, one line each and its summary indented below."""
    lines = [name.upper() + b" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    row = ctx.engine.commands[name]
    subcommands = row.subcommands if row.subcommands is not None else {}
    for sub in sorted(subcommands):
        if sub == b"help":
            continue
        usage = subcommands[sub].arguments.encode()
        lines.append(sub.upper() + (b" " + usage if usage else b""))
        lines.append(b"    " + subcommands[sub].summary.encode())
    lines += [b"HELP", b"    Print this help."]
    return array([simple(line) for line in lines])
