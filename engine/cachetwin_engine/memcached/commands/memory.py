"""Commands of the LRU and the slab classes: lru, lru_crawler and slabs."""

from typing import Final, final

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.base64_keys import encoded
from cachetwin_engine.memcached.commands.table import command, quiet
from cachetwin_engine.memcached.items.crawler import slots_of
from cachetwin_engine.memcached.items.item import BINARY_KEY, FETCHED, LINKED, Item, class_of
from cachetwin_engine.memcached.items.page_moves import reassign
from cachetwin_engine.memcached.items.watchers import uri_encoded
from cachetwin_engine.memcached.numbers import NOT_A_NUMBER, real, signed_32, unsigned_32
from cachetwin_engine.memcached.session import Session

ITEMS_PER_STEP: Final = 1000
SLEEP_MAX: Final = 1_000_000
WINDOW_MIN: Final = 3
WINDOW_MAX: Final = 1800


@command(
    b"lru",
    usage="lru tune percent_hot percent_warm hot_factor warm_factor | lru mode flat|segmented | lru temp_ttl ttl",
    summary="Tune the LRU.",
    group="memory",
    since="1.5.0",
)
def lru(session: Session, words: list[bytes]) -> bytes:
    """Tune the LRU."""
    settings = session.settings
    if settings.elasticache or len(words) < 2:
        return replies.ERROR
    reply = replies.ERROR
    if words[1] == b"tune" and len(words) >= 6:
        reply = _tune(session, words)
    elif words[1] == b"mode" and len(words) >= 3 and settings.lru_maintainer:
        if words[2] in {b"flat", b"segmented"}:
            settings.lru_segmented = words[2] == b"segmented"
            reply = replies.OK
    elif words[1] == b"temp_ttl" and len(words) >= 3 and settings.lru_maintainer:
        ttl = signed_32(words[2])
        if ttl != NOT_A_NUMBER:
            settings.temp_lru = ttl >= 0
            if ttl >= 0:
                settings.temporary_ttl = int(ttl)
            reply = replies.OK
    return b"" if quiet(words) else reply


def _tune(session: Session, words: list[bytes]) -> bytes:
    hot, warm = unsigned_32(words[2]), unsigned_32(words[3])
    hot_factor, warm_factor = real(words[4]), real(words[5])
    if hot < 0 or warm < 0 or hot_factor is None or warm_factor is None:
        return replies.ERROR
    if hot + warm > 80:
        return b"ERROR hot and warm pcts must not exceed 80\r\n"
    if hot_factor <= 0 or warm_factor <= 0:
        return b"ERROR hot/warm age factors must be greater than 0\r\n"
    settings = session.settings
    settings.hot_lru_pct = int(hot)
    settings.warm_lru_pct = int(warm)
    settings.hot_max_factor = hot_factor
    settings.warm_max_factor = warm_factor
    return replies.OK


@command(
    b"slabs",
    usage="slabs reassign source target | slabs automove 0|1|2 | slabs automove ratio number",
    summary="Move pages between slab classes.",
    group="memory",
    since="1.4.11",
)
def slabs(session: Session, words: list[bytes]) -> bytes:
    """Move pages between classes."""
    settings = session.settings
    if settings.elasticache:
        return replies.ERROR
    if len(words) == 4 and words[1] == b"reassign":
        if not settings.slab_reassign:
            return b"CLIENT_ERROR slab reassignment disabled\r\n"
        source, target = signed_32(words[2]), signed_32(words[3])
        if NOT_A_NUMBER in {source, target}:
            return replies.BAD_FORMAT
        return reassign(session.store, int(source), int(target)) + b"\r\n"
    if len(words) >= 3 and words[1] == b"automove":
        reply = _automove(session, words)
        return b"" if quiet(words) else reply
    return replies.ERROR


def _automove(session: Session, words: list[bytes]) -> bytes:
    settings = session.settings
    if words[2] == b"ratio":
        ratio = real(words[3]) if len(words) > 3 else None
        if ratio is None:
            return replies.ERROR
        settings.slab_automove_ratio = ratio
        return replies.OK
    if words[2] == b"window" and settings.is_1_6_45:
        seconds = unsigned_32(words[3]) if len(words) > 3 else -1
        if seconds < 0:
            return replies.BAD_FORMAT
        if not WINDOW_MIN <= seconds <= WINDOW_MAX:
            return b"CLIENT_ERROR automove window too low or too high\r\n"
        settings.slab_automove_window = int(seconds)
        return replies.OK
    level = unsigned_32(words[2])
    if level < 0:
        return replies.BAD_FORMAT
    if level > 2:
        return replies.ERROR
    settings.slab_automove = int(level)
    return replies.OK


