"""The meta commands: mg, ms, md, ma, mn and me. What comes back is what the flags of the request ask for."""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.memcached.base64_keys import decoded, encoded
from cachetwin_engine.memcached.commands.table import command
from cachetwin_engine.memcached.items.item import BINARY_KEY, FETCHED, STALE, TOKEN_SENT, Item, class_of
from cachetwin_engine.memcached.items.store import (
    ADD,
    APPEND,
    APPEND_OR_ADD,
    CAS,
    DELTA_DONE,
    DELTA_EXISTS,
    DELTA_NO_MEMORY,
    DELTA_NOT_FOUND,
    EXISTS,
    NO_MEMORY,
    NOT_FOUND,
    PREPEND,
    PREPEND_OR_ADD,
    REPLACE,
    SET,
    STORED,
    TOO_LARGE,
)
from cachetwin_engine.memcached.items.watchers import DELETIONS, MUTATIONS
from cachetwin_engine.memcached.meta_flags import FLAGS_MAX, LONG_OPAQUE, MetaFlags, shown_key
from cachetwin_engine.memcached.numbers import NOT_A_NUMBER, decimal, signed_32
from cachetwin_engine.memcached.plain_meta import add_fact, add_token, shown_ttl
from cachetwin_engine.memcached.replies import BAD_CHUNK, BAD_FORMAT, ERROR
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import KEY_BYTES_MAX

VALUE_BYTES_MAX: Final = 2**31 - 1 - 2
_MALFORMED: Final = b"CLIENT_ERROR invalid or duplicate flag\r\n"
_O: Final = 79
_K: Final = 107


def _read(session: Session, words: list[bytes], first: i64, too_many: bytes) -> MetaFlags:
    """The flags of a request, or what is wrong with it."""
    flags = MetaFlags(session.store, words[1])
    if len(words[1]) > KEY_BYTES_MAX:
        flags.error = b"CLIENT_ERROR bad command line format"
    elif len(words) - 2 > FLAGS_MAX:
        flags.error = too_many
    else:
        flags.read(words, first)
    return flags


def _key_and_opaque(flags: MetaFlags, words: list[bytes], first: i64, out: list[bytes]) -> None:
    """What comes back whether there is an item or not."""
    at: i64 = first
    while at < len(words):
        letter: i64 = words[at][0]
        if letter == _O:
            out.append(b" " + words[at])
        elif letter == _K:
            out.append(shown_key(flags.key, flags.key_is_binary))
        at += 1


@command(b"mg", usage="mg key [flag ...]", summary="Get a value, or what is known of it.", group="meta", since="1.6.0")
def meta_get(session: Session, words: list[bytes]) -> bytes:
    """Meta get."""
    if len(words) < 2:
        return BAD_FORMAT if session.settings.is_1_6_45 else ERROR
    flags = _read(session, words, 2, b"CLIENT_ERROR options flags are too long")
    if flags.error:
        return flags.error + b"\r\n"
    store = session.store
    item = store.find(flags.key) if flags.bumps_late or flags.no_update else store.get(flags.key)
    created = False
    if item is None and flags.vivifies:
        item = store.new_item(flags.key, b"", 0, 0)
        if item is not None:
            store.link(item, flags.new_cas)
            created = True
    if item is None:
        return _missing(session, flags, words)
    if flags.cas == item.cas and store.settings.is_1_6_45:
        flags.value = False
    out: list[bytes] = [b"VA " + decimal(len(item.value)) if flags.value else b"HD"]
    won = _show(session, item, flags, words, created, out)
    if flags.opaque_is_long:
        return LONG_OPAQUE
    add_token(item, won, out)
    if flags.value:
        out.append(item.value)
        out.append(b"\r\n")
    if flags.has_ttl:
        store.counters.touch_commands += 1
        store.slabs.touch_hits[class_of(item.slot)] += 1
    else:
        store.lru.lists[item.slot].hits += 1
        store.counters.get_commands += 1
    if flags.bumps_late and not flags.no_update:
        store.lru.touch(item)
    return b"".join(out)


