"""The answers to ``mg`` and ``ms`` in their plain forms, and what they share with the general ones."""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.memcached.items.item import BINARY_KEY, STALE, TOKEN_SENT, Item
from cachetwin_engine.memcached.items.store import SET, STORED, Store
from cachetwin_engine.memcached.meta_flags import shown_key
from cachetwin_engine.memcached.numbers import decimal
from cachetwin_engine.memcached.plain import PlainRequest, refusal

_BLANK: Final = 32
_SIZES: Final = 4096
_HEADS: Final[list[bytes]] = [b"VA %d" % size for size in range(_SIZES)]
"""How the answer with a value begins, by its size."""


def meta_value_reply(store: Store, request: PlainRequest) -> bytes:
    """The answer to an ``mg`` that was read whole."""
    store.counters.get_commands += 1
    item = store.get(request.key)
    if item is None:
        store.counters.get_misses += 1
        if request.is_quiet:
            return b""
        missing: list[bytes] = [b"EN"]
        _add_given(request.meta_flags, request.key, missing)
        missing.append(b"\r\n")
        return b"".join(missing)
    store.lru.lists[item.slot].hits += 1
    out: list[bytes] = [b"HD"]
    if request.shows_value:
        size: i64 = len(item.value)
        out[0] = _HEADS[size] if size < _SIZES else b"VA " + decimal(size)
    if len(request.meta_flags) > 2 or not request.shows_value:
        _add_shown(request.meta_flags, item, store.now, out)
    add_token(item, False, out)
    if request.shows_value:
        out.append(item.value)
        out.append(b"\r\n")
    return b"".join(out)


def meta_store_reply(store: Store, request: PlainRequest) -> bytes:
    """Store the value of an ``ms`` that was read whole, and the answer to that."""
    size: i64 = len(request.value)
    exptime = store.expiry(request.exptime)
    if store.store(request.key, request.value, request.flags, exptime, SET, 0, 0, False) != STORED:
        return refusal(store, request.key, request.flags, size, SET)
    if request.is_quiet:
        return b""
    stored = store.stored
    if not request.meta_flags or stored is None:
        return b"HD\r\n"
    out: list[bytes] = [b"HD"]
    _add_shown(request.meta_flags, stored, store.now, out)
    out.append(b"\r\n")
    return b"".join(out)


def _add_shown(flags: bytes, item: Item, now: i64, out: list[bytes]) -> None:
    """What the flags show of the item, in their order."""
    at: i64 = 1
    size: i64 = len(flags)
    while at < size:
        letter: i64 = flags[at]
        end: i64 = at + 1
        while end < size and flags[end] != _BLANK:
            end += 1
        if letter == 79:  # O
            out.append(flags[at - 1 : end])
        elif letter == 107:  # k
            out.append(shown_key(item.key, item.bits & BINARY_KEY != 0))
        else:
            add_fact(letter, item, now, out)
        at = end + 1


def _add_given(flags: bytes, key: bytes, out: list[bytes]) -> None:
    """What comes back though there is no item."""
    for flag in flags.split(b" "):
        if flag.startswith(b"O"):
            out.append(b" " + flag)
        elif flag == b"k":
            out.append(shown_key(key, False))


def add_fact(letter: i64, item: Item, now: i64, out: list[bytes]) -> None:
    """What the flags s, t, c and f show; nothing for any other."""
    if letter == 115:  # s
        out.append(b" s" + decimal(len(item.value)))
    elif letter == 116:  # t
        out.append(shown_ttl(item, now))
    elif letter == 99:  # c
        out.append(b" c" + decimal(item.cas))
    elif letter == 102:  # f
        out.append(b" f" + decimal(item.flags))


def shown_ttl(item: Item, now: i64) -> bytes:
    """What the flag t shows."""
    if item.exptime == 0:
        return b" t-1"
    left: i64 = item.exptime - now
    return b" t" + decimal(left & 0xFFFFFFFF)


def add_token(item: Item, won: bool, out: list[bytes]) -> None:
    """Whether the item is stale, and which client is to fetch it anew; the end of the line."""
    if item.bits & TOKEN_SENT:
        out.append(b" Z")
    if item.bits & STALE:
        out.append(b" X")
        if item.bits & TOKEN_SENT == 0:
            won = True
    if won:
        out.append(b" W")
        item.bits |= TOKEN_SENT
    out.append(b"\r\n")
