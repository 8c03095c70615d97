"""``watch``: clients that receive a line for each fetch, change, eviction, deletion or connection (logger.c).

A watcher has a buffer of ``watcher_logbuf_size``. Lines that do not fit are counted, and the watcher is told how many it
missed when it has taken those that did.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.items.item import FETCHED, Item, class_of

FETCHERS: Final = 1
MUTATIONS: Final = 2
EVICTIONS: Final = 4
DELETIONS: Final = 8
CONNECTIONS: Final = 16
SYSTEM_EVENTS: Final = 32
RAW_COMMANDS: Final = 64

TOPICS: Final[dict[bytes, int]] = {
    b"fetchers": FETCHERS,
    b"mutations": MUTATIONS,
    b"evictions": EVICTIONS,
    b"deletions": DELETIONS,
    b"connevents": CONNECTIONS,
    b"sysevents": SYSTEM_EVENTS,
    b"rawcmds": RAW_COMMANDS,
    b"proxyreqs": 0,
    b"proxyevents": 0,
    b"proxyuser": 0,
}
"""The words of ``watch``. Nothing is logged for raw commands and a proxy, in memcached without its proxy neither."""

WATCHERS_MAX: Final = 20

_FOUND: Final = (b"not_found", b"found", b"flushed", b"expired")
_STATUS: Final = (b"not_stored", b"stored", b"exists", b"not_found", b"too_large", b"no_memory")
_MODES: Final = (b"null", b"add", b"set", b"replace", b"append", b"prepend", b"cas", b"append", b"prepend")
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def uri_encoded(key: bytes) -> bytes:
    """The key with ``%XX`` for all but letters, digits and ``-._~``."""
    return b"".join([bytes([byte]) if byte in _PLAIN else b"%%%02X" % byte for byte in key])


@final
class Watcher:
    """One watching client and what it has not been sent yet."""

    def __init__(self, mask: int, bytes_max: int) -> None:
        self.mask = mask
        self.bytes_max = bytes_max
        self.lines: list[bytes] = []
        self.bytes = 0
        self.skipped = 0

    def add(self, line: bytes) -> bool:
        """Take a line; False if there is no room for it."""
        if self.skipped or self.bytes + len(line) > self.bytes_max:
            self.skipped += 1
            return False
        self.lines.append(line)
        self.bytes += len(line)
        return True

    def take(self) -> bytes:
        """What it is to be sent."""
        if self.skipped:
            self.lines.append(b"skipped=%d\n" % self.skipped)
            self.skipped = 0
        lines = b"".join(self.lines)
        self.lines = []
        self.bytes = 0
        return lines


@final
class Watchers:
    """The watching clients; ``mask`` has what any of them wants."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """``clock``: Unix time in nanoseconds."""
        self.mask: i64 = 0
        self.descriptor = 0  # of the connection that is served
        self.pending = False  # somebody has lines to be sent
        self.skipped = 0
        self.sent = 0
        self._clock = clock
        self._sequence = 0
        self._watchers: list[Watcher] = []

    def count(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def add(self, watcher: Watcher) -> None:
        """One more."""
        self._watchers.append(watcher)
        self._combine()

    def remove(self, watcher: Watcher) -> None:
        """Its connection is closed."""
        self._watchers.remove(watcher)
        self._combine()

    def _combine(self) -> None:
        mask = 0
        for watcher in self._watchers:
            mask |= watcher.mask
        self.mask = mask

    def _log(self, topic: int, kind: bytes, rest: bytes) -> None:
        self._sequence += 1
        seconds, nanoseconds = divmod(self._clock(), 1_000_000_000)
        line = b"ts=%d.%d gid=%d type=%b %b\n" % (seconds, nanoseconds // 1000, self._sequence, kind, rest)
        for watcher in self._watchers:
            if watcher.mask & topic:
                if watcher.add(line):
                    self.sent += 1
                else:
                    self.skipped += 1
        self.pending = True

    def log_get(self, key: bytes, found: int, item: Item | None) -> None:
        """A key was looked up: 0 not found, 1 found, 2 flushed, 3 expired."""
        number = 0 if item is None else class_of(item.slot)
        size = 0 if item is None else len(item.value)
        fields = (uri_encoded(key), _FOUND[found], number, self.descriptor, size)
        self._log(FETCHERS, b"item_get", b"key=%b status=%b clsid=%d cfd=%d size=%d" % fields)

    def log_store(self, item: Item, status: i64, mode: i64, now: i64) -> None:
        """An item was stored, or not."""
        ttl = (item.exptime - now) & 0xFFFFFFFF if item.exptime else 0
        fields = (
            uri_encoded(item.key), _STATUS[status], _MODES[mode], ttl, class_of(item.slot), self.descriptor,
            len(item.value),
        )  # fmt: skip
        self._log(MUTATIONS, b"item_store", b"key=%b status=%b cmd=%b ttl=%d clsid=%d cfd=%d size=%d" % fields)

    def log_refusal(self, key: bytes, status: i64, mode: i64) -> None:
        """There was no room for an item."""
        fields = (uri_encoded(key), _STATUS[status], _MODES[mode], self.descriptor)
        self._log(MUTATIONS, b"item_store", b"key=%b status=%b cmd=%b ttl=0 clsid=0 cfd=%d size=0" % fields)

    def log_eviction(self, item: Item, now: i64) -> None:
        """An item was evicted."""
        ttl = item.exptime - now if item.exptime else -1
        fetched = b"yes" if item.bits & FETCHED else b"no"
        fields = (uri_encoded(item.key), fetched, ttl, now - item.time, class_of(item.slot), len(item.value))
        self._log(EVICTIONS, b"eviction", b"key=%b fetch=%b ttl=%d la=%d clsid=%d size=%d" % fields)

    def log_deletion(self, item: Item, command: bytes) -> None:
        """An item was deleted by a client."""
        fields = (uri_encoded(item.key), command, class_of(item.slot), len(item.value))
        self._log(DELETIONS, b"deleted", b"key=%b cmd=%b clsid=%d size=%d" % fields)

    def log_connection(self, address: bytes, port: int, transport: bytes, descriptor: int, reason: bytes) -> None:
        """A connection came, or went for a reason."""
        if self.mask & CONNECTIONS:
            why = b" reason=" + reason if reason else b""
            fields = (address, port, transport, why, descriptor)
            kind = b"conn_close" if reason else b"conn_new"
            self._log(CONNECTIONS, kind, b"rip=%b rport=%d transport=%b%b cfd=%d" % fields)
