"""What a handler sees: the engine, the database, the caller, the protocol, and the methods that report changes.

A session owns one context; a script or a replayed log makes its own, with another protocol or database. The replies here
are those that differ between RESP2 and RESP3; the others are functions in ``replies``.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.acl.user import User
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.protocol.replies import CRLF, bulk
from cachetwin_engine.core.registry.options import OptionReader, read_options
from cachetwin_engine.core.state.client import Caller, Client
from cachetwin_engine.core.text.doubles import digits_17, shortest

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

ELEMENT_BYTES_MIN: Final = 6  # an empty bulk string
ELEMENTS_MAX: Final = 1 << 27  # for a client without a limit: the list alone is a gibibyte then


class Context(Caller):
    """The caller of a command, as its handler sees it."""

    def __init__(self, engine: "EngineParts", client: Client, db: Database, user: User) -> None:
        super().__init__(client, db, user)
        self.engine = engine

    def take_place_of(self, outer: "Context") -> None:
        """Take over the client, user and database of ``outer``, in RESP2."""
        self.session = outer.session
        self.db = outer.db
        self.user = outer.user
        self.propagated = None
        if self.resp3:
            self.use_protocol(2)

    # -- arguments ----------------------------------------------------------------------------------------------------

    def options(self, args: list[bytes], at: int, end: int = -1, refusal: bytes = b"") -> OptionReader:
        """The options of the running command from place ``at`` up to ``end`` (-1: to the last argument).

        ``refusal`` is the error for a word that is no option, with ``%b`` for the word; empty: the syntax error.
        """
        if self.command is None:
            raise RuntimeError("options belong to a command, and none is running")
        return read_options(self.command, args, at, len(args) if end < 0 else end, refusal)

    # -- changes ------------------------------------------------------------------------------------------------------

    def key_changed(self, key: bytes, event_class: int, event: bytes, changes: int = 1) -> None:
        """The value under ``key`` was changed, created or deleted: count it, inform watchers and caches, notify ``event``.

        Every writing command ends here, once for each key, after the change. ``event_class`` is a ``NOTIFY_*`` flag.
        """
        engine = self.engine
        engine.dirty += changes
        if self.db.watchers or engine.tracks_keys:
            engine.key_modified(self.db, key)
        if engine.notify_flags:
            engine.notify(event_class, event, key, self.db.index)

    def notify(self, event_class: int, event: bytes, key: bytes) -> None:
        """A keyspace notification without a change of the value (``expired``, ``del`` of an emptied key, ...)."""
        engine = self.engine
        if engine.notify_flags:
            engine.notify(event_class, event, key, self.db.index)

    def propagate(self, args: list[bytes]) -> None:
        """Propagate ``args`` instead of what the client sent; may be called more than once.

        Needed where the same words could have another effect later: relative times, random picks, blocking.
        """
        if self.propagated is None:
            self.propagated = [args]
        else:
            self.propagated.append(args)

    def propagate_nothing(self) -> None:
        """The command changed nothing that replicas need."""
        if self.propagated is None:
            self.propagated = []

    # -- waiting ------------------------------------------------------------------------------------------------------

    @property
    def may_block(self) -> bool:
        """False inside MULTI and scripts, where a blocking command answers at once, as after its timeout."""
        return not (self.in_exec or self.in_script)

    def block(self, keys: list[bytes], deadline_ms: int, on_timeout: bytes, args: list[bytes]) -> bytes:
        """Wait until one of ``keys`` is ready, then run the command ``args`` again; returns what the handler must return.

        ``deadline_ms`` is Unix time, 0 for ever; ``on_timeout`` is the reply when it passes. A handler that runs again
        and still finds nothing calls this once more, and stays where it was in the queue.
        """
        return self.session.block(keys, deadline_ms, on_timeout, args)

    def is_too_much_to_answer(self, count: int) -> bool:
        """True if ``count`` elements are more than the client's output may hold: it is disconnected, before the work.

        For commands whose reply may be longer than the data (random picks with repetition).
        """
        session = self.session
        limit = self.engine.config.clients.buffer_limits[
            b"pubsub" if session.channels or session.patterns else b"normal"
        ]
        allowed = limit.hard_bytes // ELEMENT_BYTES_MIN if limit.hard_bytes else ELEMENTS_MAX
        if count <= allowed:
            return False
        session.end_reason = b"the reply to its command would be over its output buffer limit"
        self.engine.host.output_buffer_disconnections += 1
        self.engine.kill(session)
        return True

    # -- replies that differ by protocol ------------------------------------------------------------------------------

    def map_reply(self, items: list[bytes]) -> bytes:
        """A map from ``items``, encoded key and value in turn: flat array in RESP2."""
        if self.resp3:
            return b"%%%d\r\n" % (len(items) // 2) + b"".join(items)
        return b"*%d\r\n" % len(items) + b"".join(items)

    def set_reply(self, items: list[bytes]) -> bytes:
        """A set of encoded ``items``: array in RESP2."""
        return (b"~%d\r\n" if self.resp3 else b"*%d\r\n") % len(items) + b"".join(items)

    def double(self, value: float) -> bytes:
        """A double: bulk string in RESP2."""
        text = self.double_text(value)
        return b"," + text + CRLF if self.resp3 else bulk(text)

    def double_text(self, value: float) -> bytes:
        """A double as text. The profile decides the number of digits."""
        return shortest(value) if self.engine.profile.shortest_doubles else digits_17(value)

    def boolean(self, value: bool) -> bytes:
        """A boolean: 1 or 0 in RESP2."""
        if self.resp3:
            return b"#t\r\n" if value else b"#f\r\n"
        return b":1\r\n" if value else b":0\r\n"

    def verbatim(self, text: bytes, kind: bytes = b"txt") -> bytes:
        """Text for people, ``kind`` of three letters: bulk string in RESP2."""
        if self.resp3:
            return b"=%d\r\n" % (len(text) + 4) + kind + b":" + text + CRLF
        return bulk(text)

    def push_header(self, count: int) -> bytes:
        """The head of an out-of-band message: array in RESP2."""
        return (b">%d\r\n" if self.resp3 else b"*%d\r\n") % count
