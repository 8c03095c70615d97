"""stats in all its forms."""

from typing import Final

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.table import command
from cachetwin_engine.memcached.items.item import BINARY_KEY, COLD
from cachetwin_engine.memcached.items.slabs import CLASSES_MAX
from cachetwin_engine.memcached.numbers import unsigned_32
from cachetwin_engine.memcached.session import Session
from cachetwin_engine.memcached.statistics.classes import item_statistics, size_statistics, slab_statistics
from cachetwin_engine.memcached.statistics.connections import connection_statistics
from cachetwin_engine.memcached.statistics.general import general_statistics
from cachetwin_engine.memcached.statistics.settings import setting_statistics
from cachetwin_engine.memcached.statistics.values import Statistics

CACHEDUMP_BYTES_MAX: Final = 2 * 1024 * 1024


@command(
    b"stats",
    usage=(
        "stats [items|slabs|sizes|settings|conns|reset] | stats detail on|off|dump | stats cachedump class limit"
        " | stats sizes_enable|sizes_disable"
    ),
    summary="Show statistics.",
    group="server",
)
def stats(session: Session, words: list[bytes]) -> bytes:
    """Show statistics."""
    form = words[1] if len(words) > 1 else b""
    if form == b"reset":
        reset(session)
        return replies.RESET
    if form == b"detail":
        return detail(session, words[2] if len(words) > 2 else b"")
    if form == b"cachedump":
        return _cachedump(session, words)
    found = statistics_of(session, form)
    return replies.ERROR if found is None else found.as_text()


def statistics_of(session: Session, form: bytes) -> Statistics | None:
    """The statistics of a form that has names and values; None for one that there is not."""
    out = Statistics()
    if not form:
        general_statistics(session.state, out)
    elif form == b"settings":
        setting_statistics(session.settings, session.store, out)
    elif form == b"items":
        item_statistics(session.store, out)
    elif form == b"slabs":
        slab_statistics(session.store, out)
    elif form == b"sizes":
        size_statistics(session.store, out)
    elif form == b"conns":
        connection_statistics(session.state, session.descriptor, out)
    elif form == b"sizes_enable":
        if not session.settings.use_cas:
            out.add(b"sizes_status", b"error")
            out.add(b"sizes_error", b"cas_support_disabled")
        else:
            session.settings.track_sizes = True
            out.add(b"sizes_status", b"enabled")
    elif form == b"sizes_disable":
        session.settings.track_sizes = False
        session.store.sizes.clear()
        out.add(b"sizes_status", b"disabled")
    else:
        return None
    return out


def reset(session: Session) -> None:
    """``stats reset``."""
    store = session.store
    store.counters.reset()
    store.lru.reset_counters()
    store.slabs.reset_counters()
    store.prefixes.counts.clear()


def detail(session: Session, word: bytes) -> bytes:
    """``stats detail``."""
    if word == b"dump":
        return session.store.prefixes.dump()
    if word not in {b"on", b"off"}:
        return b"CLIENT_ERROR usage: stats detail on|off|dump\r\n"
    session.settings.detail_enabled = word == b"on"
    return replies.OK


def _cachedump(session: Session, words: list[bytes]) -> bytes:
    if not session.settings.dump_enabled:
        return b"CLIENT_ERROR stats cachedump not allowed\r\n"
    if len(words) < 4:
        return replies.BAD_COMMAND_LINE
    number, limit = unsigned_32(words[2]), unsigned_32(words[3])
    if number < 0 or limit < 0:
        return replies.BAD_FORMAT
    if number >= CLASSES_MAX:
        return b"CLIENT_ERROR Illegal slab id\r\n"
    store = session.store
    lines: list[bytes] = []
    size = 0
    item = store.lru.lists[int(number) | COLD].head
    while item is not None and (limit == 0 or len(lines) < limit):
        if item.bits & BINARY_KEY == 0:
            ends = item.exptime + store.started if item.exptime else 0
            line = b"ITEM %b [%d b; %d s]\r\n" % (item.key, len(item.value), ends)
            size += len(line)
            if size + 6 > CACHEDUMP_BYTES_MAX:
                break
            lines.append(line)
        item = item.older
    return b"".join(lines) + replies.END
