"""Bytes as people read them: quoted, with escapes (sds.c, sdscatrepr)."""

from typing import Final

_ESCAPES: Final[dict[int, bytes]] = {
    92: b"\\\\", 34: b'\\"', 10: b"\\n", 13: b"\\r", 9: b"\\t", 7: b"\\a", 8: b"\\b",
}  # fmt: skip


def quoted(text: bytes) -> bytes:
    """``text`` in double quotes; what does not print as an escape or ``\\x00``."""
    parts = [b'"']
    for byte in text:
        escape = _ESCAPES.get(byte)
        if escape is not None:
            parts.append(escape)
        elif 32 <= byte < 127:
            parts.append(b"%c" % byte)
        else:
            parts.append(b"\\x%02x" % byte)
    parts.append(b'"')
    return b"".join(parts)
