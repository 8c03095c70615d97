"""ACL: users and their permissions."""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.acl.rules import RuleError, rows_of
from cachetwin_engine.core.acl.user import Selector, User
from cachetwin_engine.core.acl.user_file import parse_users, written_users
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.execution.dispatch import find_command
from cachetwin_engine.core.execution.logins import close_sessions_of, replace_users, user_was_changed
from cachetwin_engine.core.execution.permission import check_in
from cachetwin_engine.core.protocol.errors import CommandError, bad_subcommand, wrong_arity
from cachetwin_engine.core.protocol.replies import OK, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    CATEGORY_NAMES,
    LOADING,
    NOSCRIPT,
    ON_ALL_NODES,
    STALE,
    command,
    container,
)
from cachetwin_engine.core.text.numbers import parse_int

from .help_text import help_reply

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

_ANYONE = NOSCRIPT | LOADING | STALE
_ADMIN = _ANYONE | ADMIN
_NO_FILE = (
    b"ERR This instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command "
    b"and then issue a CONFIG REWRITE (assuming you have a configuration file set) in order to store users in the "
    b"configuration."
)

container(
    "ACL",
    summary="Manage users and their permissions.",
    group="server",
    since="6.0.0",
)


@command(
    "ACL|CAT",
    summary="List the categories, or the commands of one category.",
    arguments="[category]",
    arity=-2,
    flags=_ANYONE,
    group="server",
    since="6.0.0",
)
def acl_cat(ctx: Context, args: list[bytes]) -> bytes:
    """ACL CAT [category]."""
    if len(args) > 3:
        raise bad_subcommand(args)
    if len(args) == 2:
        return bulk_array(CATEGORY_NAMES)
    category = args[2].lower()
    if category not in CATEGORY_NAMES:
        raise CommandError(b"ERR Unknown category '" + args[2][:128] + b"'")
    return bulk_array([row.name for row in rows_of(ctx.engine.commands) if category in row.categories])


@command(
    "ACL|DELUSER",
    summary="Delete users and close their connections.",
    arguments="username...",
    arity=-3,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(1) amortized time considering the typical user.",
    tips=ON_ALL_NODES,
)
def acl_deluser(ctx: Context, args: list[bytes]) -> bytes:
    """ACL DELUSER name [name ...]: the number of users that existed."""
    count = 0
    for name in args[2:]:
        if name == b"default":
            raise CommandError(b"ERR The 'default' user cannot be removed")
        user = ctx.engine.acl.users.pop(name, None)
        if user is not None:
            count += 1
            close_sessions_of(ctx.engine, user)
    return integer(count)


@command(
    "ACL|DRYRUN",
    summary="Check whether a user may run a command, without running it.",
    arguments="username command [arg...]",
    arity=-4,
    flags=_ADMIN,
    group="server",
    since="7.0.0",
)
def acl_dryrun(ctx: Context, args: list[bytes]) -> bytes:
    """ACL DRYRUN name command [arg ...]: OK, or the reason of the denial as a string."""
    user = ctx.engine.acl.users.get(args[2])
    if user is None:
        raise CommandError(b"ERR User '" + args[2] + b"' not found")
    words = args[3:]
    try:
        row = find_command(ctx.engine, words)
    except CommandError:
        raise CommandError(b"ERR Command '" + words[0] + b"' not found") from None
    if not row.accepts(len(words)):
        raise wrong_arity(row.name)
    denied = check_in(ctx, user, row, words)
    if denied is None:
        return OK
    return bulk(ctx.engine.acl.explain(user, denied, words))


@command(
    "ACL|GENPASS",
    summary="Generate a random password.",
    arguments="[bits:integer]",
    arity=-2,
    flags=_ANYONE,
    group="server",
    since="6.0.0",
)
def acl_genpass(ctx: Context, args: list[bytes]) -> bytes:
    """ACL GENPASS [bits]: hexadecimal digits, of 256 bits by default."""
    if len(args) > 3:
        raise bad_subcommand(args)
    bits = parse_int(args[2]) if len(args) == 3 else 256
    if not 0 < bits <= 4096:
        raise CommandError(
            b"ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
        )
    digits = (bits + 3) // 4
    return bulk(b"%0*x" % (digits, ctx.engine.host.secret_bits(digits * 4)))


