"""The command table: a command is a function and the row above it.

``@command(...)`` adds the row when its module is imported; ``commands/__init__`` imports all of them. The row is the only
source for dispatch, arity, ACL categories, COMMAND INFO, DOCS and GETKEYS, and the pages in ``docs/commands``.
Sub-commands are rows named ``container|sub``.
"""

from collections.abc import Callable
from typing import Final, TypeVar, cast

from cachetwin_engine.core.protocol.errors import wrong_arity


class HandlerContext:
    """Base class of what a handler gets, ``execution.context.Context``. The table knows no more of it.

    Dispatch is the one place that calls handlers, and it has a ``Context``; so a row can hold any handler as a
    ``Handler``, and what rows are read by need not know all that a handler may reach.
    """


C = TypeVar("C", bound=HandlerContext)
Handler = Callable[[HandlerContext, list[bytes]], bytes]

# Flags of a command as COMMAND INFO lists them (server.h, CMD_*).
WRITE: Final = 1 << 0
READONLY: Final = 1 << 1
DENYOOM: Final = 1 << 2
ADMIN: Final = 1 << 3
PUBSUB: Final = 1 << 4
NOSCRIPT: Final = 1 << 5
BLOCKING: Final = 1 << 6
LOADING: Final = 1 << 7
STALE: Final = 1 << 8
SKIP_MONITOR: Final = 1 << 9
SKIP_SLOWLOG: Final = 1 << 10
ASKING: Final = 1 << 11
FAST: Final = 1 << 12
NO_AUTH: Final = 1 << 13
MAY_REPLICATE: Final = 1 << 14
NO_ASYNC_LOADING: Final = 1 << 15
NO_MULTI: Final = 1 << 16
ALLOW_BUSY: Final = 1 << 17
MOVABLE_KEYS: Final = 1 << 18
NO_MANDATORY_KEYS: Final = 1 << 19

FLAG_NAMES: Final[list[tuple[int, bytes]]] = [
    (WRITE, b"write"),
    (READONLY, b"readonly"),
    (DENYOOM, b"denyoom"),
    (ADMIN, b"admin"),
    (PUBSUB, b"pubsub"),
    (NOSCRIPT, b"noscript"),
    (BLOCKING, b"blocking"),
    (LOADING, b"loading"),
    (STALE, b"stale"),
    (SKIP_MONITOR, b"skip_monitor"),
    (SKIP_SLOWLOG, b"skip_slowlog"),
    (ASKING, b"asking"),
    (FAST, b"fast"),
    (NO_AUTH, b"no_auth"),
    (NO_ASYNC_LOADING, b"no_async_loading"),
    (NO_MULTI, b"no_multi"),
    (ALLOW_BUSY, b"allow_busy"),
    (MOVABLE_KEYS, b"movablekeys"),
    (NO_MANDATORY_KEYS, b"no_mandatory_keys"),
]

# ACL categories, in the order of ACL CAT.
CATEGORY_NAMES: Final[list[bytes]] = [
    b"keyspace",
    b"read",
    b"write",
    b"set",
    b"sortedset",
    b"list",
    b"hash",
    b"string",
    b"bitmap",
    b"hyperloglog",
    b"geo",
    b"stream",
    b"pubsub",
    b"admin",
    b"fast",
    b"slow",
    b"blocking",
    b"dangerous",
    b"connection",
    b"transaction",
    b"scripting",
]
_GROUP_CATEGORIES: Final[dict[str, list[bytes]]] = {
    "string": [b"string"],
    "bitmap": [b"bitmap"],
    "hash": [b"hash"],
    "list": [b"list"],
    "set": [b"set"],
    "sorted-set": [b"sortedset"],
    "hyperloglog": [b"hyperloglog"],
    "geo": [b"geo"],
    "stream": [b"stream"],
    "generic": [b"keyspace"],
    "pubsub": [b"pubsub"],
    "transactions": [b"transaction"],
    "scripting": [b"scripting"],
    "connection": [b"connection"],
    "server": [],
    "cluster": [],
}
_NEWEST: Final = (255, 0, 0)
_INSTEAD_OF_KEYSPACE: Final = {b"list", b"connection"}  # a generic command of these categories is not in keyspace