def _missing(session: Session, flags: MetaFlags, words: list[bytes]) -> bytes:
    """There is no such item."""
    session.store.counters.get_misses += 1
    session.store.counters.get_commands += 1
    if flags.opaque_is_long:
        return LONG_OPAQUE
    if flags.quiet:
        return b""
    out: list[bytes] = [b"EN"]
    _key_and_opaque(flags, words, 2, out)
    out.append(b"\r\n")
    return b"".join(out)


def _show(session: Session, item: Item, flags: MetaFlags, words: list[bytes], created: bool, out: list[bytes]) -> bool:
    """Add what each flag asks for; whether this client won the right to fetch the value anew."""
    now = session.store.now
    won = False
    at: i64 = 2
    while at < len(words):
        word = words[at]
        letter: i64 = word[0]
        if letter == 84:  # T
            item.exptime = flags.exptime
        elif letter == 78:  # N
            if created:
                item.exptime = flags.vivify_exptime
                won = True
        elif letter == 82:  # R
            fresh = created or item.bits & TOKEN_SENT != 0 or item.exptime == 0
            won = won or (not fresh and item.exptime < flags.recache_time)
        elif letter == 108:  # l
            out.append(b" l" + decimal(now - item.time))
        elif letter == 104:  # h
            out.append(b" h1" if item.bits & FETCHED else b" h0")
        elif letter == _O:
            if flags.opaque_is_long:
                break  # what the flags behind it ask for is not done
            out.append(b" " + word)
        elif letter == _K:
            out.append(shown_key(item.key, item.bits & BINARY_KEY != 0))
        else:
            add_fact(letter, item, now, out)
        at += 1
    return won


_MODES: Final[dict[int, int]] = {0: SET, 83: SET, 69: ADD, 65: APPEND, 80: PREPEND, 82: REPLACE}  # S E A P R


@command(b"ms", usage="ms key bytes [flag ...]", summary="Store a value.", group="meta", since="1.6.0")
def meta_set(session: Session, words: list[bytes]) -> bytes:
    """Meta set."""
    if len(words) < 2:
        return BAD_FORMAT if session.settings.is_1_6_45 else ERROR
    if len(words[1]) > KEY_BYTES_MAX or len(words) == 2:
        return BAD_FORMAT
    if len(words) - 2 > FLAGS_MAX:
        return b"CLIENT_ERROR options flags too long\r\n"
    size = signed_32(words[2])
    if size == NOT_A_NUMBER or not 0 <= size <= VALUE_BYTES_MAX:
        return BAD_FORMAT
    flags = MetaFlags(session.store, words[1])
    mode = 0
    if flags.read(words, 3):
        mode = _MODES.get(flags.mode, 0)
        if mode == 0:
            flags.error = b"CLIENT_ERROR invalid mode for ms M token"
        elif flags.opaque_is_long:
            flags.error = LONG_OPAQUE[:-2]
    if flags.error:
        session.swallow(size + 2)
        return flags.error + b"\r\n"
    session.exptime = flags.exptime
    if flags.vivifies and mode in {APPEND, PREPEND}:
        mode = APPEND_OR_ADD if mode == APPEND else PREPEND_OR_ADD
        session.exptime = flags.vivify_exptime
    if flags.cas >= 0 and mode in {SET, REPLACE}:
        mode = CAS
    session.key = flags.key
    session.flags = flags.client_flags
    session.mode = mode
    session.cas = max(flags.cas, 0)
    session.new_cas = flags.new_cas
    session.bits = BINARY_KEY if flags.key_is_binary else 0
    session.takes_stale = flags.marks_stale and mode == CAS
    session.noreply = flags.quiet
    session.words = words
    if size > 512 and not session.store.fits(flags.key, flags.client_flags, size):
        session.swallow(size + 2)
        return _refusal(session, size)
    session.receive(size, _complete)
    return b""