_ACL_GETUSER_HISTORY: Final = [
    ("6.2.0", "Added channel patterns."),
    ("7.0.0", "Added selectors; key and channel patterns are returned as rules."),
    ("9.1.0", "Added the databases."),
]


@command(
    "ACL|GETUSER",
    summary="Return the rules of a user.",
    arguments="username",
    arity=3,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(N). Where N is the number of password, command and pattern rules that the user has.",
    history=_ACL_GETUSER_HISTORY,
)
def acl_getuser(ctx: Context, args: list[bytes]) -> bytes:
    """ACL GETUSER name: a map, or null if the user does not exist."""
    user = ctx.engine.acl.users.get(args[2])
    if user is None:
        return ctx.null
    hashes = [] if ctx.engine.elasticache else user.password_hashes
    by_database = ctx.engine.acl.by_database
    selectors = [ctx.map_reply(_selector_items(selector, by_database)) for selector in user.selectors]
    return ctx.map_reply(
        [
            bulk(b"flags"), ctx.set_reply([bulk(flag) for flag in user.flags(ctx.engine.acl.sanitizing)]),
            bulk(b"passwords"), bulk_array(hashes),
            *_selector_items(user.root, by_database),
            bulk(b"selectors"), array(selectors),
        ]
    )  # fmt: skip


@command(
    "ACL|LIST",
    summary="List all users with their rules.",
    arity=2,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(N). Where N is the number of configured users.",
)
def acl_list(ctx: Context, args: list[bytes]) -> bytes:
    """ACL LIST: one line for each user. ElastiCache omits the password hashes."""
    return bulk_array([user.describe(ctx.engine.acl.sanitizing, not ctx.engine.elasticache) for user in _in_order(ctx)])


@command(
    "ACL|LOAD",
    summary="Read the users from the ACL file.",
    arity=2,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(N). Where N is the number of configured users.",
)
def acl_load(ctx: Context, args: list[bytes]) -> bytes:
    """ACL LOAD: replace all users by those of the file; an error in the file changes nothing."""
    load_user_file(ctx.engine)
    return OK


@command(
    "ACL|SAVE",
    summary="Write the users to the ACL file.",
    arity=2,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(N). Where N is the number of configured users.",
    tips=ON_ALL_NODES,
)
def acl_save(ctx: Context, args: list[bytes]) -> bytes:
    """ACL SAVE."""
    engine = ctx.engine
    path = _user_file(engine)
    try:
        engine.host.replace_file(path, written_users(engine.acl.users, engine.acl.sanitizing))
    except OSError:
        raise CommandError(
            b"ERR There was an error trying to save the ACLs. Please check the server logs for more information"
        ) from None
    return OK


@command(
    "ACL|LOG",
    summary="List the latest commands and logins that were denied.",
    arguments="[operation=<count | RESET>]",
    arity=-2,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(N) with N being the number of entries shown.",
    history=[("7.2.0", "Added the entry ID and the times of an entry's first and last event.")],
)
def acl_log(ctx: Context, args: list[bytes]) -> bytes:
    """ACL LOG [count | RESET]: newest first, 10 entries by default."""
    if len(args) > 3:
        raise bad_subcommand(args)
    log = ctx.engine.acl_log
    count = 10
    if len(args) == 3:
        if args[2].lower() == b"reset":
            log.entries = []
            return OK
        count = max(0, parse_int(args[2]))
    now_ms = ctx.engine.now_ms
    entries: list[bytes] = []
    for entry in log.entries[:count]:
        entries.append(
            ctx.map_reply(
                [
                    bulk(b"count"), integer(entry.count),
                    bulk(b"reason"), bulk(entry.reason),
                    bulk(b"context"), bulk(entry.context),
                    bulk(b"object"), bulk(entry.subject),
                    bulk(b"username"), bulk(entry.user),
                    bulk(b"age-seconds"), ctx.double((now_ms - entry.created_ms) / 1000),
                    bulk(b"client-info"), bulk(entry.client),
                    bulk(b"entry-id"), integer(entry.number),
                    bulk(b"timestamp-created"), integer(entry.created_ms),
                    bulk(b"timestamp-last-updated"), integer(entry.updated_ms),
                ]
            )
        )  # fmt: skip
    return array(entries)


