"""Sessions in the cache: what they hold, how long they live, how often they are used.

A session is one hash: its data as JSON, when it was made, how often it was read. Its key holds a digest of its id, so
that who reads the cache cannot take over a session. Each use moves its end: it dies when it was not used for the time
to live, and after ``LIFETIME_S`` in any case.

A read counts, prolongs and reads in one transaction, one round trip. Counting makes a hash where there was none, so a
hash without ``made_s`` is the trace of a read that found nothing: it is deleted, and dies by itself if that fails.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final

from valkey import Valkey
from valkey.exceptions import WatchError

LIFETIME_S: Final = 12 * 3600
ID_BYTES: Final = 32  # 256 bits: not to be guessed, however many sessions there are
DATA_SIZE_MAX: Final = 16 * 1024
RATE_WINDOW_S: Final = 60
_ATTEMPTS: Final = 5  # an update that meets so many others gives up

Data = dict[str, Any]


class Conflict(Exception):
    """Others changed the session at the same time, again and again; try later."""


class TooLarge(Exception):
    """The session's data would be larger than ``DATA_SIZE_MAX``."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands. Its id is known to whoever made it, not to the cache."""

    session_id: str
    data: Data
    visits: int
    made_s: int
    expires_in_s: int


class SessionStore:
    """Make, read, change and delete sessions, and count requests. Raises valkey's errors when the cache is away."""

    def __init__(self, client: Valkey, *, key_prefix: str, ttl_s: int) -> None:
        self._client = client
        self._prefix = key_prefix
        self._ttl_s = ttl_s

    def create(self, data: Data, *, now_s: int) -> Session:
        """A new session with ``data``."""
        session_id = secrets.token_urlsafe(ID_BYTES)
        key, ttl_s = self._key(session_id), min(self._ttl_s, LIFETIME_S)
        fields = {"data": _encoded(data), "made_s": now_s, "visits": 0}
        with self._transaction() as transaction:
            transaction.hset(key, mapping=fields)
            transaction.expire(key, ttl_s)
            transaction.execute()
        return Session(session_id, data, 0, now_s, ttl_s)

    def read(self, session_id: str, *, now_s: int) -> Session | None:
        """The session, which lives on from now; None when there is none."""
        key = self._key(session_id)
        with self._transaction() as transaction:
            transaction.hincrby(key, "visits", 1)
            transaction.expire(key, self._ttl_s)
            transaction.hgetall(key)
            _, _, fields = transaction.execute()
        return self._alive(session_id, fields, now_s)

    def update(self, session_id: str, changes: Data, *, now_s: int) -> Session | None:
        """Merge ``changes`` into the data, where null removes a name; None when there is no session.

        Raises TooLarge, and Conflict when other updates kept getting in between.
        """
        key = self._key(session_id)
        with self._transaction() as transaction:
            for _ in range(_ATTEMPTS):
                try:
                    transaction.watch(key)
                    fields: dict[bytes, bytes] = transaction.hgetall(key)  # at once, while watching
                    session = self._alive(session_id, fields, now_s)
                    if session is None:
                        return None
                    data = {name: value for name, value in {**session.data, **changes}.items() if value is not None}
                    transaction.multi()
                    transaction.hset(key, "data", _encoded(data))
                    transaction.expire(key, session.expires_in_s)
                    transaction.execute()
                except WatchError:
                    continue
                return Session(session_id, data, session.visits, session.made_s, session.expires_in_s)
        raise Conflict

    def delete(self, session_id: str) -> bool:
        """Whether there was such a session; there is none now."""
        return bool(self._client.delete(self._key(session_id)))

    def requests(self, caller: str, *, now_s: float) -> float:
        """How many requests ``caller`` made in the last minute, this one included.

        A sliding window out of two fixed ones: of the one before, only the part that is less than a minute ago counts.
        """
        window = int(now_s // RATE_WINDOW_S)
        digest = _digest(caller)
        # The braces put both windows in one slot, so that one transaction can hold them.
        current, previous = (f"{self._prefix}rate:{{{digest}}}:{number}" for number in (window, window - 1))
        with self._transaction() as transaction:
            transaction.incr(current)
            transaction.expire(current, 2 * RATE_WINDOW_S)
            transaction.get(previous)
            count, _, before = transaction.execute()
        return float(count + int(before or 0) * (1 - (now_s % RATE_WINDOW_S) / RATE_WINDOW_S))

    def _transaction(self) -> Any:  # noqa: ANN401  (valkey-py's Pipeline is half typed: its replies are not)
        return self._client.pipeline(transaction=True)

    def _key(self, session_id: str) -> str:
        return f"{self._prefix}{_digest(session_id)}"

    def _alive(self, session_id: str, fields: dict[bytes, bytes], now_s: int) -> Session | None:
        """The session that the fields make up; what is left of one that is no more is deleted."""
        if not fields:
            return None
        made_s = int(fields.get(b"made_s", -1))
        left_s = made_s + LIFETIME_S - now_s
        if made_s < 0 or left_s <= 0:
            self._client.delete(self._key(session_id))
            return None
        data: Data = json.loads(fields[b"data"])
        return Session(session_id, data, int(fields[b"visits"]), made_s, min(self._ttl_s, left_s))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _encoded(data: Data) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > DATA_SIZE_MAX:
        raise TooLarge
    return text
