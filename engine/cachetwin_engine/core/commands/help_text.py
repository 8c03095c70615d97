"""``<container> HELP``, made from the rows of the command table."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.replies import array, simple
from cachetwin_engine.core.registry.usage import known_through, parse_usage, usage_line

_INTERNAL = {b"cluster|syncslots"}  # only nodes send it


def help_reply(ctx: Context, name: bytes) -> bytes:
    """The usage line of each sub-command of ``name``, with its summary indented below."""
    lines = [name.upper() + b" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    row = ctx.engine.commands[name]
    subcommands = row.subcommands if row.subcommands is not None else {}
    for sub in sorted(subcommands):
        if sub == b"help" or subcommands[sub].name in _INTERNAL:
            continue
        arguments = known_through(parse_usage(subcommands[sub].arguments), ctx.engine.profile.commands_through)
        usage = usage_line(arguments).encode()
        lines.append(sub.upper() + (b" " + usage if usage else b""))
        lines.append(b"    " + subcommands[sub].summary.encode())
    lines += [b"HELP", b"    Print this help."]
    return array([simple(line) for line in lines])
