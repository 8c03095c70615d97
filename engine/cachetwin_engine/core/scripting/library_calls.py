"""What the Lua sides of ``struct``, ``bit`` and ``cmsgpack`` call in Python.

``Any`` is let in here as in ``machine``: what scripts hand over is checked in these functions.
"""

import struct
from typing import Any

from . import bit_library, struct_library


def pack_int64(number: float) -> bytes:
    """A whole number in the eight bytes of MessagePack's 64-bit integers."""
    return (int(number) & (1 << 64) - 1).to_bytes(8, "big")


def pack_float(number: float) -> bytes:
    """A number in MessagePack's shortest form that keeps it: single or double precision."""
    value = float(number)
    try:
        short = struct.pack(">f", value)
    except OverflowError:
        return b"\xcb" + struct.pack(">d", value)
    exact: float = struct.unpack(">f", short)[0]
    return b"\xca" + short if exact == value else b"\xcb" + struct.pack(">d", value)


def unpack_float(data: bytes) -> float:
    """The number in four or eight bytes."""
    value: float = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
    return value


def struct_pack(format_text: Any = None, *values: Any) -> tuple[bool, bytes]:  # noqa: ANN401  (from Lua)
    """``struct.pack``: true and the bytes, or false and what is wrong."""
    try:
        return True, struct_library.pack(_format(format_text), list(values))
    except ValueError as problem:
        return False, str(problem).encode()


def struct_unpack(format_text: Any = None, data: Any = None, start: Any = 1) -> tuple[Any, ...]:  # noqa: ANN401  (from Lua)
    """``struct.unpack``: true and the values, or false and what is wrong."""
    try:
        if not isinstance(data, bytes):
            raise ValueError("bad argument #2 to 'unpack' (string expected)")
        return (True, *struct_library.unpack(_format(format_text), data, int(start)))
    except ValueError as problem:
        return False, str(problem).encode()


def struct_size(format_text: Any = None) -> tuple[bool, bytes | int]:  # noqa: ANN401  (from Lua)
    """``struct.size``: true and the size, or false and what is wrong."""
    try:
        return True, struct_library.size_of(_format(format_text))
    except ValueError as problem:
        return False, str(problem).encode()


def _format(value: Any) -> bytes:  # noqa: ANN401  (from Lua)
    if not isinstance(value, bytes):
        raise ValueError("bad argument #1 (string expected)")
    return value


def bit(name: bytes, *values: float) -> int | bytes:
    """A function of ``bit`` by its name."""
    return bit_library.operate(name.decode(), list(values))