def _complete(session: Session, value: bytes, ends_well: bool) -> bytes:
    """Store the value that has arrived."""
    if not ends_well:
        return BAD_CHUNK
    store = session.store
    store.given_cas = session.new_cas
    status = store.store(
        session.key, value, session.flags, session.exptime, session.mode, session.cas, session.bits, session.takes_stale
    )
    store.given_cas = 0
    if status == NO_MEMORY:
        return _refusal(session, len(value))
    if status == STORED:
        if session.noreply:
            return b""
        out: list[bytes] = [b"HD"]
    elif status == EXISTS:
        out = [b"EX"]
    else:
        out = [b"NF"] if status == NOT_FOUND else [b"NS"]
    stored = store.stored if status == STORED else None
    words = session.words
    at: i64 = 2
    while at < len(words):
        letter: i64 = words[at][0]
        if at == 2:
            pass  # the size
        elif letter == _O:
            out.append(b" " + words[at])
        elif letter == _K:
            out.append(shown_key(session.key, session.bits & BINARY_KEY != 0))
        elif letter == 99:  # c
            out.append(b" c" + decimal(0 if stored is None else stored.cas))
        elif letter == 115:  # s
            out.append(b" s" + decimal(len(value) if stored is None else len(stored.value)))
        at += 1
    out.append(b"\r\n")
    return b"".join(out)


def _refusal(session: Session, size: i64) -> bytes:
    """There was no room. The old value goes, whatever the mode: it would be stale."""
    store = session.store
    status = store.refuse(session.key, session.flags, size, SET)
    if store.watchers.mask & MUTATIONS:
        store.watchers.log_refusal(session.key, status, session.mode)
    if status == TOO_LARGE:
        return b"SERVER_ERROR object too large for cache\r\n"
    return b"SERVER_ERROR out of memory storing object\r\n"


@command(b"md", usage="md key [flag ...]", summary="Delete a key, or mark it as stale.", group="meta", since="1.6.0")
def meta_delete(session: Session, words: list[bytes]) -> bytes:
    """Meta delete."""
    if len(words) < 2:
        return BAD_FORMAT if session.settings.is_1_6_45 else ERROR
    flags = _read(session, words, 2, b"CLIENT_ERROR options flags too long")
    store = session.store
    if flags.error:
        if flags.is_malformed and not session.settings.is_1_6_45:
            return _MALFORMED
        return flags.error + b"\r\n"
    if flags.opaque_is_long:
        return LONG_OPAQUE
    item = store.find(flags.key)
    if item is None:
        store.counters.delete_misses += 1
        status = b"NF"
    elif flags.cas >= 0 and item.cas != flags.cas:
        store.counters.delete_misses += 1
        status = b"EX"
    else:
        status = _delete(session, item, flags)
        if status == b"HD" and flags.quiet:
            return b""
    out: list[bytes] = [status]
    _key_and_opaque(flags, words, 2, out)
    out.append(b"\r\n")
    return b"".join(out)


def _delete(session: Session, item: Item, flags: MetaFlags) -> bytes:
    store = session.store
    if flags.removes_value:
        empty = store.new_item(item.key, b"", flags.client_flags, flags.exptime)
        if empty is None:
            return b"SERVER_ERROR out of memory"
        old_cas = item.cas
        store.unlink(item)
        store.link(empty, flags.new_cas or old_cas)
        item = empty
    if flags.marks_stale:
        if flags.has_ttl:
            item.exptime = flags.exptime
        item.bits = (item.bits | STALE) & ~TOKEN_SENT
        item.cas = flags.new_cas or store.next_cas()
        return b"HD"
    store.slabs.delete_hits[class_of(item.slot)] += 1
    if store.watchers.mask & DELETIONS:
        store.watchers.log_deletion(item, b"md")
    if not flags.removes_value:
        store.unlink(item)
    return b"HD"


