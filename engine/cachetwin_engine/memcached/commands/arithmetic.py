"""incr and decr."""

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.table import command, quiet
from cachetwin_engine.memcached.items.store import DELTA_DONE, DELTA_NO_MEMORY, DELTA_NOT_FOUND
from cachetwin_engine.memcached.numbers import unsigned_64
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import KEY_BYTES_MAX


@command(b"incr", usage="incr key delta [noreply]", summary="Add to a number; it wraps at 64 bits.", group="classic")
def incr(session: Session, words: list[bytes]) -> bytes:
    """Add to a number."""
    return _change(session, words, increments=True)


@command(b"decr", usage="decr key delta [noreply]", summary="Subtract from a number, down to 0.", group="classic")
def decr(session: Session, words: list[bytes]) -> bytes:
    """Subtract from a number."""
    return _change(session, words, increments=False)


def _change(session: Session, words: list[bytes], increments: bool) -> bytes:
    if not 3 <= len(words) <= 4:
        return replies.ERROR
    reply = _changed(session, words[1], words[2], increments)
    return b"" if quiet(words) else reply


def _changed(session: Session, key: bytes, word: bytes, increments: bool) -> bytes:
    if len(key) > KEY_BYTES_MAX:
        return replies.BAD_FORMAT
    delta = unsigned_64(word)
    if delta < 0:
        return replies.BAD_DELTA
    store = session.store
    status = store.add_delta(key, delta, increments, 0)
    if status == DELTA_DONE:
        item = store.stored
        return b"" if item is None else item.value.rstrip(b" ") + b"\r\n"
    if status == DELTA_NOT_FOUND:
        if increments:
            store.counters.incr_misses += 1
        else:
            store.counters.decr_misses += 1
        return replies.NOT_FOUND
    return replies.NO_MEMORY_FOR_DELTA if status == DELTA_NO_MEMORY else replies.NOT_A_NUMBER
