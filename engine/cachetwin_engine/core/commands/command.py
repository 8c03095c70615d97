"""COMMAND: the command table as clients see it."""

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.config.profile import Profile
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.execution.dispatch import find_command
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, array, bulk, bulk_array, integer, simple
from cachetwin_engine.core.registry.command_table import (
    CATEGORY_NAMES,
    FLAG_NAMES,
    LOADING,
    NO_MANDATORY_KEYS,
    NONDETERMINISTIC_ORDER,
    STALE,
    Command,
    KeySpec,
    command,
    version_of,
)
from cachetwin_engine.core.registry.key_positions import INVALID_ARGUMENTS, KeyPosition, key_positions
from cachetwin_engine.core.registry.usage import Argument, known_through, parse_usage
from cachetwin_engine.core.text.glob import glob_match_nocase

from .help_text import help_reply

_FLAGS = LOADING | STALE
_INTERNAL = {b"cluster|syncslots", b"debug", b"pfdebug", b"pfselftest", b"replconf", b"restore-asking"}
_RECOMMENDED_UNTIL_72 = {b"setex", b"psetex", b"setnx"}
_RECOMMENDED_AGAIN = {  # no longer deprecated by Valkey 9
    b"brpoplpush", b"georadius", b"georadius_ro", b"georadiusbymember", b"georadiusbymember_ro", b"getset", b"hmset",
    b"psetex", b"quit", b"rpoplpush", b"setex", b"setnx", b"slowlog", b"slowlog|get", b"slowlog|help", b"slowlog|len",
    b"slowlog|reset", b"substr", b"zrangebylex", b"zrangebyscore", b"zrevrange", b"zrevrangebylex", b"zrevrangebyscore",
}  # fmt: skip