@command(b"ma", usage="ma key [flag ...]", summary="Add to a number, or subtract from it.", group="meta", since="1.6.0")
def meta_arithmetic(session: Session, words: list[bytes]) -> bytes:
    """Meta arithmetic."""
    if len(words) < 2:
        return BAD_FORMAT if session.settings.is_1_6_45 else ERROR
    flags = _read(session, words, 2, b"CLIENT_ERROR options flags too long")
    if flags.error:
        return _MALFORMED if flags.is_malformed else flags.error + b"\r\n"
    if flags.mode not in b"\0I+D-":
        return b"CLIENT_ERROR invalid mode for ma M token\r\n"
    store = session.store
    increments = flags.mode in b"\0I+"
    status = store.add_delta(flags.key, flags.delta, increments, max(flags.cas, 0))
    created = False
    if status == DELTA_DONE:
        if flags.new_cas and store.stored is not None:
            store.stored.cas = flags.new_cas
    elif status == DELTA_NOT_FOUND and flags.vivifies:
        item = store.new_item(flags.key, decimal(flags.initial), 0, 0)
        if item is None:
            return b"SERVER_ERROR Out of memory allocating new item\r\n"
        store.link(item, flags.new_cas)
        store.stored = item
        created = True
    elif status in {DELTA_NOT_FOUND, DELTA_EXISTS}:
        return _without_item(session, flags, words, status, increments)
    elif status == DELTA_NO_MEMORY:
        return b"SERVER_ERROR out of memory\r\n"
    else:
        return b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
    stored = store.stored
    if stored is None:
        return b""
    reply = _arithmetic_reply(session, stored, flags, words, created)
    if flags.opaque_is_long:
        return LONG_OPAQUE
    quiet = flags.quiet and (not created or session.settings.is_1_6_45)
    return b"" if quiet else reply


def _without_item(session: Session, flags: MetaFlags, words: list[bytes], status: i64, increments: bool) -> bytes:
    counters = session.store.counters
    if status == DELTA_NOT_FOUND:
        if increments:
            counters.incr_misses += 1
        else:
            counters.decr_misses += 1
    if flags.opaque_is_long:
        return LONG_OPAQUE
    out: list[bytes] = [b"NF" if status == DELTA_NOT_FOUND else b"EX"]
    _key_and_opaque(flags, words, 2, out)
    out.append(b"\r\n")
    return b"".join(out)


def _arithmetic_reply(session: Session, item: Item, flags: MetaFlags, words: list[bytes], created: bool) -> bytes:
    digits = item.value.rstrip(b" ")
    out: list[bytes] = [b"VA " + decimal(len(digits)) if flags.value else b"HD"]
    at: i64 = 2
    while at < len(words):
        letter: i64 = words[at][0]
        if letter == 99:  # c
            out.append(b" c" + decimal(item.cas))
        elif letter == 116:  # t
            out.append(shown_ttl(item, session.store.now))
        elif letter == 84:  # T
            item.exptime = flags.exptime
        elif letter == 78:  # N
            if created:
                item.exptime = flags.vivify_exptime
        elif letter == _O:
            out.append(b" " + words[at])
        elif letter == _K:
            out.append(shown_key(flags.key, flags.key_is_binary))
        at += 1
    if flags.value:
        out.append(b"\r\n")
        out.append(digits)
    out.append(b"\r\n")
    return b"".join(out)


@command(
    b"mn",
    usage="mn",
    summary="Answer MN, so that a client knows that all before was answered.",
    group="meta",
    since="1.6.0",
)
def meta_noop(session: Session, words: list[bytes]) -> bytes:
    """Meta no-op."""
    return b"MN\r\n"


@command(b"me", usage="me key [b]", summary="Show what the server knows of an item.", group="meta", since="1.6.0")
def meta_debug(session: Session, words: list[bytes]) -> bytes:
    """Meta debug."""
    if len(words) < 2 or len(words[1]) > KEY_BYTES_MAX:
        return BAD_FORMAT
    key = words[1]
    if len(words) > 2 and words[2] == b"b":
        key = decoded(key)
        if not key:
            return BAD_FORMAT
    store = session.store
    store.counters.meta_commands += 1
    item = store.find(key)
    if item is None:
        return b"EN\r\n"
    shown = encoded(item.key) if item.bits & BINARY_KEY else item.key
    left: i64 = store.now - item.exptime
    if session.settings.is_1_6_45:
        left = -left
    fields = (
        shown,
        -1 if item.exptime == 0 else left,
        store.now - item.time,
        item.cas,
        b"yes" if item.bits & FETCHED else b"no",
        class_of(item.slot),
        item.total_bytes(store.settings.use_cas),
    )
    return b"ME %b exp=%d la=%d cas=%d fetch=%b cls=%d size=%d\r\n" % fields
