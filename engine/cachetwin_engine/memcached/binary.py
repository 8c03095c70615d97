"""The binary protocol: frames of a header of 24 bytes, extras, a key and a value (proto_bin.c).

memcached has it for old clients; libmemcached still speaks it where it is asked to. SASL is not supported, as in a
memcached built without it.
"""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.memcached.commands.retrieval import touch_item
from cachetwin_engine.memcached.commands.statistics import detail, reset, statistics_of
from cachetwin_engine.memcached.items.item import Item, class_of
from cachetwin_engine.memcached.items.store import (
    ADD,
    APPEND,
    CAS,
    DELTA_DONE,
    DELTA_EXISTS,
    DELTA_NO_MEMORY,
    DELTA_NOT_FOUND,
    EXISTS,
    NO_MEMORY,
    NOT_FOUND,
    PREPEND,
    REPLACE,
    SET,
    STORED,
    TOO_LARGE,
)
from cachetwin_engine.memcached.numbers import decimal
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.settings import KEY_BYTES_MAX

GET: Final = 0x00
SET_: Final = 0x01
ADD_: Final = 0x02
REPLACE_: Final = 0x03
DELETE: Final = 0x04
INCREMENT: Final = 0x05
DECREMENT: Final = 0x06
QUIT: Final = 0x07
FLUSH: Final = 0x08
NOOP: Final = 0x0A
VERSION: Final = 0x0B
GETK: Final = 0x0C
APPEND_: Final = 0x0E
PREPEND_: Final = 0x0F
STAT: Final = 0x10
TOUCH: Final = 0x1C
GAT: Final = 0x1D
GATK: Final = 0x23
CONFIG_GET: Final = 0x60
CONFIG_SET: Final = 0x64
CONFIG_DELETE: Final = 0x66
"""Opcodes; the last three are those of ElastiCache's cluster clients."""

_QUIET: Final[dict[int, int]] = {
    0x09: GET, 0x0D: GETK, 0x11: SET_, 0x12: ADD_, 0x13: REPLACE_, 0x14: DELETE, 0x15: INCREMENT, 0x16: DECREMENT,
    0x17: QUIT, 0x18: FLUSH, 0x19: APPEND_, 0x1A: PREPEND_, 0x1E: GAT, 0x24: GATK,
}  # fmt: skip
_MODES: Final[dict[int, int]] = {SET_: SET, ADD_: ADD, REPLACE_: REPLACE, APPEND_: APPEND, PREPEND_: PREPEND}

OK: Final = 0
KEY_NOT_FOUND: Final = 1
KEY_EXISTS: Final = 2
VALUE_TOO_LARGE: Final = 3
INVALID: Final = 4
NOT_STORED: Final = 5
NOT_A_NUMBER: Final = 6
AUTH_ERROR: Final = 0x20
UNKNOWN: Final = 0x81
OUT_OF_MEMORY: Final = 0x82
"""Statuses of a response."""

_TEXTS: Final[dict[int, bytes]] = {
    KEY_NOT_FOUND: b"Not found",
    KEY_EXISTS: b"Data exists for key.",
    VALUE_TOO_LARGE: b"Too large.",
    INVALID: b"Invalid arguments",
    NOT_STORED: b"Not stored.",
    NOT_A_NUMBER: b"Non-numeric server-side value for incr or decr",
    AUTH_ERROR: b"Auth failure.",
    UNKNOWN: b"Unknown command",
    OUT_OF_MEMORY: b"Out of memory",
}
_NEVER_CREATE: Final = 0xFFFFFFFF


def frame(header: bytes, status: int, key: bytes = b"", extras: bytes = b"", value: bytes = b"", cas: int = 0) -> bytes:
    """A response to the request with this header."""
    size = len(extras) + len(key) + len(value)
    parts = [
        b"\x81",
        header[1:2],
        len(key).to_bytes(2, "big"),
        len(extras).to_bytes(1, "big"),
        b"\0",
        status.to_bytes(2, "big"),
        size.to_bytes(4, "big"),
        header[12:16],
        cas.to_bytes(8, "big"),
        extras,
        key,
        value,
    ]
    return b"".join(parts)


def error_frame(header: bytes, status: int) -> bytes:
    """A response that says what is wrong."""
    return frame(header, status, value=_TEXTS[status])


