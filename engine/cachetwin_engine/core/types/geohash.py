"""Places on Earth as 52-bit integers that keep neighbours together, and which of them a search has to look at.

The map (Web Mercator's latitudes) is cut into 2**step by 2**step cells; a cell's number interleaves the bits of its row
(even places) and its column (odd places), so the cells inside a larger cell are one unbroken range. A member's score is
its cell at step 26. A search takes the cell around the centre that is about as large as the shape, and those of its
eight neighbours that the shape reaches. Distances: haversine on a sphere. All numbers are those of Valkey's geohash
library, operation by operation, since replies show the digits.
"""

from math import asin, atan2, cos, isfinite, nan, pi, sin, sqrt
from typing import Final

from mypy_extensions import i64

LONGITUDE_MAX: Final = 180.0
LATITUDE_MAX: Final = 85.05112878
_MIDDLE_LATITUDE_MAX: Final = 85.05112877  # in the last row of cells
STEPS: Final = 26
EARTH_RADIUS_M: Final = 6372797.560856  # quadratic mean of WGS-84
_MERCATOR_MAX: Final = 20037726.37
_RADIAN: Final = pi / 180.0
_ALPHABET: Final = b"0123456789bcdefghjkmnpqrstuvwxyz"

_CENTRE_FIRST: Final = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)]


class Shape:
    """A circle, or a box whose sides keep their direction, around a place; or a polygon, whose middle is its corners'.

    Lengths in ``unit_m`` metres.
    """

    def __init__(self) -> None:
        self.longitude = 0.0
        self.latitude = 0.0
        self.unit_m = 1.0
        self.is_box = False
        self.radius = 0.0
        self.width = 0.0
        self.height = 0.0
        self.corners: list[tuple[float, float]] = []  # longitude and latitude; none unless a polygon

    def become_polygon(self, corners: list[tuple[float, float]]) -> None:
        """Be the polygon with these corners; distances are in metres from the middle of the corners on the sphere."""
        self.corners = corners
        self.unit_m = 1.0
        x = y = z = 0.0
        for longitude, latitude in corners:
            east, north = longitude * _RADIAN, latitude * _RADIAN
            x += cos(north) * cos(east)
            y += cos(north) * sin(east)
            z += sin(north)
        self.longitude = atan2(y, x) / _RADIAN
        self.latitude = atan2(z, sqrt(x * x + y * y)) / _RADIAN

    def distance_within(self, longitude: float, latitude: float) -> float:
        """Metres from the centre to a place inside, -1 for a place outside."""
        if self.corners:
            if not _is_inside(self.corners, longitude, latitude):
                return -1.0
            return distance(self.longitude, self.latitude, longitude, latitude)
        if self.is_box:
            if _north_south(latitude, self.latitude) > self.height * self.unit_m / 2:
                return -1.0
            if distance(longitude, latitude, self.longitude, latitude) > self.width * self.unit_m / 2:
                return -1.0
            return distance(self.longitude, self.latitude, longitude, latitude)
        metres = distance(self.longitude, self.latitude, longitude, latitude)
        return -1.0 if metres > self.radius * self.unit_m else metres


def encode(longitude: float, latitude: float) -> int:
    """The 52-bit number of a place."""
    return _interleaved(*_cell_of(longitude, latitude, STEPS))


def decode(score: float) -> tuple[float, float]:
    """Longitude and latitude of the middle of a cell of step 26."""
    bits = _bits_of(score)
    west, east = _column_edges(_squeezed(bits >> 1), STEPS)
    south, north = _row_edges(_squeezed(bits), STEPS)
    longitude = min(max((west + east) / 2, -LONGITUDE_MAX), LONGITUDE_MAX)
    return longitude, min(max((south + north) / 2, -LATITUDE_MAX), LATITUDE_MAX)


