"""Places: sorted sets whose scores are 52-bit geohashes. See ``core.geohash`` for how they are found."""

from typing import Final

from cachetwin_engine.core.config.profile import Profile
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import CRLF, EMPTY_ARRAY, array, array_header, bulk, integer
from cachetwin_engine.core.registry.command_table import (
    DENYOOM,
    KEY_READ,
    KEY_UPDATE,
    MOVABLE_KEYS,
    READONLY,
    WRITE,
    KeySpec,
    command,
)
from cachetwin_engine.core.text.numbers import float_or_none, parse_float, parse_int, parse_int_or
from cachetwin_engine.core.types.geohash import (
    LATITUDE_MAX,
    LONGITUDE_MAX,
    Shape,
    decode,
    distance,
    encode,
    geohash,
    search_ranges,
)
from cachetwin_engine.core.types.sorted_set import SortedSet, read_sorted_set

from .sorted_sets.members import zadd
from .sorted_sets.ranges import store_result

_UNITS: Final = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}
_ANY_ORDER: Final = 0
_ASCENDING: Final = 1
_DESCENDING: Final = 2


class Found:
    """A member inside the shape."""

    def __init__(self, member: bytes, score: float, longitude: float, latitude: float, metres: float) -> None:
        self.member = member
        self.score = score
        self.longitude = longitude
        self.latitude = latitude
        self.metres = metres