def handle_frame(session: Session, header: bytes, rest: bytes) -> bytes:
    """Answer one request; ``rest`` are its extras and its key. A value is received afterwards."""
    opcode = int(header[1])
    key_bytes = int.from_bytes(header[2:4], "big")
    extras_bytes = int(header[4])
    body_bytes = int.from_bytes(header[8:12], "big")
    if key_bytes + extras_bytes > body_bytes:
        session.end(b"error")
        return error_frame(header, UNKNOWN)
    if key_bytes > KEY_BYTES_MAX:
        session.end(b"error")
        return error_frame(header, INVALID)
    plain = _QUIET.get(opcode)
    session.noreply = plain is not None
    if plain is not None:
        opcode = plain
    session.frame = header
    session.key = rest[extras_bytes:]
    session.cas = int.from_bytes(header[16:24], "big")
    extras = rest[:extras_bytes]
    value_bytes = body_bytes - key_bytes - extras_bytes
    reply = _dispatch(session, opcode, extras, value_bytes)
    if reply is None:
        session.end(b"error")
        return error_frame(header, INVALID)
    return reply


def _dispatch(session: Session, opcode: int, extras: bytes, value_bytes: int) -> bytes | None:
    """None for extras, a key or a value that the request may not have."""
    has_key = bool(session.key)
    if opcode in _MODES:
        wanted = 0 if opcode in {APPEND_, PREPEND_} else 8
        return _begin_store(session, opcode, extras, value_bytes) if has_key and len(extras) == wanted else None
    if opcode in {CONFIG_GET, CONFIG_SET, CONFIG_DELETE}:
        return _config(session, opcode, extras, value_bytes)
    if opcode == STAT:
        return None if extras or value_bytes else _stat(session)
    if value_bytes:
        known = opcode in {GET, GETK, GAT, GATK, TOUCH, DELETE, INCREMENT, DECREMENT, VERSION, NOOP, QUIT, FLUSH}
        if not known:
            session.swallow(value_bytes)
            return error_frame(session.frame, UNKNOWN)
        return None
    if opcode in {GET, GETK}:
        return _get(session, opcode, extras) if has_key and not extras else None
    if opcode in {GAT, GATK, TOUCH}:
        return _get(session, opcode, extras) if has_key and len(extras) == 4 else None
    if opcode == DELETE:
        return _delete(session) if has_key and not extras else None
    if opcode in {INCREMENT, DECREMENT}:
        return _change(session, opcode == INCREMENT, extras) if has_key and len(extras) == 20 else None
    return None if has_key else _serve(session, opcode, extras)


def _serve(session: Session, opcode: int, extras: bytes) -> bytes | None:
    """Requests without a key."""
    header = session.frame
    if opcode == FLUSH:
        return _flush(session, extras) if len(extras) in {0, 4} else None
    if opcode not in {VERSION, NOOP, QUIT}:
        return error_frame(header, UNKNOWN)
    if extras:
        return None
    if opcode == QUIT:
        session.end(b"normal")
    if session.noreply:
        return b""
    return frame(header, OK, value=session.settings.version if opcode == VERSION else b"")


def _number(extras: bytes, at: int, size: int) -> int:
    return int.from_bytes(extras[at : at + size], "big")


def _begin_store(session: Session, opcode: int, extras: bytes, value_bytes: int) -> bytes:
    store = session.store
    session.mode = _MODES[opcode]
    session.flags = _number(extras, 0, 4) if extras else 0
    session.exptime = store.expiry(_number(extras, 4, 4)) if extras else 0
    if store.settings.detail_enabled:
        store.prefixes.record(session.key, store.settings.prefix_delimiter, 2)
    if not store.fits(session.key, session.flags, value_bytes):
        session.swallow(value_bytes)
        return _refusal(session, value_bytes)
    if session.cas and extras:
        session.mode = CAS
    if value_bytes == 0:
        return _complete(session, b"", True)
    session.receive(value_bytes, _complete)
    return b""


def _refusal(session: Session, value_bytes: i64) -> bytes:
    status = session.store.refuse(session.key, session.flags, value_bytes, session.mode)
    return error_frame(session.frame, VALUE_TOO_LARGE if status == TOO_LARGE else OUT_OF_MEMORY)


def _complete(session: Session, value: bytes, ends_well: bool) -> bytes:
    store = session.store
    mode = session.mode
    status = store.store(session.key, value, session.flags, session.exptime, mode, session.cas, 0, False)
    if status == NO_MEMORY:
        return _refusal(session, len(value))
    if status == STORED:
        stored = store.stored
        cas = 0 if stored is None else stored.cas
        return b"" if session.noreply else frame(session.frame, OK, cas=cas)
    if status == EXISTS or mode == ADD:
        return error_frame(session.frame, KEY_EXISTS)
    return error_frame(session.frame, KEY_NOT_FOUND if status == NOT_FOUND or mode == REPLACE else NOT_STORED)


def _get(session: Session, opcode: int, extras: bytes) -> bytes:
    store = session.store
    key = session.key
    if extras:
        item = touch_item(session, key, store.expiry(_number(extras, 0, 4)))
    else:
        item = store.get(key)
        store.counters.get_commands += 1
        if item is None:
            store.counters.get_misses += 1
        else:
            store.lru.lists[item.slot].hits += 1
    if store.settings.detail_enabled:
        store.prefixes.record(key, store.settings.prefix_delimiter, 0, item is not None)
    returns_key = opcode in {GETK, GATK}
    if item is not None:
        return _hit(session, item, returns_key, opcode != TOUCH)
    if session.noreply:
        return b""
    return frame(session.frame, KEY_NOT_FOUND, key) if returns_key else error_frame(session.frame, KEY_NOT_FOUND)


