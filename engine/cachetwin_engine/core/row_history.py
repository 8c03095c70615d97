"""What rows of the command table were before the version that the table describes changed them.

Flags and arities of COMMAND INFO, compared with Redis OSS 7.0.15, Valkey 8.1.1 and 9.1; where only the older and the newer
are known, the change is put where the project's release notes have it.
"""

from typing import Final

from .command_table import BLOCKING, LOADING, NO_MULTI, NOSCRIPT, Command


class Change:
    """Until version ``until`` a row had the flags ``more`` besides, not the flags ``fewer``, and ``arity`` unless 0."""

    def __init__(self, until: tuple[int, int, int], more: int = 0, fewer: int = 0, arity: int = 0) -> None:
        self.until = until
        self.more = more
        self.fewer = fewer
        self.arity = arity


_BLOCKING: Final = Change((7, 2, 0), more=NOSCRIPT)  # scripts may block since then: they get the answer of a timeout
_RANK: Final = Change((7, 2, 0), arity=3)  # without WITHSCORE
_GETKEYS: Final = Change((7, 2, 0), arity=-4)
_LOADING: Final = Change((8, 0, 0), fewer=LOADING)
_NESTED: Final = Change((8, 0, 0), fewer=NO_MULTI)

_CHANGES: Final[dict[bytes, Change]] = {
    b"blmove": _BLOCKING,
    b"blpop": _BLOCKING,
    b"brpop": _BLOCKING,
    b"brpoplpush": _BLOCKING,
    b"bzpopmax": _BLOCKING,
    b"bzpopmin": _BLOCKING,
    b"cluster|info": _LOADING,
    b"cluster|myid": _LOADING,
    b"cluster|nodes": _LOADING,
    b"cluster|shards": _LOADING,
    b"cluster|slots": _LOADING,
    b"command|getkeys": _GETKEYS,
    b"command|getkeysandflags": _GETKEYS,
    b"memory|malloc-stats": _LOADING,
    b"memory|purge": _LOADING,
    b"multi": _NESTED,
    b"wait": Change((7, 2, 0), more=NOSCRIPT, fewer=BLOCKING),
    b"watch": _NESTED,
    b"zrank": _RANK,
    b"zrevrank": _RANK,
}


def make_as_of(row: Command, version: tuple[int, int, int]) -> None:
    """Turn ``row`` back to what it was at ``version``."""
    change = _CHANGES.get(row.name)
    if change is None or version >= change.until:
        return
    row.flags = (row.flags | change.more) & ~change.fewer
    if change.arity:
        row.arity = change.arity
    if change.fewer & BLOCKING:
        row.categories = [name for name in row.categories if name != b"blocking"]