class KeySpec:
    """A key specification of COMMAND INFO: which arguments are keys, and how the command accesses them.

    The search begins at argument ``index``, or after ``keyword`` if given (searched from argument ``index`` on, or
    backwards when negative). Then either a range: up to ``last`` (relative to the first key; negative counts from the
    end of the arguments, -1 the last one), every ``step``-th, only the first ``1/limit`` of the rest when ``limit`` > 1;
    or, when ``numkeys`` >= 0, a count at that place (relative to the beginning) followed by the first key at ``first``.
    ``access`` is RW, RO, OW or RM; ``effects`` lists ``access``, ``update``, ``insert``, ``delete``.
    """

    def __init__(
        self,
        access: str,
        effects: str = "",
        index: int = 1,
        last: int = 0,
        step: int = 1,
        limit: int = 0,
        keyword: bytes = b"",
        numkeys: int = -1,
        first: int = 0,
        incomplete: bool = False,
        not_key: bool = False,
        notes: str = "",
        variable: bool = False,
        unknown: bool = False,
    ) -> None:
        self.access = access
        self.effects = effects
        self.index = index
        self.last = last
        self.step = step
        self.limit = limit
        self.keyword = keyword
        self.numkeys = numkeys
        self.first = first
        self.incomplete = incomplete
        self.not_key = not_key
        self.notes = notes
        self.variable = variable  # the arguments decide whether the key is read or written (``variable_flags``)
        self.unknown = unknown  # the positions of these keys do not follow from the arguments alone


def _key_at(keys: list[KeySpec], flags: int) -> int:
    if len(keys) != 1 or flags & MOVABLE_KEYS:
        return 0
    spec = keys[0]
    is_plain = spec.index > 0 and not spec.keyword and spec.numkeys < 0 and spec.limit == 0
    return spec.index if is_plain and spec.last in {0, -1} else 0


class Command:
    """A row of the table and its statistics."""

    def __init__(
        self,
        name: bytes,
        handler: Handler,
        arity: int,
        flags: int,
        group: str,
        since: str,
        summary: str,
        complexity: str,
        keys: list[KeySpec],
        categories: list[bytes],
        arguments: str,
        tips: list[bytes],
        deprecated: str,
        history: list[tuple[str, str]],
        valkey_only: bool,
    ) -> None:
        self.name = name  # full name in lower case: b"get", b"client|kill"
        self.handler = handler
        self.arity = arity  # number of arguments including the name; negative: at least that many
        self.flags = flags
        self.group = group
        self.since = since
        self.summary = summary
        self.complexity = complexity
        self.keys = keys
        self.categories = categories
        self.arguments = arguments
        self.tips = tips
        self.deprecated = deprecated
        self.history = history
        self.valkey_only = valkey_only
        self.subcommands: dict[bytes, Command] | None = None
        self.parent: Command | None = None
        self.id = -1  # index in the table, for ACL bitmaps
        self.through = _NEWEST  # the version that the table describes
        self.option_sizes: dict[bytes, int] | None = None  # see ``options``; None before the first request with options
        self.calls = 0
        self.usec = 0
        self.latency: list[int] = []  # calls by bucket of duration, see ``latency``; empty before the first
        self.rejected_calls = 0
        self.failed_calls = 0
        # With few arguments it takes little time, so its calls may share a timing batch (see ``dispatch``).
        self.is_brief = name == b"set" or flags & (FAST | BLOCKING) == FAST
        self.key_at = _key_at(keys, flags)  # the place of its first key, 0 if other keys are not simply behind it
        self.key_step = (
            0 if self.key_at == 0 or keys[0].last == 0 else keys[0].step
        )  # to each further one, 0: there is none

    def accepts(self, count: int) -> bool:
        """Whether the arity allows ``count`` arguments, including the name."""
        return count == self.arity or (self.arity < 0 and count >= -self.arity)

    def fresh(self) -> "Command":
        """A copy of the row without sub-commands and statistics, for one engine."""
        return Command(
            self.name, self.handler, self.arity, self.flags, self.group, self.since, self.summary, self.complexity,
            self.keys, self.categories, self.arguments, self.tips, self.deprecated, self.history, self.valkey_only,
        )  # fmt: skip


ROWS: Final[dict[bytes, Command]] = {}

_NO_KEYS: Final[list[KeySpec]] = []


