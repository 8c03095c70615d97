"""What ``stats`` counts beside the slab classes and LRU lists."""

from typing import final

from mypy_extensions import i64


@final
class Counters:
    """Counts since the start, or since ``stats reset``."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """``stats reset``."""
        self.get_commands: i64 = 0
        self.get_misses: i64 = 0
        self.get_expired: i64 = 0
        self.get_flushed: i64 = 0
        self.touch_commands: i64 = 0
        self.touch_misses: i64 = 0
        self.delete_misses: i64 = 0
        self.incr_misses: i64 = 0
        self.decr_misses: i64 = 0
        self.cas_misses: i64 = 0
        self.flush_commands: i64 = 0
        self.meta_commands: i64 = 0
        self.too_large: i64 = 0
        self.no_memory: i64 = 0
        self.auth_commands: i64 = 0
        self.auth_errors: i64 = 0
        self.idle_kicks: i64 = 0
        self.yields: i64 = 0  # turns that ended because one client had sent many requests
        self.bytes_read: i64 = 0
        self.bytes_written: i64 = 0
        self.total_items: i64 = 0
        self.total_connections: i64 = 0
        self.rejected_connections: i64 = 0
        self.crawler_starts: i64 = 0
        self.juggles: i64 = 0
        self.replies_without_memory: i64 = 0
        self.config_gets: i64 = 0
        self.config_sets: i64 = 0


@final
class PrefixCounters:
    """``stats detail``: gets, hits, sets and deletes of the keys up to the delimiter."""

    def __init__(self) -> None:
        self.counts: dict[bytes, list[int]] = {}

    def record(self, key: bytes, delimiter: bytes, what: int, hit: bool = False) -> None:
        """Count a get (0), set (2) or delete (3) of this key; keys without the delimiter have no prefix."""
        end = key.find(delimiter)
        if end <= 0:
            return
        counts = self.counts.setdefault(key[:end], [0, 0, 0, 0])
        counts[what] += 1
        if hit:
            counts[1] += 1

    def dump(self) -> bytes:
        """``stats detail dump``."""
        lines = [
            b"PREFIX %b get %d hit %d set %d del %d\r\n" % (prefix, counts[0], counts[1], counts[2], counts[3])
            for prefix, counts in self.counts.items()
        ]
        return b"".join(lines) + b"END\r\n"