def _hit(session: Session, item: Item, returns_key: bool, returns_value: bool) -> bytes:
    flags = int(item.flags).to_bytes(4, "big")
    key = item.key if returns_key else b""
    return frame(session.frame, OK, key, flags, item.value if returns_value else b"", item.cas)


def _delete(session: Session) -> bytes:
    store = session.store
    if store.settings.detail_enabled:
        store.prefixes.record(session.key, store.settings.prefix_delimiter, 3)
    item = store.find(session.key)
    if item is None:
        store.counters.delete_misses += 1
        return error_frame(session.frame, KEY_NOT_FOUND)
    if session.cas not in {0, item.cas}:
        return error_frame(session.frame, KEY_EXISTS)
    store.slabs.delete_hits[class_of(item.slot)] += 1
    store.unlink(item)
    return b"" if session.noreply else frame(session.frame, OK)


def _change(session: Session, increments: bool, extras: bytes) -> bytes:
    store = session.store
    header = session.frame
    status = store.add_delta(session.key, _number(extras, 0, 8), increments, session.cas)
    exptime = _number(extras, 16, 4)
    if status == DELTA_NOT_FOUND and exptime != _NEVER_CREATE:
        initial = decimal(_number(extras, 8, 8))
        if store.store(session.key, initial, 0, store.expiry(exptime), ADD, 0, 0, False) != STORED:
            return error_frame(header, OUT_OF_MEMORY)
        status = DELTA_DONE
    if status == DELTA_DONE:
        item = store.stored
        if session.noreply or item is None:
            return b""
        number = int(item.value)
        return frame(header, OK, value=number.to_bytes(8, "big"), cas=item.cas)
    if status == DELTA_NOT_FOUND:
        if increments:
            store.counters.incr_misses += 1
        else:
            store.counters.decr_misses += 1
        return error_frame(header, KEY_NOT_FOUND)
    if status == DELTA_EXISTS:
        return error_frame(header, KEY_EXISTS)
    return error_frame(header, OUT_OF_MEMORY if status == DELTA_NO_MEMORY else NOT_A_NUMBER)


def _flush(session: Session, extras: bytes) -> bytes:
    if not session.settings.flush_enabled:
        return error_frame(session.frame, AUTH_ERROR)
    session.store.counters.flush_commands += 1
    session.store.flush(_number(extras, 0, 4) if extras else 0)
    return b"" if session.noreply else frame(session.frame, OK)


def _stat(session: Session) -> bytes:
    header, form = session.frame, session.key
    if form == b"reset":
        reset(session)
        return frame(header, OK)
    if form.startswith(b"detail"):
        text = detail(session, form[6:].strip())
        if text.startswith(b"CLIENT_ERROR"):
            return error_frame(header, KEY_NOT_FOUND)
        return (frame(header, OK, b"detailed", value=text) if form.endswith(b"dump") else b"") + frame(header, OK)
    found = statistics_of(session, form)
    if found is None:
        return error_frame(header, KEY_NOT_FOUND)
    return b"".join([frame(header, OK, name, value=value) for name, value in found.pairs]) + frame(header, OK)


def _config(session: Session, opcode: int, extras: bytes, value_bytes: int) -> bytes | None:
    """ElastiCache's auto discovery: the key is ``cluster``."""
    store = session.store
    header = session.frame
    if session.key != b"cluster":
        session.swallow(value_bytes)
        return error_frame(header, KEY_NOT_FOUND)
    if opcode == CONFIG_GET and not value_bytes:
        store.counters.config_gets += 1
        if not store.cluster.text:
            return error_frame(header, KEY_NOT_FOUND)
        return frame(header, OK, extras=store.cluster.flags.to_bytes(4, "big"), value=store.cluster.text)
    if session.settings.elasticache:
        session.swallow(value_bytes)
        return error_frame(header, UNKNOWN)
    if opcode == CONFIG_DELETE and not value_bytes:
        store.cluster.set_nodes([], 0)
        return frame(header, OK)
    if opcode != CONFIG_SET or value_bytes == 0 or value_bytes > 65536:
        return None
    session.flags = _number(extras, 0, 4) if len(extras) >= 4 else 0
    session.receive(value_bytes, _set_config)
    return b""


def _set_config(session: Session, value: bytes, ends_well: bool) -> bytes:
    session.store.counters.config_sets += 1
    session.store.cluster.set_text(value, int(session.flags))
    return frame(session.frame, OK)