@command(
    b"lru_crawler",
    usage=(
        "lru_crawler enable|disable | lru_crawler sleep microseconds | lru_crawler tocrawl count"
        " | lru_crawler crawl classes|all | lru_crawler metadump classes|all|hash | lru_crawler mgdump classes|all|hash"
    ),
    summary="Remove expired items, or list all items.",
    group="memory",
    since="1.4.18",
)
def lru_crawler(session: Session, words: list[bytes]) -> bytes:
    """The crawler."""
    if session.settings.elasticache:
        return replies.ERROR
    if len(words) == 2:
        return _switch(session, words[1])
    if len(words) != 3:
        return replies.ERROR
    if words[1] == b"crawl":
        return _crawl(session, words[2])
    if words[1] in {b"metadump", b"mgdump"}:
        return _dump(session, words[2], words[1])
    if words[1] in {b"tocrawl", b"sleep"}:
        number = unsigned_32(words[2])
        if number < 0:
            return replies.BAD_FORMAT
        if words[1] == b"tocrawl":
            session.settings.lru_crawler_tocrawl = int(number)
        elif number > SLEEP_MAX:
            return b"CLIENT_ERROR sleep must be one second or less\r\n"
        else:
            session.settings.lru_crawler_sleep = int(number)
        return replies.OK
    return replies.ERROR


def _switch(session: Session, word: bytes) -> bytes:
    if word == b"enable":
        if session.settings.lru_crawler:
            return b"ERROR failed to start lru crawler thread\r\n"
        session.settings.lru_crawler = True
        return replies.OK
    if word == b"disable":
        session.settings.lru_crawler = False
        session.state.crawler.stop()
        return replies.OK
    return replies.ERROR


def _crawl(session: Session, word: bytes) -> bytes:
    if not session.settings.lru_crawler:
        return b"CLIENT_ERROR lru crawler disabled\r\n"
    if word == b"hash":
        return b"ERROR an unknown error happened\r\n"
    slots = slots_of(word)
    if not slots:
        return b"BADCLASS invalid class id\r\n"
    if not session.state.crawler.start(slots, session.settings.lru_crawler_tocrawl):
        return b"BUSY currently processing crawler request\r\n"
    return replies.OK


@final
class Dump:
    """The items that a client is being told of."""

    def __init__(self, items: list[Item], names_only: bool) -> None:
        self.items = items
        self.names_only = names_only
        self.at = 0


def _dump(session: Session, word: bytes, kind: bytes) -> bytes:
    if not session.settings.lru_crawler:
        return b"CLIENT_ERROR lru crawler disabled\r\n"
    if not session.settings.dump_enabled:
        return b"ERROR metadump not allowed\r\n" if kind == b"metadump" else b"ERROR key dump not allowed\r\n"
    if session.has_unsent:
        return b"ERROR cannot pipeline other commands before " + kind + b"\r\n"
    crawler = session.state.crawler
    slots = slots_of(word)
    if not slots and word != b"hash":
        return b"BADCLASS invalid class id\r\n"
    if crawler.is_running:
        return b"BUSY currently processing crawler request\r\n"
    items = crawler.items_of(slots) if slots else list(session.store.table.values())
    crawler.dumping = True
    session.dump = Dump(items, kind == b"mgdump")
    session.go_on(_dump_some)
    return replies.OK if session.settings.is_1_6_45 else b""


def _dump_some(session: Session) -> bytes:
    """The next lines."""
    dump = session.dump
    if not isinstance(dump, Dump):
        return b""
    store = session.store
    lines: list[bytes] = []
    end = min(dump.at + ITEMS_PER_STEP, len(dump.items))
    for at in range(dump.at, end):
        item = dump.items[at]
        if item.bits & LINKED and not store.has_ended(item):
            lines.append(_name(item) if dump.names_only else _facts(session, item))
    dump.at = end
    if end == len(dump.items):
        lines.append(b"EN\r\n" if dump.names_only else replies.END)
        session.dump = None
        session.state.crawler.dumping = False
        session.done()
    return b"".join(lines)


def _name(item: Item) -> bytes:
    if item.bits & BINARY_KEY:
        return b"mg " + encoded(item.key) + b" b\r\n"
    return b"mg " + item.key + b"\r\n"


def _facts(session: Session, item: Item) -> bytes:
    store = session.store
    fields = (
        uri_encoded(item.key),
        item.exptime + store.started if item.exptime else -1,
        item.time + store.started,
        item.cas,
        b"yes" if item.bits & FETCHED else b"no",
        class_of(item.slot),
        item.total_bytes(session.settings.use_cas),
    )
    return b"key=%b exp=%d la=%d cas=%d fetch=%b cls=%d size=%d\n" % fields
