"""set, add, replace, append, prepend and cas; and delete."""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.table import command, quiet
from cachetwin_engine.memcached.items.item import class_of
from cachetwin_engine.memcached.items.store import (
    ADD,
    APPEND,
    CAS,
    PREPEND,
    REPLACE,
    SET,
)
from cachetwin_engine.memcached.items.watchers import DELETIONS
from cachetwin_engine.memcached.numbers import NOT_A_NUMBER, signed_32, unsigned_32, unsigned_64
from cachetwin_engine.memcached.plain import refusal, store_reply
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import KEY_BYTES_MAX

VALUE_BYTES_MAX: Final = 2**31 - 1 - 2
_USAGE: Final = "key flags exptime bytes [noreply]"


@command(b"set", usage=f"set {_USAGE}", summary="Store a value.", group="classic")
def set_(session: Session, words: list[bytes]) -> bytes:
    """Store whatever there is."""
    return _begin(session, words, SET)


@command(b"add", usage=f"add {_USAGE}", summary="Store a value if the key is missing.", group="classic")
def add(session: Session, words: list[bytes]) -> bytes:
    """Store if missing."""
    return _begin(session, words, ADD)


@command(b"replace", usage=f"replace {_USAGE}", summary="Store a value if the key exists.", group="classic")
def replace(session: Session, words: list[bytes]) -> bytes:
    """Store if present."""
    return _begin(session, words, REPLACE)


@command(b"append", usage=f"append {_USAGE}", summary="Add to the end of a value.", group="classic")
def append(session: Session, words: list[bytes]) -> bytes:
    """Add at the end; flags and time to live stay."""
    return _begin(session, words, APPEND)


@command(b"prepend", usage=f"prepend {_USAGE}", summary="Add to the begin of a value.", group="classic")
def prepend(session: Session, words: list[bytes]) -> bytes:
    """Add at the begin; flags and time to live stay."""
    return _begin(session, words, PREPEND)


@command(
    b"cas",
    usage="cas key flags exptime bytes number [noreply]",
    summary="Store a value if the key's CAS number is still the one that gets has shown.",
    group="classic",
)
def cas(session: Session, words: list[bytes]) -> bytes:
    """Store if unchanged."""
    return _begin(session, words, CAS)


def _begin(session: Session, words: list[bytes], mode: i64) -> bytes:
    """Read the line of a storing command and prepare for its value."""
    count: i64 = 6 if mode == CAS else 5
    newer = session.settings.is_1_6_45  # it takes more words, and skips the value of a line whose size it could read
    if len(words) < 5 if newer else len(words) != count and len(words) != count + 1:
        return replies.BAD_FORMAT if newer else replies.ERROR
    no_reply = len(words) > count and quiet(words)
    key = words[1]
    flags = unsigned_32(words[2])
    seconds = signed_32(words[3])
    size = signed_32(words[4])
    session.cas = 0
    if mode == CAS:
        session.cas = unsigned_64(words[5]) if len(words) > 5 else -1
    no_size = size == NOT_A_NUMBER or not 0 <= size <= VALUE_BYTES_MAX
    if no_size or len(key) > KEY_BYTES_MAX or flags < 0 or seconds == NOT_A_NUMBER or session.cas < 0:
        if newer and not no_size:
            session.swallow(size + 2)
        return b"" if no_reply else replies.BAD_FORMAT
    store = session.store
    if store.settings.detail_enabled:
        store.prefixes.record(key, store.settings.prefix_delimiter, 2)
    if size > 512 and not store.fits(key, flags, size):
        session.swallow(size + 2)
        reply = refusal(store, key, flags, size, mode)
        return b"" if no_reply else reply
    session.noreply = no_reply
    session.key = key
    session.flags = flags
    session.exptime = store.expiry(seconds)
    session.mode = mode
    session.receive(size, _complete)
    return b""


def _complete(session: Session, value: bytes, ends_well: bool) -> bytes:
    """Store the value that has arrived."""
    if not ends_well:
        return b"" if session.noreply else replies.BAD_CHUNK
    reply = store_reply(session.store, session.key, value, session.flags, session.exptime, session.mode, session.cas)
    return b"" if session.noreply else reply


@command(b"delete", usage="delete key [noreply]", summary="Delete a key.", group="classic")
def delete(session: Session, words: list[bytes]) -> bytes:
    """Delete; a 0 behind the key is accepted for old clients."""
    if not 2 <= len(words) <= 4:
        return replies.ERROR
    no_reply = False
    if len(words) > 2:
        no_reply = quiet(words)
        is_zero = words[2] == b"0"
        if not (is_zero or no_reply if len(words) == 3 else is_zero and no_reply):
            return b"" if no_reply else replies.BAD_DELETE
    key = words[1]
    if len(key) > KEY_BYTES_MAX:
        return b"" if no_reply else replies.BAD_FORMAT
    store = session.store
    if store.settings.detail_enabled:
        store.prefixes.record(key, store.settings.prefix_delimiter, 3)
    item = store.find(key)
    if item is None:
        store.counters.delete_misses += 1
        return b"" if no_reply else replies.NOT_FOUND
    store.slabs.delete_hits[class_of(item.slot)] += 1
    if store.watchers.mask & DELETIONS:
        store.watchers.log_deletion(item, b"delete")
    store.unlink(item)
    return b"" if no_reply else replies.DELETED
