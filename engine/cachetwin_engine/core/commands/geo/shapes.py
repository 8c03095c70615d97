"""GEOSEARCH and GEOSEARCHSTORE: searches in a circle, a box or a polygon."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.registry.command_table import DENYOOM, KEY_READ, READONLY, WRITE, KeySpec, command
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet, read_sorted_set

from .search import Search, check_options, read_common_option, search_reply

_GEOSEARCH_ARGUMENTS: Final = (
    "key [from=<FROMMEMBER member | FROMLONLAT fromlonlat=(longitude latitude)>] "
    "by=<circle=(BYRADIUS radius unit=<M | KM | FT | MI>) "
    "| box=(BYBOX width:double height:double unit=<M | KM | FT | MI>) "
    "| polygon=(BYPOLYGON num-vertices:integer vertices=(longitude latitude)...)@9.0.0> "
    "[order=<ASC | DESC>] [count-block=(COUNT count [ANY])] [WITHCOORD] [WITHDIST] [WITHHASH]"
)


@command(
    "GEOSEARCH",
    summary="Find the members inside a circle, a box or a polygon.",
    arguments=_GEOSEARCH_ARGUMENTS,
    arity=-7,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="6.2.0",
    complexity="O(N+log(M))",
    history=[("7.0.0", "Units are case-insensitive."), ("9.0.0", "Added the `BYPOLYGON` option.")],
)
def geosearch(ctx: Context, args: list[bytes]) -> bytes:
    """GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS ... | BYBOX ...> [...]."""
    return _geosearch(ctx, args, 1)


_GEOSEARCHSTORE_ARGUMENTS: Final = (
    "destination source [from=<FROMMEMBER member | FROMLONLAT fromlonlat=(longitude latitude)>] "
    "by=<circle=(BYRADIUS radius unit=<M | KM | FT | MI>) "
    "| box=(BYBOX width:double height:double unit=<M | KM | FT | MI>) "
    "| polygon=(BYPOLYGON num-vertices:integer vertices=(longitude latitude)...)@9.0.0> "
    "[order=<ASC | DESC>] [count-block=(COUNT count [ANY])] [STOREDIST]"
)


@command(
    "GEOSEARCHSTORE",
    summary="Store the members inside a circle, a box or a polygon.",
    arguments=_GEOSEARCHSTORE_ARGUMENTS,
    arity=-8,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "update"), KeySpec("RO", "access", index=2)],
    group="geo",
    since="6.2.0",
    complexity="O(N+log(M))",
    history=[("7.0.0", "Units are case-insensitive."), ("9.0.0", "Added the `BYPOLYGON` option.")],
)
def geosearchstore(ctx: Context, args: list[bytes]) -> bytes:
    """GEOSEARCHSTORE destination source <FROMMEMBER ... | FROMLONLAT ...> <BYRADIUS ... | BYBOX ...> [...]."""
    return _geosearch(ctx, args, 2)


def _geosearch(ctx: Context, args: list[bytes], source: int) -> bytes:
    """``source`` is the place of the searched key: 1, or 2 if the result is stored under argument 1."""
    zset = read_sorted_set(ctx.db, args[source])
    search = Search(ctx.engine.profile)
    if source == 2:
        search.store = args[1]
    at = source + 1
    while at < len(args):
        used = read_common_option(search, args, at)
        if used == 0 and source == 2 and args[at].upper() == b"STOREDIST":
            search.store_distance = True
            used = 1
        if used == 0:
            used = _read_shape(search, zset, args, at)
        at += used
    check_options(search, b"GEOSEARCHSTORE")
    if not search.has_centre:
        raise CommandError(b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + args[0])
    if not search.has_size:
        sizes = b"BYRADIUS, BYBOX and BYPOLYGON" if ctx.engine.profile.has_geo_polygons else b"BYRADIUS and BYBOX"
        raise CommandError(b"ERR exactly one of " + sizes + b" can be specified for " + args[0])
    return search_reply(ctx, search, zset, b"geosearchstore")


def _read_shape(search: Search, zset: SortedSet | None, args: list[bytes], at: int) -> int:
    """Read the centre or the size, or both as a polygon; the number of arguments read. Raises CommandError."""
    word = args[at].upper()
    left = len(args) - at - 1
    if word == b"BYPOLYGON" and left >= 2 and search.may_be_polygon():
        used = search.read_polygon(args[at + 1], args[at + 2 :])
        search.has_centre = search.has_size = True
        return 2 + used
    if search.shape.corners:
        raise syntax_error()
    if word == b"FROMMEMBER" and left >= 1 and not search.from_place:
        if zset is not None:
            search.read_member(zset, args[at + 1])
        search.has_centre = True
        return 2
    if word == b"FROMLONLAT" and left >= 2 and (search.from_place or not search.has_centre):
        search.read_centre(args[at + 1], args[at + 2])
        search.has_centre = search.from_place = True
        return 3
    if word == b"BYRADIUS" and left >= 2 and not search.shape.is_box:
        search.read_radius(args[at + 1], args[at + 2])
        search.has_size = True
        return 3
    if word == b"BYBOX" and left >= 3 and (search.shape.is_box or not search.has_size):
        search.read_box(args[at + 1], args[at + 2], args[at + 3])
        search.has_size = True
        return 4
    raise syntax_error()
