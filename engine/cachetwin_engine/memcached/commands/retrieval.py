"""get, gets, gat, gats and touch."""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.table import command, quiet
from cachetwin_engine.memcached.discovery import CLUSTER_KEY
from cachetwin_engine.memcached.items.item import Item, class_of
from cachetwin_engine.memcached.numbers import NOT_A_NUMBER, decimal, signed_32
from cachetwin_engine.memcached.plain import value_reply
from cachetwin_engine.memcached.session import OUTPUT_BYTES_MAX, Session
from cachetwin_engine.memcached.settings import KEY_BYTES_MAX

_GET: Final = 0
_GETS: Final = 1
_GAT: Final = 2
_GATS: Final = 3


@command(b"get", usage="get key [key ...]", summary="Get the values of keys.", group="classic")
def get(session: Session, words: list[bytes]) -> bytes:
    """Get values."""
    if len(words) == 2 and len(words[1]) <= KEY_BYTES_MAX and not session.settings.detail_enabled:
        return value_reply(session.store, words[1])
    return _get_many(session, words, 1, _GET)


@command(b"gets", usage="gets key [key ...]", summary="Get the values of keys with their CAS numbers.", group="classic")
def gets(session: Session, words: list[bytes]) -> bytes:
    """Get values and CAS numbers."""
    return _get_many(session, words, 1, _GETS)


@command(b"bget", usage="bget key [key ...]", summary="The same as get; of memcached's first years.", group="classic")
def bget(session: Session, words: list[bytes]) -> bytes:
    """The old name of get."""
    return _get_many(session, words, 1, _GET)


@command(
    b"gat",
    usage="gat exptime key [key ...]",
    summary="Get values and set their time to live.",
    group="classic",
    since="1.5.3",
)
def gat(session: Session, words: list[bytes]) -> bytes:
    """Get and touch."""
    return _get_and_touch(session, words, _GAT)


@command(
    b"gats",
    usage="gats exptime key [key ...]",
    summary="Get values with their CAS numbers and set their time to live.",
    group="classic",
    since="1.5.3",
)
def gats(session: Session, words: list[bytes]) -> bytes:
    """Get with CAS and touch."""
    return _get_and_touch(session, words, _GATS)


@command(
    b"touch",
    usage="touch key exptime [noreply]",
    summary="Set the time to live of a key.",
    group="classic",
    since="1.4.8",
)
def touch(session: Session, words: list[bytes]) -> bytes:
    """Set the time to live."""
    if not 3 <= len(words) <= 4:
        return replies.ERROR
    no_reply = quiet(words)
    if len(words[1]) > KEY_BYTES_MAX:
        return b"" if no_reply else replies.BAD_FORMAT
    seconds = signed_32(words[2])
    if seconds == NOT_A_NUMBER:
        return b"" if no_reply else replies.BAD_EXPTIME
    item = touch_item(session, words[1], session.store.expiry(seconds))
    if no_reply:
        return b""
    return replies.NOT_FOUND if item is None else replies.TOUCHED


def touch_item(session: Session, key: bytes, exptime: i64) -> Item | None:
    """The item with its new end, counted as a touch."""
    store = session.store
    item = store.get(key)
    store.counters.touch_commands += 1
    if item is None:
        store.counters.touch_misses += 1
        return None
    item.exptime = exptime
    store.slabs.touch_hits[class_of(item.slot)] += 1
    return item


def _get_and_touch(session: Session, words: list[bytes], form: i64) -> bytes:
    if len(words) < 2:
        return replies.ERROR
    seconds = signed_32(words[1])
    if seconds == NOT_A_NUMBER:
        return replies.BAD_EXPTIME
    session.exptime = session.store.expiry(seconds)
    return _get_many(session, words, 2, form)


def _get_many(session: Session, words: list[bytes], first: i64, form: i64) -> bytes:
    if len(words) < 2:
        return replies.BAD_FORMAT if session.settings.is_1_6_45 else replies.ERROR
    at: i64 = first
    while at < len(words):
        if len(words[at]) > KEY_BYTES_MAX:
            return _get_none(session, words[first:at], form)
        at += 1
    if 0 < session.settings.replies_max < len(words) - first:
        session.store.counters.replies_without_memory += 1
        return replies.OUT_OF_MEMORY_WRITING
    session.keys_left = words
    session.next_key = first
    session.mode = form
    return _go_on(session)


def _get_none(session: Session, keys: list[bytes], form: i64) -> bytes:
    """A key is too long: those before it were read, and perhaps touched, yet none is returned."""
    out: list[bytes] = []
    for key in keys:
        _add_value(session, key, form, out)
        out.clear()
    return replies.BAD_FORMAT


def _go_on(session: Session) -> bytes:
    """Values of the keys that are left, as many as are written at once."""
    words = session.keys_left
    form = session.mode
    out: list[bytes] = []
    written: i64 = 0
    at: i64 = session.next_key
    while at < len(words):
        if written > OUTPUT_BYTES_MAX:
            session.next_key = at
            session.go_on(_go_on)
            return b"".join(out)
        written += _add_value(session, words[at], form, out)
        at += 1
    session.keys_left = []
    session.done()
    out.append(replies.END)
    return b"".join(out)


def _add_value(session: Session, key: bytes, form: i64, out: list[bytes]) -> i64:
    """Add the value of a key; about how many bytes that was."""
    store = session.store
    if form >= _GAT:
        item = touch_item(session, key, session.exptime)
    else:
        item = store.get(key)
        store.counters.get_commands += 1
    if store.settings.detail_enabled:
        store.prefixes.record(key, store.settings.prefix_delimiter, 0, item is not None)
    if item is None:
        if form < _GAT:
            if key == CLUSTER_KEY and store.cluster.text:
                out.append(store.cluster.as_value())
                return len(store.cluster.text)
            store.counters.get_misses += 1
        return 0
    if form < _GAT:
        store.lru.lists[item.slot].hits += 1
    value = item.value
    head = [b"VALUE ", key, b" ", decimal(item.flags), b" ", decimal(len(value))]
    if form in {_GETS, _GATS}:
        head += [b" ", decimal(item.cas)]
    out += head
    out += [b"\r\n", value, b"\r\n"]
    return len(value) + 300
