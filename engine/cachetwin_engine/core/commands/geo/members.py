"""Members of geo indexes: sorted sets whose scores are 52-bit geohashes."""

from cachetwin_engine.core.commands.sorted_sets.members import zadd
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import syntax_error
from cachetwin_engine.core.protocol.replies import array, bulk
from cachetwin_engine.core.registry.command_table import DENYOOM, KEY_READ, KEY_UPDATE, READONLY, WRITE, command
from cachetwin_engine.core.types.geohash import decode, distance, encode, geohash
from cachetwin_engine.core.types.sorted_sets.sorted_set import read_sorted_set

from .search import distance_reply, metres_in, parse_position, position_reply


@command(
    "GEOADD",
    summary="Add members with their coordinates.",
    arguments="key [condition=<NX | XX>@6.2.0] [change=CH@6.2.0] data=(longitude latitude member)...",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=KEY_UPDATE,
    group="geo",
    since="3.2.0",
    complexity="O(log(N))",
    history=[("6.2.0", "Added the `NX`, `XX` and `CH` options.")],
)
def geoadd(ctx: Context, args: list[bytes]) -> bytes:
    """GEOADD key [NX | XX] [CH] longitude latitude member [...]: the number of members added (with CH: or moved)."""
    first = 2
    options: set[bytes] = set()
    while first < len(args) and args[first].upper() in {b"NX", b"XX", b"CH"}:
        options.add(args[first].upper())
        first += 1
    if (len(args) - first) % 3 or (b"NX" in options and b"XX" in options):
        raise syntax_error()
    canonical = [b"ZADD", *args[1:first]]
    for at in range(first, len(args), 3):
        longitude, latitude = parse_position(args[at], args[at + 1], ctx.engine.profile)
        canonical.append(b"%d" % encode(longitude, latitude))
        canonical.append(args[at + 2])
    dirty = ctx.engine.dirty
    reply = zadd(ctx, canonical)
    if ctx.engine.dirty != dirty:
        ctx.propagate(canonical)
    return reply


@command(
    "GEOPOS",
    summary="Return the coordinates of members.",
    arguments="key [member...]",
    arity=-2,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="3.2.0",
)
def geopos(ctx: Context, args: list[bytes]) -> bytes:
    """GEOPOS key [member ...]: longitude and latitude, null for a missing member."""
    zset = read_sorted_set(ctx.db, args[1])
    replies: list[bytes] = []
    for member in args[2:]:
        score = None if zset is None else zset.score(member)
        if score is None:
            replies.append(ctx.null_array)
        else:
            longitude, latitude = decode(score)
            replies.append(position_reply(ctx, longitude, latitude))
    return array(replies)


@command(
    "GEOHASH",
    summary="Return the standard geohashes of members.",
    arguments="key [member...]",
    arity=-2,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="3.2.0",
)
def geohash_(ctx: Context, args: list[bytes]) -> bytes:
    """GEOHASH key [member ...]."""
    zset = read_sorted_set(ctx.db, args[1])
    replies: list[bytes] = []
    for member in args[2:]:
        score = None if zset is None else zset.score(member)
        if score is None:
            replies.append(ctx.null)
        else:
            longitude, latitude = decode(score)
            replies.append(bulk(geohash(longitude, latitude)))
    return array(replies)


@command(
    "GEODIST",
    summary="Return the distance between two members.",
    arguments="key member1 member2 [unit=<M | KM | FT | MI>]",
    arity=-4,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="3.2.0",
)
def geodist(ctx: Context, args: list[bytes]) -> bytes:
    """GEODIST key member1 member2 [M | KM | FT | MI]."""
    unit = 1.0
    if len(args) == 5:
        unit = metres_in(args[4])
    elif len(args) > 5:
        raise syntax_error()
    zset = read_sorted_set(ctx.db, args[1])
    if zset is None:
        return ctx.null
    one, other = zset.score(args[2]), zset.score(args[3])
    if one is None or other is None:
        return ctx.null
    longitude, latitude = decode(one)
    other_longitude, other_latitude = decode(other)
    return distance_reply(ctx, distance(longitude, latitude, other_longitude, other_latitude) / unit)
