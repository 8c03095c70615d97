"""LZF, the light compression of long strings: literal runs, and copies of what came up to 8 KiB before."""

from typing import Final

from .packed import BadData

_DISTANCE_MAX: Final = 1 << 13
_COPY_MAX: Final = 264
_LITERALS_MAX: Final = 32


def decompress(data: bytes, size: int) -> bytes:
    """The ``size`` bytes that ``data`` stands for. Raises BadData."""
    out = bytearray()
    at = 0
    end = len(data)
    while at < end:
        control = data[at]
        at += 1
        if control < _LITERALS_MAX:
            if at + control + 1 > end:
                raise BadData("compressed data ends early")
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if at + (2 if length == 7 else 1) > end:
            raise BadData("compressed data ends early")
        if length == 7:
            length += data[at]
            at += 1
        start = len(out) - ((control & 0x1F) << 8 | data[at]) - 1
        at += 1
        length += 2
        if start < 0 or len(out) + length > size:
            raise BadData("compressed data points outside")
        chunk = out[start : start + length]
        while len(chunk) < length:  # the copy overlaps what it makes: a pattern repeats
            chunk += chunk[: length - len(chunk)]
        out += chunk
    if len(out) != size:
        raise BadData("compressed data has another size than it says")
    return bytes(out)


def compress(data: bytes) -> bytes | None:
    """A shorter form of ``data``, None if there is none."""
    seen: dict[bytes, int] = {}
    out = bytearray()
    literals = 0  # where the literals begin that are not written yet
    at = 0
    end = len(data)
    while at + 3 <= end:
        triple = data[at : at + 3]
        before = seen.get(triple, -1)
        seen[triple] = at
        distance = at - before - 1
        if before < 0 or distance >= _DISTANCE_MAX:
            at += 1
            continue
        length = 3
        longest = min(_COPY_MAX, end - at)
        while length < longest and data[before + length] == data[at + length]:
            length += 1
        _write_literals(out, data, literals, at)
        code = length - 2
        if code < 7:
            out.append(code << 5 | distance >> 8)
        else:
            out.append(7 << 5 | distance >> 8)
            out.append(code - 7)
        out.append(distance & 0xFF)
        at += length
        literals = at
        if len(out) >= end:
            return None
    _write_literals(out, data, literals, end)
    return bytes(out) if len(out) < end - 4 else None


def _write_literals(out: bytearray, data: bytes, start: int, stop: int) -> None:
    while start < stop:
        size = min(_LITERALS_MAX, stop - start)
        out.append(size - 1)
        out += data[start : start + size]
        start += size