def _bits_of(score: float) -> i64:
    """A score as 64 bits. One that is no number of a place, which ZADD may bring, becomes what x86-64 makes of it in C."""
    if score >= 2.0**64 or score != score:  # noqa: PLR0124  (the test for NaN)
        return 0
    if score < -(2.0**63):
        score = -(2.0**63)
    elif score >= 2.0**63:
        score -= 2.0**64
    return int(score)


def geohash(longitude: float, latitude: float) -> bytes:
    """The standard geohash of a place, 11 characters; the last is always 0, since 52 bits make only 10."""
    scale = 1 << STEPS
    bits = _interleaved(int((longitude + 180) / 360 * scale), int((latitude + 90) / 180 * scale))
    return bytes([_ALPHABET[(bits >> (52 - 5 * (at + 1))) & 31] for at in range(10)]) + b"0"


def distance(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """Metres along a great circle (haversine)."""
    v = sin((other_longitude * _RADIAN - longitude * _RADIAN) / 2)
    if v == 0.0:
        return _north_south(latitude, other_latitude)
    one = latitude * _RADIAN
    other = other_latitude * _RADIAN
    u = sin((other - one) / 2)
    return 2.0 * EARTH_RADIUS_M * asin(sqrt(u * u + cos(one) * cos(other) * v * v))


def search_ranges(shape: Shape) -> list[tuple[float, float]]:
    """Ranges of scores, the second end not included, that hold every place inside ``shape``."""
    west, south, east, north = _bounds(shape)
    step = _step_for(shape)
    latitude = shape.latitude
    if shape.corners:  # the middle of these may be beyond the map
        latitude = min(max(latitude, -_MIDDLE_LATITUDE_MAX), _MIDDLE_LATITUDE_MAX)
    column, row = _cell_of(shape.longitude, latitude, step)
    if step > 1 and not _reaches(column, row, step, west, south, east, north):
        step -= 1
        column, row = _cell_of(shape.longitude, latitude, step)
    cell_west, cell_east = _column_edges(column, step)
    cell_south, cell_north = _row_edges(row, step)
    ranges: list[tuple[float, float]] = []
    last = -1
    for at, (to_east, to_north) in enumerate(_CENTRE_FIRST):
        if step >= 2 and (
            (to_north < 0 and cell_south < south)
            or (to_north > 0 and cell_north > north)
            or (to_east < 0 and cell_west < west)
            or (to_east > 0 and cell_east > east)
        ):
            continue
        cell = _interleaved(_moved(column, to_east, step), _moved(row, to_north, step))
        if at > 0 and cell == last:
            continue  # the whole map is so few cells that neighbours meet
        shift = 2 * (STEPS - step)
        ranges.append((float(cell << shift), float((cell + 1) << shift)))
        if at > 0:
            last = cell
    return ranges


def _north_south(latitude: float, other_latitude: float) -> float:
    """Metres along a meridian."""
    return EARTH_RADIUS_M * abs(other_latitude * _RADIAN - latitude * _RADIAN)


def _bounds(shape: Shape) -> tuple[float, float, float, float]:
    """West, south, east and north end of ``shape``; the meridians are those of the end nearer to a pole."""
    if shape.corners:
        longitudes = [corner[0] for corner in shape.corners]
        latitudes = [corner[1] for corner in shape.corners]
        return min(longitudes), min(latitudes), max(longitudes), max(latitudes)
    height = shape.unit_m * (shape.height / 2 if shape.is_box else shape.radius)
    width = shape.unit_m * (shape.width / 2 if shape.is_box else shape.radius)
    up = height / EARTH_RADIUS_M / _RADIAN
    edge = shape.latitude - up if shape.latitude < 0 else shape.latitude + up
    aside = width / EARTH_RADIUS_M / cos(edge * _RADIAN) / _RADIAN if isfinite(edge) else nan
    return shape.longitude - aside, shape.latitude - up, shape.longitude + aside, shape.latitude + up


def _is_inside(corners: list[tuple[float, float]], longitude: float, latitude: float) -> bool:
    """Whether the place is inside: a ray to the east crosses the polygon's border an odd number of times."""
    inside = False
    x, y = corners[-1]
    for next_x, next_y in corners:
        if (next_y > latitude) != (y > latitude) and longitude < (x - next_x) * (latitude - next_y) / (
            y - next_y
        ) + next_x:
            inside = not inside
        x, y = next_x, next_y
    return inside


def _reach(shape: Shape) -> float:
    """Metres from a polygon's centre to the farthest corner of what bounds it."""
    west, south, east, north = _bounds(shape)
    farthest = 0.0
    for x, y in ((west, north), (east, north), (west, south), (east, south)):
        farthest = max(farthest, distance(shape.longitude, shape.latitude, x, y))
    return farthest


def _step_for(shape: Shape) -> int:
    """The step whose cells are about as large as ``shape``; wider ones towards the poles."""
    metres = shape.radius
    if shape.is_box:
        metres = sqrt((shape.width / 2) * (shape.width / 2) + (shape.height / 2) * (shape.height / 2))
    if shape.corners:
        metres = _reach(shape)
    metres *= shape.unit_m
    if metres == 0:
        return STEPS
    step = 1
    while metres < _MERCATOR_MAX:
        metres *= 2
        step += 1
    step -= 2
    if abs(shape.latitude) > 66:
        step -= 1
        if abs(shape.latitude) > 80:
            step -= 1
    return min(max(step, 1), STEPS)


def _reaches(column: int, row: int, step: int, west: float, south: float, east: float, north: float) -> bool:
    """Whether a cell and its neighbours cover these bounds."""
    return (
        _row_edges(_moved(row, 1, step), step)[1] >= north
        and _row_edges(_moved(row, -1, step), step)[0] <= south
        and _column_edges(_moved(column, 1, step), step)[1] >= east
        and _column_edges(_moved(column, -1, step), step)[0] <= west
    )


def _moved(place: int, by: int, step: int) -> int:
    """The column or row ``by`` cells away; the map is round in both directions."""
    return (place + by) & ((1 << step) - 1) if by else place


def _cell_of(longitude: float, latitude: float, step: int) -> tuple[int, int]:
    """Column and row of the cell that holds a place."""
    scale = float(1 << step)
    column = (longitude + LONGITUDE_MAX) / (2 * LONGITUDE_MAX) * scale
    row = (latitude + LATITUDE_MAX) / (2 * LATITUDE_MAX) * scale
    return int(column), int(row)


def _column_edges(column: int, step: int) -> tuple[float, float]:
    scale = float(1 << step)
    width = 2 * LONGITUDE_MAX
    return -LONGITUDE_MAX + (column / scale) * width, -LONGITUDE_MAX + ((column + 1) / scale) * width


def _row_edges(row: int, step: int) -> tuple[float, float]:
    scale = float(1 << step)
    height = 2 * LATITUDE_MAX
    return -LATITUDE_MAX + (row / scale) * height, -LATITUDE_MAX + ((row + 1) / scale) * height


def _interleaved(column: int, row: int) -> int:
    return _spread(row) | (_spread(column) << 1)


def _spread(value: i64) -> i64:
    """The low 32 bits of ``value`` in the even places."""
    v: i64 = value & 0xFFFFFFFF
    v = (v | (v << 16)) & 0x0000FFFF0000FFFF
    v = (v | (v << 8)) & 0x00FF00FF00FF00FF
    v = (v | (v << 4)) & 0x0F0F0F0F0F0F0F0F
    v = (v | (v << 2)) & 0x3333333333333333
    return (v | (v << 1)) & 0x5555555555555555


def _squeezed(value: i64) -> i64:
    """The bits in the even places of ``value``."""
    v: i64 = value & 0x5555555555555555
    v = (v | (v >> 1)) & 0x3333333333333333
    v = (v | (v >> 2)) & 0x0F0F0F0F0F0F0F0F
    v = (v | (v >> 4)) & 0x00FF00FF00FF00FF
    v = (v | (v >> 8)) & 0x0000FFFF0000FFFF
    return (v | (v >> 16)) & 0xFFFFFFFF
