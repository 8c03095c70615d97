"""MIGRATE: move keys to another server by RESTORE.

As in Valkey, all other clients wait until the other server has replied, at most ``timeout`` for each step.
"""

from typing import Final

from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import OK, bulk_array
from cachetwin_engine.core.rdb.payload import payload_of
from cachetwin_engine.core.registry.command_table import MOVABLE_KEYS, NONDETERMINISTIC, WRITE, KeySpec, command
from cachetwin_engine.core.text.numbers import parse_int

_DEFAULT_TIMEOUT_MS: Final = 1000
_KEYS: Final = [
    KeySpec("RW", "access delete", index=3),
    KeySpec("RW", "access delete", index=-2, keyword=b"KEYS", last=-1, incomplete=True),
]
_HISTORY: Final = [
    ("3.0.0", "Added the `COPY` and `REPLACE` options."),
    ("3.0.6", "Added the `KEYS` option."),
    ("4.0.7", "Added the `AUTH` option."),
    ("6.0.0", "Added the `AUTH2` option."),
]


class _Options:
    def __init__(self, key: bytes) -> None:
        self.keys = [key]
        self.keeps = False
        self.replaces = False
        self.login: list[bytes] = []  # a password, or a user name and a password


def _options(ctx: Context, args: list[bytes]) -> _Options:
    """The options after the timeout. Raises CommandError."""
    options = _Options(args[3])
    given = ctx.options(args, 6)
    while word := given.next_word():
        if word == b"COPY":
            options.keeps = True
        elif word == b"REPLACE":
            options.replaces = True
        elif word == b"AUTH":
            options.login = [given.value]
        elif word == b"AUTH2":
            options.login = args[given.at + 1 : given.at + 3]
        elif args[3]:
            raise CommandError(b"ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")
        else:
            options.keys = args[given.at + 1 :]
    return options


_MIGRATE_ARGUMENTS: Final = (
    'host port key-selector=<key | empty-string=""> destination-db:integer timeout:integer '
    "[COPY@3.0.0] [REPLACE@3.0.0] [authentication=<AUTH auth{password}@4.0.7 "
    "| AUTH2 auth2=(username password)@6.0.0>] [KEYS keys:key{key}@3.0.6...]"
)


@command(
    "MIGRATE",
    summary="Move keys to another server.",
    arguments=_MIGRATE_ARGUMENTS,
    arity=-6,
    flags=WRITE | MOVABLE_KEYS,
    keys=_KEYS,
    group="generic",
    since="2.6.0",
    complexity="O(N) for the transfer, plus DUMP and DEL on this server and RESTORE on the other.",
    categories=[b"dangerous"],
    tips=NONDETERMINISTIC,
    history=_HISTORY,
)
def migrate(ctx: Context, args: list[bytes]) -> bytes:
    """MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password | AUTH2 name password] [KEYS key ...]."""
    options = _options(ctx, args)
    timeout_ms, database = parse_int(args[5]), parse_int(args[4])
    keys = [key for key in options.keys if ctx.db.find(key) is not None]
    if not keys:
        return b"+NOKEY\r\n"
    before = [[b"AUTH", *options.login]] if options.login else []
    before.append([b"SELECT", b"%d" % database])
    request = [bulk_array(words) for words in before + [_restoring(ctx, key, options.replaces) for key in keys]]
    replies, failed = ctx.engine.host.ask(
        args[1].decode("latin-1"), args[2].decode("latin-1"), b"".join(request), len(request),
        timeout_ms if timeout_ms > 0 else _DEFAULT_TIMEOUT_MS,
    )  # fmt: skip
    refused = b""
    accepted: list[bytes] = []
    lets_in = True  # AUTH and SELECT succeeded
    for at, reply in enumerate(replies):
        if reply.startswith(b"-"):
            refused = refused or reply
            lets_in = lets_in and at >= len(before)
        elif lets_in and at >= len(before):
            accepted.append(keys[at - len(before)])
    if accepted and not options.keeps:
        for key in accepted:
            ctx.db.delete(key)
            ctx.key_changed(key, NOTIFY_GENERIC, b"del")
        ctx.propagate([b"DEL", *accepted])
    else:
        ctx.propagate_nothing()
    if refused:
        raise CommandError(b"ERR Target instance replied with error: " + refused[1:])
    if failed:
        raise CommandError(b"IOERR error or timeout " + failed.encode())
    return OK


def _restoring(ctx: Context, key: bytes, replaces: bool) -> list[bytes]:
    """The command that creates ``key`` on the other server."""
    end_ms = ctx.db.expiry_of(key)
    ttl_ms = max(end_ms - ctx.engine.now_ms, 1) if end_ms >= 0 else 0
    name = b"RESTORE" if ctx.engine.cluster is None else b"RESTORE-ASKING"
    words = [name, key, b"%d" % ttl_ms, payload_of(ctx.engine, ctx.db.peek(key))]
    return [*words, b"REPLACE"] if replaces else words