class Search:
    """What a searching command asks for."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.shape = Shape()
        self.with_distance = False
        self.with_hash = False
        self.with_place = False
        self.count = 0  # 0: all
        self.any = False
        self.order = _ANY_ORDER
        self.store: bytes | None = None
        self.store_distance = False
        self.has_centre = False
        self.from_place = False
        self.has_size = False

    def read_centre(self, longitude: bytes, latitude: bytes) -> None:
        """Search around a place. Raises CommandError."""
        self.shape.longitude, self.shape.latitude = _place(longitude, latitude, self.profile)

    def read_member(self, zset: SortedSet, member: bytes) -> None:
        """Search around a member. Raises CommandError."""
        score = zset.score(member)
        if score is None:
            if self.profile.is_valkey_from(9, 0):
                raise CommandError(b"ERR member " + member + b" does not exist")
            raise CommandError(b"ERR could not decode requested zset member")
        self.shape.longitude, self.shape.latitude = decode(score)

    def read_radius(self, radius: bytes, unit: bytes) -> None:
        """Search a circle. Raises CommandError."""
        value = float_or_none(radius, self.profile.hexadecimal_doubles)
        if value is None:
            raise CommandError(b"ERR need numeric radius")
        if value < 0:
            raise CommandError(b"ERR radius cannot be negative")
        self.shape.radius = value
        self.shape.unit_m = _unit(unit)

    def read_box(self, width: bytes, height: bytes, unit: bytes) -> None:
        """Search a box. Raises CommandError."""
        w = float_or_none(width, self.profile.hexadecimal_doubles)
        if w is None:
            raise CommandError(b"ERR need numeric width")
        h = float_or_none(height, self.profile.hexadecimal_doubles)
        if h is None:
            raise CommandError(b"ERR need numeric height")
        if w < 0 or h < 0:
            raise CommandError(b"ERR height or width cannot be negative")
        self.shape.is_box = True
        self.shape.width = w
        self.shape.height = h
        self.shape.unit_m = _unit(unit)

    def may_be_polygon(self) -> bool:
        """Does this version know polygons, and was no other centre or size given?"""
        unset = not (self.has_centre or self.has_size)
        return self.profile.is_valkey_from(9, 0) and (unset or len(self.shape.corners) > 0)

    def read_polygon(self, count: bytes, words: list[bytes]) -> int:
        """Search a polygon, whose corners ``words`` begin with; how many words they take. Raises CommandError."""
        corners = parse_int_or(count, b"ERR invalid number of vertices")
        if not -(2**31) <= corners < 2**31:
            raise CommandError(b"ERR invalid number of vertices")
        if corners < 3 or len(words) // 2 < corners:
            raise CommandError(b"ERR GEOSEARCH BYPOLYGON must have at least 3 vertices")
        places = [_place(words[2 * at], words[2 * at + 1], self.profile) for at in range(corners)]
        self.shape.become_polygon(places)
        return 2 * corners


def _place(longitude: bytes, latitude: bytes, profile: Profile) -> tuple[float, float]:
    x = parse_float(longitude, profile.hexadecimal_doubles)
    y = parse_float(latitude, profile.hexadecimal_doubles)
    if not (-LONGITUDE_MAX <= x <= LONGITUDE_MAX and -LATITUDE_MAX <= y <= LATITUDE_MAX):
        raise CommandError(b"ERR invalid longitude,latitude pair %f,%f" % (x, y))
    return x, y


def _unit(name: bytes) -> float:
    """Metres in the unit ``name``. Raises CommandError."""
    metres = _UNITS.get(name.upper())
    if metres is None:
        raise CommandError(b"ERR unsupported unit provided. please use M, KM, FT, MI")
    return metres


@command(
    "GEOADD",
    summary="Add places.",
    arguments="key [condition=<NX | XX>@6.2.0] [change=CH@6.2.0] data=(longitude latitude member)...",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=KEY_UPDATE,
    group="geo",
    since="3.2.0",
    complexity="O(log(N))",
    history=[("6.2.0", "`NX`, `XX` and `CH` came.")],
)
def geoadd(ctx: Context, args: list[bytes]) -> bytes:
    """GEOADD key [NX | XX] [CH] longitude latitude member [...]: how many were added (CH: or moved)."""
    first = 2
    options: set[bytes] = set()
    while first < len(args) and args[first].upper() in {b"NX", b"XX", b"CH"}:
        options.add(args[first].upper())
        first += 1
    if (len(args) - first) % 3 or (b"NX" in options and b"XX" in options):
        raise syntax_error()
    canonical = [b"ZADD", *args[1:first]]
    for at in range(first, len(args), 3):
        longitude, latitude = _place(args[at], args[at + 1], ctx.engine.profile)
        canonical.append(b"%d" % encode(longitude, latitude))
        canonical.append(args[at + 2])
    dirty = ctx.engine.dirty
    reply = zadd(ctx, canonical)
    if ctx.engine.dirty != dirty:
        ctx.propagate(canonical)
    return reply


@command(
    "GEOPOS",
    summary="Get the places of members.",
    arguments="key [member...]",
    arity=-2,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="3.2.0",
)
def geopos(ctx: Context, args: list[bytes]) -> bytes:
    """GEOPOS key [member ...]: longitude and latitude, null for no member."""
    zset = read_sorted_set(ctx.db, args[1])
    replies: list[bytes] = []
    for member in args[2:]:
        score = None if zset is None else zset.score(member)
        if score is None:
            replies.append(ctx.null_array)
        else:
            longitude, latitude = decode(score)
            replies.append(_place_reply(ctx, longitude, latitude))
    return array(replies)


@command(
    "GEOHASH",
    summary="Get the standard geohashes of members.",
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
    summary="Get the distance between two members.",
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
        unit = _unit(args[4])
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
    return _distance_reply(ctx, distance(longitude, latitude, other_longitude, other_latitude) / unit)


def _place_reply(ctx: Context, longitude: float, latitude: float) -> bytes:
    parts = [array_header(2)]
    for degrees in (longitude, latitude):
        text = (b"%.17f" % degrees).rstrip(b"0").rstrip(b".")
        parts.append(b"," + text + CRLF if ctx.resp3 else bulk(text))
    return b"".join(parts)


def _distance_reply(ctx: Context, length: float) -> bytes:
    """Four digits behind the point; since 7.2 rounded as an integer number of ten thousandths."""
    if not ctx.engine.profile.shortest_doubles:
        return bulk(b"%.4f" % length)
    scaled = round(length * 10000.0)
    return bulk(b"%d.%04d" % (scaled // 10000, scaled % 10000))


_GEORADIUS_ARGUMENTS: Final = (
    "key longitude latitude radius unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] "
    "[count-block=(COUNT count [ANY@6.2.0])] [order=<ASC | DESC>] "
    "[store=<STORE storekey:key{key} | STOREDIST storedistkey:key{key}>]"
)


@command(
    "GEORADIUS",
    summary="Find the members within a distance of a place, and maybe store them.",
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
    history=[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
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
    summary="Find the members within a distance of a place.",
    arguments=_GEORADIUS_RO_ARGUMENTS,
    arity=-6,
    flags=READONLY,
    keys=KEY_READ,
    group="geo",
    since="3.2.10",
    deprecated="6.2.0|`GEOSEARCH` with the `BYRADIUS` argument",
    complexity="O(N+log(M))",
    history=[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
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
    return _answer(ctx, search, zset, b"georadiusstore")


_GEORADIUSBYMEMBER_ARGUMENTS: Final = (
    "key member radius unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [count-block=(COUNT count [ANY])] "
    "[order=<ASC | DESC>] [store=<STORE storekey:key{key} | STOREDIST storedistkey:key{key}>]"
)


@command(
    "GEORADIUSBYMEMBER",
    summary="Find the members within a distance of a member, and maybe store them.",
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
    history=[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
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
    history=[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
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
    return _answer(ctx, search, zset, b"georadiusstore")


def _read_options(search: Search, args: list[bytes], at: int, may_store: bool) -> None:
    """The options of the commands from before GEOSEARCH."""
    while at < len(args):
        used = _read_common(search, args, at)
        if used == 0:
            word = args[at].upper()
            if not may_store or at + 1 == len(args) or word not in {b"STORE", b"STOREDIST"}:
                raise syntax_error()
            search.store = args[at + 1]
            search.store_distance = word == b"STOREDIST"
            used = 2
        at += used
    _check(search, b"STORE option in GEORADIUS")


def _read_common(search: Search, args: list[bytes], at: int) -> int:
    """Read an option that every search has; how many arguments it takes, 0 if it is another one."""
    word = args[at].upper()
    if word == b"WITHDIST":
        search.with_distance = True
    elif word == b"WITHHASH":
        search.with_hash = True
    elif word == b"WITHCOORD":
        search.with_place = True
    elif word == b"ANY":
        search.any = True
    elif word == b"ASC":
        search.order = _ASCENDING
    elif word == b"DESC":
        search.order = _DESCENDING
    elif word == b"COUNT" and at + 1 < len(args):
        search.count = parse_int(args[at + 1])
        if search.count <= 0:
            raise CommandError(b"ERR COUNT must be > 0")
        return 2
    else:
        return 0
    return 1


def _check(search: Search, storing: bytes) -> None:
    """Raises CommandError for options that do not go together."""
    if search.store is not None and (search.with_distance or search.with_hash or search.with_place):
        raise CommandError(b"ERR " + storing + b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options")


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
    history=[("7.0.0", "Units may be in capitals."), ("9.0.0", "Polygons.")],
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
    summary="Find the members inside a circle, a box or a polygon and store them.",
    arguments=_GEOSEARCHSTORE_ARGUMENTS,
    arity=-8,
    flags=WRITE | DENYOOM,
    keys=[KeySpec("OW", "update"), KeySpec("RO", "access", index=2)],
    group="geo",
    since="6.2.0",
    complexity="O(N+log(M))",
    history=[("7.0.0", "Units may be in capitals."), ("9.0.0", "Polygons.")],
)
def geosearchstore(ctx: Context, args: list[bytes]) -> bytes:
    """GEOSEARCHSTORE destination source <FROMMEMBER ... | FROMLONLAT ...> <BYRADIUS ... | BYBOX ...> [...]."""
    return _geosearch(ctx, args, 2)


def _geosearch(ctx: Context, args: list[bytes], source: int) -> bytes:
    """``source`` is the place of the key that is searched; 2 when the result is stored under argument 1."""
    zset = read_sorted_set(ctx.db, args[source])
    search = Search(ctx.engine.profile)
    if source == 2:
        search.store = args[1]
    at = source + 1
    while at < len(args):
        used = _read_common(search, args, at)
        if used == 0 and source == 2 and args[at].upper() == b"STOREDIST":
            search.store_distance = True
            used = 1
        if used == 0:
            used = _read_shape(search, zset, args, at)
        at += used
    _check(search, b"GEOSEARCHSTORE")
    if not search.has_centre:
        raise CommandError(b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + args[0])
    if not search.has_size:
        sizes = b"BYRADIUS, BYBOX and BYPOLYGON" if ctx.engine.profile.is_valkey_from(9, 0) else b"BYRADIUS and BYBOX"
        raise CommandError(b"ERR exactly one of " + sizes + b" can be specified for " + args[0])
    return _answer(ctx, search, zset, b"geosearchstore")


def _read_shape(search: Search, zset: SortedSet | None, args: list[bytes], at: int) -> int:
    """Read centre or size; how many arguments it takes. A polygon is both. Raises CommandError."""
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


def _answer(ctx: Context, search: Search, zset: SortedSet | None, event: bytes) -> bytes:
    """Search, and reply or store."""
    if search.any and not search.count:
        raise CommandError(b"ERR the ANY argument requires COUNT argument")
    found = [] if zset is None else _find(search, zset)
    if search.store is None:
        return _found_reply(ctx, search, found) if found else EMPTY_ARRAY
    scores: dict[bytes, float] = {}
    for item in found:
        scores[item.member] = item.metres / search.shape.unit_m if search.store_distance else item.score
    return store_result(ctx, search.store, scores, event)


def _find(search: Search, zset: SortedSet) -> list[Found]:
    """The members inside the shape, ordered and counted as asked. A count without ANY means the nearest."""
    found: list[Found] = []
    enough = search.count if search.any else 0
    for low, high in search_ranges(search.shape):
        start, stop = zset.rank_of_score(low, after=False), zset.rank_of_score(high, after=False)
        members, scores = zset.range(start, stop)
        for at, member in enumerate(members):
            score = scores[at]
            longitude, latitude = decode(score)
            metres = search.shape.distance_within(longitude, latitude)
            if metres >= 0:
                found.append(Found(member, score, longitude, latitude, metres))
                if len(found) == enough:
                    break
        if enough and len(found) >= enough:
            break
    if search.order == _DESCENDING:
        found.sort(key=_farness)
    elif search.order == _ASCENDING or (search.count and not search.any):
        found.sort(key=_nearness)
    return found[: search.count] if search.count else found


def _nearness(item: Found) -> float:
    return item.metres


def _farness(item: Found) -> float:
    return -item.metres


def _found_reply(ctx: Context, search: Search, found: list[Found]) -> bytes:
    more = int(search.with_distance) + int(search.with_hash) + int(search.with_place)
    parts = [array_header(len(found))]
    for item in found:
        if more:
            parts.append(array_header(more + 1))
        parts.append(bulk(item.member))
        if search.with_distance:
            parts.append(_distance_reply(ctx, item.metres / search.shape.unit_m))
        if search.with_hash:
            parts.append(integer(int(item.score)))
        if search.with_place:
            parts.append(_place_reply(ctx, item.longitude, item.latitude))
    return b"".join(parts)
