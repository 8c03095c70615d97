"""Base64 of binary keys, as lax as memcached's decoder: bytes outside of the alphabet are skipped, whole groups count."""

from binascii import a2b_base64, b2a_base64
from typing import Final

_ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def encoded(key: bytes) -> bytes:
    """The key on the wire."""
    return b2a_base64(key, newline=False)


def decoded(word: bytes) -> bytes:
    """The key that ``word`` stands for; empty where it cannot be decoded."""
    kept = bytes([byte for byte in word if byte in _ALPHABET])
    if not kept or len(kept) % 4:
        return b""
    end = kept.find(b"=")
    if end >= 0:
        begin = end - end % 4  # the group with the padding is the last that is read
        group = kept[begin : begin + 4]
        padding = group.count(b"=")
        if padding > 2:
            return b""
        filled = a2b_base64(group.replace(b"=", b"A"))
        head = a2b_base64(kept[:begin]) if begin else b""
        return head + filled[: 3 - padding]
    return a2b_base64(kept)