_ACL_SETUSER_HISTORY: Final = [
    ("6.2.0", "Added channel patterns."),
    ("7.0.0", "Added selectors and key permissions."),
    ("9.1.0", "Added rules for databases."),
]


@command(
    "ACL|SETUSER",
    summary="Create a user or change its rules.",
    arguments="username [rule...]",
    arity=-3,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(N). Where N is the number of rules provided.",
    tips=ON_ALL_NODES,
    history=_ACL_SETUSER_HISTORY,
)
def acl_setuser(ctx: Context, args: list[bytes]) -> bytes:
    """ACL SETUSER name [rule ...]: an invalid rule changes nothing."""
    name = args[2]
    known = ctx.engine.acl.users.get(name)
    before = None if known is None else known.copied()
    if b" " in name or b"\0" in name:
        raise CommandError(b"ERR Usernames can't contain spaces or null characters")
    try:
        user = ctx.engine.acl.set_user(name, args[3:])
    except RuleError as problem:
        raise CommandError(b"ERR " + problem.reason) from None
    if before is not None:
        user_was_changed(ctx.engine, user, before)
    return OK


@command(
    "ACL|USERS",
    summary="List the names of all users.",
    arity=2,
    flags=_ADMIN,
    group="server",
    since="6.0.0",
    complexity="O(N). Where N is the number of configured users.",
)
def acl_users(ctx: Context, args: list[bytes]) -> bytes:
    """ACL USERS."""
    return bulk_array([user.name for user in _in_order(ctx)])


@command(
    "ACL|WHOAMI",
    summary="Return the user of this connection.",
    arity=2,
    flags=_ANYONE,
    group="server",
    since="6.0.0",
)
def acl_whoami(ctx: Context, args: list[bytes]) -> bytes:
    """ACL WHOAMI."""
    return bulk(ctx.user.name)


@command(
    "ACL|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="server",
    since="6.0.0",
)
def acl_help(ctx: Context, args: list[bytes]) -> bytes:
    """ACL HELP."""
    return help_reply(ctx, b"acl")


def load_user_file(engine: "EngineParts") -> None:
    """Replace the users by those of ``aclfile``. Raises CommandError with all errors of the file."""
    path = _user_file(engine)
    try:
        text = engine.host.read_file(path)
    except OSError as problem:
        reason = (problem.strerror or "").encode()
        raise CommandError(b"ERR Error loading ACLs, opening file '" + path.encode() + b"': " + reason) from None
    try:
        users = parse_users(text, path.encode(), engine.acl)
    except RuleError as problem:
        raise CommandError(b"ERR " + problem.reason) from None
    replace_users(engine, users)


def _user_file(engine: "EngineParts") -> str:
    path = engine.config.get("aclfile")
    if not path:
        raise CommandError(_NO_FILE)
    return path


def _in_order(ctx: Context) -> list[User]:
    return [ctx.engine.acl.users[name] for name in sorted(ctx.engine.acl.users)]


def _selector_items(selector: Selector, by_database: bool) -> list[bytes]:
    items = [
        bulk(b"commands"), bulk(selector.command_rules()),
        bulk(b"keys"), bulk(selector.key_rules()),
        bulk(b"channels"), bulk(selector.channel_rules()),
    ]  # fmt: skip
    if by_database:
        items += [bulk(b"databases"), bulk(selector.database_rules())]
    return items
