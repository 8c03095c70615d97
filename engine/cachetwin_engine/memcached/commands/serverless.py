"""What ElastiCache Serverless makes of the commands (user guide, "Supported Memcached commands").

Commands that configure the engine or show its inside are unknown. ``stats`` has its first form and ``reset``,
``flush_all`` takes no delay, and a get is limited to 16 KB.
"""

from typing import Final

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.retrieval import get, gets
from cachetwin_engine.memcached.commands.server import flush_all
from cachetwin_engine.memcached.commands.statistics import stats
from cachetwin_engine.memcached.session import Handler, Session

GET_BYTES_MAX: Final = 16 * 1024
UNKNOWN: Final = (
    b"cache_memlimit", b"debugtime", b"lru", b"lru_crawler", b"me", b"refresh_certs", b"shutdown", b"slabs",
    b"verbosity", b"watch",
)  # fmt: skip
TOO_LONG: Final = b"CLIENT_ERROR line too long\r\n"


def restrict(handlers: dict[bytes, Handler]) -> None:
    """Leave the handlers that serverless caches have."""
    for name in UNKNOWN:
        handlers.pop(name, None)
    handlers[b"get"] = _get
    handlers[b"gets"] = _gets
    handlers[b"stats"] = _stats
    handlers[b"flush_all"] = _flush_all


def _is_too_long(words: list[bytes]) -> bool:
    return sum([len(word) + 1 for word in words]) + 1 > GET_BYTES_MAX


def _get(session: Session, words: list[bytes]) -> bytes:
    return TOO_LONG if _is_too_long(words) else get(session, words)


def _gets(session: Session, words: list[bytes]) -> bytes:
    return TOO_LONG if _is_too_long(words) else gets(session, words)


def _stats(session: Session, words: list[bytes]) -> bytes:
    if len(words) > 1 and words[1] != b"reset":
        return replies.ERROR
    return stats(session, words)


def _flush_all(session: Session, words: list[bytes]) -> bytes:
    if len(words) > 1 and words[1] not in {b"0", b"noreply"}:
        return b"CLIENT_ERROR flush_all with a delay is not supported\r\n"
    return flush_all(session, words)