def command(
    name: str,
    *,
    arity: int,
    group: str,
    since: str,
    summary: str,
    flags: int = 0,
    complexity: str = "O(1)",
    keys: list[KeySpec] | None = None,
    categories: list[bytes] | None = None,
    arguments: str = "",
    tips: list[bytes] | None = None,
    deprecated: str = "",
    history: list[tuple[str, str]] | None = None,
    valkey_only: bool = False,
) -> Callable[[Callable[[C, list[bytes]], bytes]], Callable[[C, list[bytes]], bytes]]:
    """Add the decorated function to the table.

    ``name`` is the name in requests, ``CLIENT|KILL`` for a sub-command; ``arguments`` is the usage line (see ``usage``);
    ``categories`` are ACL categories besides those that follow from group and flags.
    """

    def enter(handler: Callable[[C, list[bytes]], bytes]) -> Callable[[C, list[bytes]], bytes]:
        full = name.lower().encode()
        ROWS[full] = Command(
            full, cast("Handler", handler), arity, flags, group, since, summary, complexity,
            keys if keys is not None else _NO_KEYS, _categories(group, flags, categories or []), arguments, tips or [],
            deprecated, history or [], valkey_only,
        )  # fmt: skip
        return handler

    return enter


def container(
    name: str, *, group: str, since: str, summary: str, complexity: str = "Depends on subcommand.", deprecated: str = ""
) -> None:
    """Add a row that only contains sub-commands. Without one it is refused: its arity requires another word."""

    def alone(ctx: HandlerContext, args: list[bytes]) -> bytes:
        raise wrong_arity(args[0].lower())

    enter = command(
        name, arity=-2, group=group, since=since, summary=summary, complexity=complexity, deprecated=deprecated
    )
    enter(alone)
    ROWS[name.lower().encode()].categories = [b"slow"]  # a group's categories belong to the sub-commands


def _categories(group: str, flags: int, extra: list[bytes]) -> list[bytes]:
    """The categories that group and flags imply (acl.c, setImplicitACLCategories), and ``extra``, in ACL CAT order."""
    wanted = set(extra)
    if group != "generic" or wanted.isdisjoint(_INSTEAD_OF_KEYSPACE):
        wanted |= set(_GROUP_CATEGORIES[group])
    if flags & WRITE:
        wanted.add(b"write")
    if flags & READONLY and group not in {"scripting"}:
        wanted.add(b"read")
    if flags & ADMIN:
        wanted |= {b"admin", b"dangerous"}
    if flags & PUBSUB:
        wanted.add(b"pubsub")
    if flags & FAST:
        wanted.add(b"fast")
    if flags & BLOCKING:
        wanted.add(b"blocking")
    if not flags & FAST:
        wanted.add(b"slow")
    return [name for name in CATEGORY_NAMES if name in wanted]


def table_for(through: tuple[int, int, int], valkey: bool) -> dict[bytes, Command]:
    """The commands up to version ``through``, keyed by name in lower and in upper case; containers hold the rest."""
    table: dict[bytes, Command] = {}
    number = 0
    for full in sorted(ROWS):  # "client" sorts before "client|kill"
        row = ROWS[full]
        if version_of(row.since) > through or (row.valkey_only and not valkey):
            continue
        entry = row.fresh()
        entry.id = number
        entry.through = through
        number += 1
        if b"|" in full:
            container, sub = full.split(b"|", 1)
            parent = table.get(container)
            if parent is None:
                continue
            entry.parent = parent
            if parent.subcommands is None:
                parent.subcommands = {}
            parent.subcommands[sub] = entry
        else:
            table[full] = entry
            table[full.upper()] = entry
    return table


def version_of(text: str) -> tuple[int, int, int]:
    """A version such as ``7.2.0`` as numbers."""
    major, minor, patch = text.split(".")
    return int(major), int(minor), int(patch)


# Key specifications that many commands share: one key as the first argument.
KEY_READ: Final = [KeySpec("RO", "access")]
KEY_META: Final = [KeySpec("RO")]
KEY_UPDATE: Final = [KeySpec("RW", "update")]
KEY_ACCESS_UPDATE: Final = [KeySpec("RW", "access update")]
KEY_INSERT: Final = [KeySpec("RW", "insert")]
KEY_DELETE: Final = [KeySpec("RW", "delete")]
KEY_ACCESS_DELETE: Final = [KeySpec("RW", "access delete")]
KEY_OVERWRITE: Final = [KeySpec("OW", "update")]
KEYS_READ: Final = [KeySpec("RO", "access", last=-1)]

# Tips that many commands share: what a reply depends on, and where a client of a cluster sends the command.
NONDETERMINISTIC: Final = [b"nondeterministic_output"]
NONDETERMINISTIC_ORDER: Final = [b"nondeterministic_output_order"]
ON_ALL_NODES: Final = [b"request_policy:all_nodes", b"response_policy:all_succeeded"]
ON_ALL_SHARDS: Final = [b"request_policy:all_shards", b"response_policy:all_succeeded"]
