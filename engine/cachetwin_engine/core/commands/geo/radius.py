"""The GEORADIUS family: searches in a circle, older than GEOSEARCH."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import syntax_error
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    KEY_READ,
    MOVABLE_KEYS,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.types.sorted_sets.sorted_set import read_sorted_set

from .search import Search, check_options, read_common_option, search_reply

_GEORADIUS_ARGUMENTS: Final = (
    "key longitude latitude radius unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] "
    "[count-block=(COUNT count [ANY@6.2.0])] [order=<ASC | DESC>] "
    "[store=<STORE storekey:key{key} | STOREDIST storedistkey:key{key}>]"
)


@command(
    "GEORADIUS",
    summary="Find the members within a distance of a point, and optionally store them.",
    arguments=_GEORADIUS_ARGUMENTS,
    arity=-6,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[
        KeySpec("RO", "access"),
        KeySpec("OW", "update", index=6, keyword=b"STORE", variable=True),
        KeySpec("OW", "update", index=6, keyword=b"STOREDIST", variable=True),
    ],
    group="geo",
    since="3.2.0",
    deprecated="6.2.0|`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    complexity="O(N+log(M))",
    history=[("6.2.0", "Added the `ANY` modifier of `COUNT`."), ("7.0.0", "Units are case-insensitive.")],
)
def georadius(ctx: Context, args: list[bytes]) -> bytes:
    """GEORADIUS key longitude latitude radius unit [...]."""
    return _georadius(ctx, args, may_store=True)


_GEORADIUS_RO_ARGUMENTS: Final = (
    "key longitude latitude radius unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] "
    "[count-block=(COUNT count [ANY@6.2.0])] [order=<ASC | DESC>]"
)


@command(
    "GEORADIUS_RO",
    summary="Find the members within a distance of a point.",
    arguments=_GEORADIUS_RO_ARGUMENTS,
    arity=-6,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="3.2.10",
    deprecated="6.2.0|`GEOSEARCH` with the `BYRADIUS` argument",
    complexity="O(N+log(M))",
    history=[("6.2.0", "Added the `ANY` modifier of `COUNT`."), ("7.0.0", "Units are case-insensitive.")],
)
def georadius_ro(ctx: Context, args: list[bytes]) -> bytes:
    """GEORADIUS_RO key longitude latitude radius unit [...]."""
    return _georadius(ctx, args, may_store=False)


def _georadius(ctx: Context, args: list[bytes], may_store: bool) -> bytes:
    zset = read_sorted_set(ctx.db, args[1])
    search = Search(ctx.engine.profile)
    search.read_centre(args[2], args[3])
    search.read_radius(args[4], args[5])
    _read_options(search, args, 6, may_store)
    return search_reply(ctx, search, zset, b"georadiusstore")


_GEORADIUSBYMEMBER_ARGUMENTS: Final = (
    "key member radius unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [count-block=(COUNT count [ANY])] "
    "[order=<ASC | DESC>] [store=<STORE storekey:key{key} | STOREDIST storedistkey:key{key}>]"
)


@command(
    "GEORADIUSBYMEMBER",
    summary="Find the members within a distance of a member, and optionally store them.",
    arguments=_GEORADIUSBYMEMBER_ARGUMENTS,
    arity=-5,
    flags=WRITE | DENYOOM | MOVABLE_KEYS,
    keys=[
        KeySpec("RO", "access"),
        KeySpec("OW", "update", index=5, keyword=b"STORE", variable=True),
        KeySpec("OW", "update", index=5, keyword=b"STOREDIST", variable=True),
    ],
    group="geo",
    since="3.2.0",
    deprecated="6.2.0|`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    complexity="O(N+log(M))",
    history=[("6.2.0", "Added the `ANY` modifier of `COUNT`."), ("7.0.0", "Units are case-insensitive.")],
)
def georadiusbymember(ctx: Context, args: list[bytes]) -> bytes:
    """GEORADIUSBYMEMBER key member radius unit [...]."""
    return _georadiusbymember(ctx, args, may_store=True)


_GEORADIUSBYMEMBER_RO_ARGUMENTS: Final = (
    "key member radius unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [count-block=(COUNT count [ANY])] "
    "[order=<ASC | DESC>]"
)


@command(
    "GEORADIUSBYMEMBER_RO",
    summary="Find the members within a distance of a member.",
    arguments=_GEORADIUSBYMEMBER_RO_ARGUMENTS,
    arity=-5,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="3.2.10",
    deprecated="6.2.0|`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    complexity="O(N+log(M))",
    history=[("6.2.0", "Added the `ANY` modifier of `COUNT`."), ("7.0.0", "Units are case-insensitive.")],
)
def georadiusbymember_ro(ctx: Context, args: list[bytes]) -> bytes:
    """GEORADIUSBYMEMBER_RO key member radius unit [...]."""
    return _georadiusbymember(ctx, args, may_store=False)


def _georadiusbymember(ctx: Context, args: list[bytes], may_store: bool) -> bytes:
    zset = read_sorted_set(ctx.db, args[1])
    search = Search(ctx.engine.profile)
    if zset is not None:
        search.read_member(zset, args[2])
        search.read_radius(args[3], args[4])
    _read_options(search, args, 5, may_store)
    return search_reply(ctx, search, zset, b"georadiusstore")


def _read_options(search: Search, args: list[bytes], at: int, may_store: bool) -> None:
    """Read the options of the GEORADIUS family. Raises CommandError."""
    while at < len(args):
        used = read_common_option(search, args, at)
        if used == 0:
            word = args[at].upper()
            if not may_store or at + 1 == len(args) or word not in {b"STORE", b"STOREDIST"}:
                raise syntax_error()
            search.store = args[at + 1]
            search.store_distance = word == b"STOREDIST"
            used = 2
        at += used
    check_options(search, b"STORE option in GEORADIUS")
