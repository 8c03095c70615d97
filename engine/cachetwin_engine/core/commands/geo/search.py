"""Searches in a geo index: their options, and how members are found."""

from typing import Final

from cachetwin_engine.core.commands.sorted_sets.ranges import store_result
from cachetwin_engine.core.config.profile import Profile
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import CRLF, EMPTY_ARRAY, array_header, bulk, integer
from cachetwin_engine.core.text.numbers import float_or_none, parse_float, parse_int, parse_int_or
from cachetwin_engine.core.types.geohash import LATITUDE_MAX, LONGITUDE_MAX, Shape, decode, search_ranges
from cachetwin_engine.core.types.sorted_sets.sorted_set import SortedSet

_UNITS: Final = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}
_PIECE_MEMBERS: Final = 64
_ANY_ORDER: Final = 0
_ASCENDING: Final = 1
_DESCENDING: Final = 2


class Found:
    """A member that a search found."""

    def __init__(self, member: bytes, score: float, longitude: float, latitude: float, metres: float) -> None:
        self.member = member
        self.score = score
        self.longitude = longitude
        self.latitude = latitude
        self.metres = metres


class Search:
    """The shape and the options of a search."""

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
        """Search around a position. Raises CommandError."""
        self.shape.longitude, self.shape.latitude = parse_position(longitude, latitude, self.profile)

    def read_member(self, zset: SortedSet, member: bytes) -> None:
        """Search around a member. Raises CommandError."""
        score = zset.score(member)
        if score is None:
            if self.profile.names_missing_geo_member:
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
        self.shape.unit_m = metres_in(unit)

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
        self.shape.unit_m = metres_in(unit)

    def may_be_polygon(self) -> bool:
        """Whether the version has polygons and no other centre or size was given."""
        unset = not (self.has_centre or self.has_size)
        return self.profile.has_geo_polygons and (unset or len(self.shape.corners) > 0)

    def read_polygon(self, count: bytes, words: list[bytes]) -> int:
        """Search a polygon, whose corners ``words`` begin with; the number of words read. Raises CommandError."""
        corners = parse_int_or(count, b"ERR invalid number of vertices")
        if not -(2**31) <= corners < 2**31:
            raise CommandError(b"ERR invalid number of vertices")
        if corners < 3 or len(words) // 2 < corners:
            raise CommandError(b"ERR GEOSEARCH BYPOLYGON must have at least 3 vertices")
        places = [parse_position(words[2 * at], words[2 * at + 1], self.profile) for at in range(corners)]
        self.shape.become_polygon(places)
        return 2 * corners


def parse_position(longitude: bytes, latitude: bytes, profile: Profile) -> tuple[float, float]:
    """Longitude and latitude in degrees. Raises CommandError."""
    x = parse_float(longitude, profile.hexadecimal_doubles)
    y = parse_float(latitude, profile.hexadecimal_doubles)
    if not (-LONGITUDE_MAX <= x <= LONGITUDE_MAX and -LATITUDE_MAX <= y <= LATITUDE_MAX):
        raise CommandError(b"ERR invalid longitude,latitude pair %f,%f" % (x, y))
    return x, y


def metres_in(name: bytes) -> float:
    """Metres in the unit ``name``. Raises CommandError."""
    metres = _UNITS.get(name.upper())
    if metres is None:
        raise CommandError(b"ERR unsupported unit provided. please use M, KM, FT, MI")
    return metres


def position_reply(ctx: Context, longitude: float, latitude: float) -> bytes:
    """Longitude and latitude with up to 17 decimals."""
    parts = [array_header(2)]
    for degrees in (longitude, latitude):
        text = (b"%.17f" % degrees).rstrip(b"0").rstrip(b".")
        parts.append(b"," + text + CRLF if ctx.resp3 else bulk(text))
    return b"".join(parts)


def distance_reply(ctx: Context, length: float) -> bytes:
    """A distance with four decimals; since 7.2 it is rounded as an integer number of ten thousandths."""
    if not ctx.engine.profile.shortest_doubles:
        return bulk(b"%.4f" % length)
    scaled = round(length * 10000.0)
    return bulk(b"%d.%04d" % (scaled // 10000, scaled % 10000))


def read_common_option(search: Search, args: list[bytes], at: int) -> int:
    """Read an option that every search has; the number of its arguments, 0 for another option. Raises CommandError."""
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


def check_options(search: Search, storing: bytes) -> None:
    """Check the options together. Raises CommandError."""
    if search.store is not None and (search.with_distance or search.with_hash or search.with_place):
        raise CommandError(b"ERR " + storing + b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options")


def search_reply(ctx: Context, search: Search, zset: SortedSet | None, event: bytes) -> bytes:
    """Run the search; reply with the members or store them."""
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
    """The members inside the shape, in the requested order. A count without ANY returns the nearest ones."""
    found: list[Found] = []
    enough = search.count if search.any else 0
    for low, high in search_ranges(search.shape):
        start, stop = zset.rank_of_score(low, after=False), zset.rank_of_score(high, after=False)
        while start < stop:  # with ANY in pieces: a few members may be enough
            end = min(stop, start + _PIECE_MEMBERS) if enough else stop
            if _take_within(search.shape, zset, start, end, enough, found):
                return _ordered(search, found)
            start = end
    return _ordered(search, found)


def _take_within(shape: Shape, zset: SortedSet, start: int, stop: int, enough: int, found: list[Found]) -> bool:
    """Add the members between two ranks that are inside the shape; whether ``found`` has ``enough`` then (0: never)."""
    members, scores = zset.range(start, stop)
    for at, member in enumerate(members):
        score = scores[at]
        longitude, latitude = decode(score)
        metres = shape.distance_within(longitude, latitude)
        if metres >= 0:
            found.append(Found(member, score, longitude, latitude, metres))
            if len(found) == enough:
                return True
    return False


def _ordered(search: Search, found: list[Found]) -> list[Found]:
    """``found`` in the requested order, cut to the requested count."""
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
            parts.append(distance_reply(ctx, item.metres / search.shape.unit_m))
        if search.with_hash:
            parts.append(integer(int(item.score)))
        if search.with_place:
            parts.append(position_reply(ctx, item.longitude, item.latitude))
    return b"".join(parts)