@command(
    "COMMAND",
    summary="Describe all commands.",
    arity=-1,
    flags=_FLAGS,
    group="server",
    since="2.8.13",
    complexity="O(N) where N is the total number of commands.",
    categories=[b"connection"],
    tips=NONDETERMINISTIC_ORDER,
)
def command_(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND: the same as COMMAND INFO, for all commands."""
    return array([_info(ctx, row) for row in _top_rows(ctx)])


@command(
    "COMMAND|COUNT",
    summary="Count the commands.",
    arity=2,
    flags=_FLAGS,
    group="server",
    since="2.8.13",
    categories=[b"connection"],
)
def command_count(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND COUNT."""
    return integer(len(_top_rows(ctx)))


@command(
    "COMMAND|INFO",
    summary="Describe commands: arity, flags, keys and categories.",
    arguments="[command-name...]",
    arity=-2,
    flags=_FLAGS,
    group="server",
    since="2.8.13",
    complexity="O(N) where N is the number of commands to look up",
    categories=[b"connection"],
    tips=NONDETERMINISTIC_ORDER,
    history=[("7.0.0", "Without names, all commands are described.")],
)
def command_info(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND INFO [name ...]: null for an unknown name."""
    if len(args) == 2:
        return command_(ctx, args)
    replies: list[bytes] = []
    for name in args[2:]:
        row = _named(ctx, name)
        replies.append(ctx.null if row is None else _info(ctx, row))
    return array(replies)


@command(
    "COMMAND|DOCS",
    summary="Return the documentation of commands.",
    arguments="[command-name...]",
    arity=-2,
    flags=_FLAGS,
    group="server",
    since="7.0.0",
    complexity="O(N) where N is the number of commands to look up",
    categories=[b"connection"],
    tips=NONDETERMINISTIC_ORDER,
)
def command_docs(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND DOCS [name ...]: a map by name without the unknown names."""
    items: list[bytes] = []
    if len(args) == 2:
        for row in _top_rows(ctx):
            items += [bulk(row.name), _docs(ctx, row)]
    for name in args[2:]:
        found = _named(ctx, name)
        if found is not None:
            items += [bulk(found.name), _docs(ctx, found)]
    return ctx.map_reply(items)


@command(
    "COMMAND|LIST",
    summary="List the names of commands.",
    arguments="[FILTERBY filterby=<MODULE module-name | ACLCAT category | PATTERN pattern>]",
    arity=-2,
    flags=_FLAGS,
    group="server",
    since="7.0.0",
    complexity="O(N) where N is the total number of commands",
    categories=[b"connection"],
    tips=NONDETERMINISTIC_ORDER,
)
def command_list(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN argument]."""
    rows = rows_of(ctx.engine.commands)
    if len(args) == 2:
        return bulk_array([row.name for row in rows])
    if len(args) != 5 or args[2].upper() != b"FILTERBY":
        raise syntax_error()
    kind = args[3].upper()
    wanted = args[4]
    if kind == b"MODULE":
        return EMPTY_ARRAY
    if kind == b"ACLCAT":
        category = wanted.lower()
        if category not in CATEGORY_NAMES:
            return EMPTY_ARRAY
        return bulk_array([row.name for row in rows if category in row.categories])
    if kind == b"PATTERN":
        return bulk_array([row.name for row in rows if glob_match_nocase(wanted, row.name)])
    raise syntax_error()


@command(
    "COMMAND|GETKEYS",
    summary="List the keys of a command line.",
    arguments="command [arg...]",
    arity=-3,
    flags=_FLAGS,
    group="server",
    since="2.8.13",
    complexity="O(N) where N is the number of arguments to the command",
    categories=[b"connection"],
)
def command_getkeys(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND GETKEYS command [arg ...]."""
    words = args[2:]
    return bulk_array([words[position.index] for position in _keys(ctx, words)])


@command(
    "COMMAND|GETKEYSANDFLAGS",
    summary="List the keys of a command line and how each is accessed.",
    arguments="command [arg...]",
    arity=-3,
    flags=_FLAGS,
    group="server",
    since="7.0.0",
    complexity="O(N) where N is the number of arguments to the command",
    categories=[b"connection"],
)
def command_getkeysandflags(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND GETKEYSANDFLAGS command [arg ...]."""
    words = args[2:]
    found: list[bytes] = []
    for position in _keys(ctx, words):
        flags = ctx.set_reply([simple(flag) for flag in _spec_flags(position.spec)])
        found.append(array([bulk(words[position.index]), flags]))
    return array(found)


@command(
    "COMMAND|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=_FLAGS,
    group="server",
    since="5.0.0",
    categories=[b"connection"],
)
def command_help(ctx: Context, args: list[bytes]) -> bytes:
    """COMMAND HELP."""
    return help_reply(ctx, b"command")


def _keys(ctx: Context, words: list[bytes]) -> list[KeyPosition]:
    """The keys of a command line. An invalid count of keys means none if the command may have none. Raises CommandError."""
    try:
        row = find_command(ctx.engine, words)
    except CommandError:
        raise CommandError(b"ERR Invalid command specified") from None
    if all(spec.not_key for spec in row.keys):  # only channels, or no keys
        raise CommandError(b"ERR The command has no key arguments")
    if not row.accepts(len(words)):
        raise CommandError(b"ERR Invalid number of arguments specified for command")
    try:
        positions = key_positions(row, words)
    except CommandError:
        positions = []
    if not positions and not row.flags & NO_MANDATORY_KEYS:
        raise CommandError(INVALID_ARGUMENTS)
    return positions


def _top_rows(ctx: Context) -> list[Command]:
    return [row for name, row in ctx.engine.commands.items() if name == row.name]


def _named(ctx: Context, name: bytes) -> Command | None:
    parent, bar, sub = name.lower().partition(b"|")
    row = ctx.engine.commands.get(parent)
    if row is None or not bar:
        return row
    return row.subcommands.get(sub) if row.subcommands is not None else None


def _flag_name(ctx: Context, name: bytes) -> bytes:
    """The name of a flag; since COMMANDLOG replaced SLOWLOG, its flag has another name."""
    return b"skip_commandlog" if name == b"skip_slowlog" and ctx.engine.profile.has_commandlog else name


def _info(ctx: Context, row: Command) -> bytes:
    first, last, step = _legacy_range(row)
    subcommands = row.subcommands
    return array(
        [
            bulk(row.name),
            integer(row.arity),
            ctx.set_reply([simple(_flag_name(ctx, name)) for flag, name in FLAG_NAMES if row.flags & flag]),
            integer(first),
            integer(last),
            integer(step),
            ctx.set_reply([simple(b"@" + category) for category in row.categories]),
            ctx.set_reply([bulk(tip) for tip in row.tips]),
            ctx.set_reply([_key_spec(ctx, spec) for spec in row.keys]),
            array([_info(ctx, sub) for sub in subcommands.values()])
            if subcommands is not None
            else _no_subcommands(ctx),
        ]
    )


def _no_subcommands(ctx: Context) -> bytes:
    """An empty list of sub-commands; before Valkey 9.1 it was a set."""
    return EMPTY_ARRAY if ctx.engine.profile.lists_no_subcommands_as_array else ctx.set_reply([])


def _legacy_range(row: Command) -> tuple[int, int, int]:
    """First key, last key and step, from before key specifications: they describe only a leading plain range."""
    if not row.keys or row.keys[0].numkeys >= 0 or row.keys[0].keyword:
        return 0, 0, 0
    spec = row.keys[0]
    last = spec.last if spec.last < 0 else spec.index + spec.last
    for other in row.keys[1:]:
        if other.numkeys < 0 and not other.keyword and other.step == 1 and last >= 0 and other.index == last + 1:
            last = other.index + other.last if other.last >= 0 else other.last
    return spec.index, last, spec.step


def _spec_flags(spec: KeySpec) -> list[bytes]:
    flags: list[bytes] = []
    if spec.access:
        flags.append(spec.access.encode())
    flags += [effect.encode() for effect in spec.effects.split()]
    if spec.not_key:
        flags.append(b"not_key")
    if spec.incomplete:
        flags.append(b"incomplete")
    return flags


def _key_spec(ctx: Context, spec: KeySpec) -> bytes:
    flags = _spec_flags(spec)
    if spec.variable:
        flags.append(b"variable_flags")
    items: list[bytes] = []
    if spec.notes:
        items += [bulk(b"notes"), bulk(spec.notes.encode())]
    items += [
        bulk(b"flags"), ctx.set_reply([simple(flag) for flag in flags]),
        bulk(b"begin_search"), _begin_search(ctx, spec),
        bulk(b"find_keys"), _find_keys(ctx, spec),
    ]  # fmt: skip
    return ctx.map_reply(items)


def _begin_search(ctx: Context, spec: KeySpec) -> bytes:
    """Where the search for keys begins."""
    if spec.unknown:
        return _typed(ctx, b"unknown", [])
    if spec.keyword:
        items = [bulk(b"keyword"), bulk(spec.keyword), bulk(b"startfrom"), integer(spec.index)]
        return _typed(ctx, b"keyword", items)
    return _typed(ctx, b"index", [bulk(b"index"), integer(spec.index)])


def _find_keys(ctx: Context, spec: KeySpec) -> bytes:
    """Which of the arguments from there are keys."""
    if spec.unknown:
        return _typed(ctx, b"unknown", [])
    if spec.numkeys >= 0:
        items = [
            bulk(b"keynumidx"), integer(spec.numkeys),
            bulk(b"firstkey"), integer(spec.first),
            bulk(b"keystep"), integer(spec.step),
        ]  # fmt: skip
        return _typed(ctx, b"keynum", items)
    items = [
        bulk(b"lastkey"), integer(spec.last),
        bulk(b"keystep"), integer(spec.step),
        bulk(b"limit"), integer(spec.limit),
    ]  # fmt: skip
    return _typed(ctx, b"range", items)


def _typed(ctx: Context, kind: bytes, items: list[bytes]) -> bytes:
    return ctx.map_reply([bulk(b"type"), bulk(kind), bulk(b"spec"), ctx.map_reply(items)])


def _is_deprecated(row: Command, profile: Profile) -> bool:
    """Whether the profile's version deprecates the command: Valkey 9 withdrew some deprecations."""
    if not row.deprecated or version_of(row.deprecated.partition("|")[0]) > profile.commands_through:
        return False
    if profile.is_valkey_from(9, 0):
        return row.name not in _RECOMMENDED_AGAIN
    return row.name not in _RECOMMENDED_UNTIL_72 or profile.commands_through >= (7, 2, 0)


def _docs(ctx: Context, row: Command) -> bytes:
    profile = ctx.engine.profile
    items = [
        bulk(b"summary"), bulk(row.summary.encode()),
        bulk(b"since"), bulk(row.since.encode()),
        bulk(b"group"), bulk(row.group.encode()),
    ]  # fmt: skip
    if row.complexity:
        items += [bulk(b"complexity"), bulk(row.complexity.encode())]
    if row.name in _INTERNAL:
        items += [bulk(b"doc_flags"), ctx.set_reply([simple(b"syscmd")])]
    if _is_deprecated(row, profile):
        since, _, instead = row.deprecated.partition("|")
        items += [bulk(b"doc_flags"), ctx.set_reply([simple(b"deprecated")])]
        items += [bulk(b"deprecated_since"), bulk(since.encode()), bulk(b"replaced_by"), bulk(instead.encode())]
    history = [(when, what) for when, what in row.history if version_of(when) <= profile.commands_through]
    if history:
        items += [bulk(b"history"), array([bulk_array([when.encode(), what.encode()]) for when, what in history])]
    arguments = known_through(parse_usage(row.arguments), profile.commands_through)
    if arguments:
        items += [bulk(b"arguments"), _arguments(ctx, arguments)]
    if row.subcommands is not None:
        subs: list[bytes] = []
        for sub in row.subcommands.values():
            subs += [bulk(sub.name), _docs(ctx, sub)]
        items += [bulk(b"subcommands"), ctx.map_reply(subs)]
    return ctx.map_reply(items)


def _arguments(ctx: Context, arguments: list[Argument]) -> bytes:
    """The tree of arguments; the display text is part of it since 7.2."""
    described: list[bytes] = []
    for argument in arguments:
        items = [bulk(b"name"), bulk(argument.name.encode()), bulk(b"type"), bulk(argument.type.encode())]
        if not argument.arguments and ctx.engine.profile.documents_display_text:
            items += [bulk(b"display_text"), bulk(argument.display.encode())]
        if argument.key_spec >= 0:
            items += [bulk(b"key_spec_index"), integer(argument.key_spec)]
        if argument.token is not None:
            items += [bulk(b"token"), bulk(argument.token.encode())]
        if argument.since and argument.says_since:
            items += [bulk(b"since"), bulk(argument.since.encode())]
        if argument.deprecated:
            items += [bulk(b"deprecated_since"), bulk(argument.deprecated.encode())]
        flags: list[bytes] = []
        if argument.optional:
            flags.append(b"optional")
        if argument.multiple:
            flags.append(b"multiple")
        if argument.repeats_token:
            flags.append(b"multiple_token")
        if flags:
            items += [bulk(b"flags"), ctx.set_reply([simple(flag) for flag in flags])]
        if argument.arguments:
            items += [bulk(b"arguments"), _arguments(ctx, argument.arguments)]
        described.append(ctx.map_reply(items))
    return array(described)
