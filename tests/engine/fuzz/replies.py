"""A strict reader of replies: what comes back must be whole RESP values and nothing else."""

MAPS = b"%"
SIMPLE = b"+-:,(#"
BULKS = b"$=!"
ARRAYS = b"*~>"


def end_of_value(data: bytes, at: int, *, resp3: bool) -> int:
    """Where the value that begins at ``at`` ends. Raises ValueError if it is no value of that protocol."""
    line_end = data.find(b"\r\n", at)
    if line_end < 0:
        raise ValueError(f"no line end behind {data[at : at + 40]!r}")
    kind, text = data[at : at + 1], data[at + 1 : line_end]
    behind = line_end + 2
    if not resp3 and kind in (b"%", b"~", b",", b"#", b"_", b"=", b"(", b">", b"!"):
        raise ValueError(f"{kind!r} is of RESP3: {data[at : at + 40]!r}")
    if kind == b"_":
        if text:
            raise ValueError(f"a null with text {text!r}")
        return behind
    if kind in SIMPLE:
        _check_simple(kind, text)
        return behind
    size = int(text)
    if kind in BULKS:
        return _end_of_bulk(data, behind, size, resp3=resp3)
    if kind in ARRAYS or kind == MAPS:
        if size < 0:
            if size != -1 or resp3:
                raise ValueError(f"a null array in RESP3 or of size {size}")
            return behind
        for _ in range(size * 2 if kind == MAPS else size):
            behind = end_of_value(data, behind, resp3=resp3)
        return behind
    raise ValueError(f"no kind of value: {data[at : at + 40]!r}")


def _check_simple(kind: bytes, text: bytes) -> None:
    if kind == b":":
        if not -(2**63) <= int(text) < 2**63 or text != b"%d" % int(text):
            raise ValueError(f"an integer that is none: {text[:40]!r}")
    elif kind == b",":
        float(text)
    elif kind == b"#" and text not in (b"t", b"f"):
        raise ValueError(f"a boolean that is none: {text[:40]!r}")
    elif kind == b"-" and not text:
        raise ValueError("an error without a word")


def _end_of_bulk(data: bytes, at: int, size: int, *, resp3: bool) -> int:
    if size < 0:
        if size != -1 or resp3:
            raise ValueError(f"a null bulk string in RESP3 or of size {size}")
        return at
    if data[at + size : at + size + 2] != b"\r\n":
        raise ValueError(f"a bulk string of {size} bytes does not end: {data[at : at + 40]!r}")
    return at + size + 2


def values_in(data: bytes, *, resp3: bool) -> list[bytes]:
    """The values of ``data``, encoded; pushed ones count as well. Raises ValueError."""
    found = []
    at = 0
    while at < len(data):
        end = end_of_value(data, at, resp3=resp3)
        found.append(data[at:end])
        at = end
    return found


def elements(array: bytes) -> list[bytes]:
    """The elements of an array or a set, or the keys and values of a map in turn, encoded."""
    return values_in(array[array.index(b"\r\n") + 2 :], resp3=True)


def text_of(bulk: bytes) -> bytes:
    """What a bulk string holds."""
    return bulk[bulk.index(b"\r\n") + 2 : -2]
