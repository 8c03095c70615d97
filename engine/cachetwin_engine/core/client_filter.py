"""Which connections CLIENT LIST and CLIENT KILL mean."""

from .acl.user import User
from .context import Context
from .errors import CommandError, syntax_error
from .gates import GATE_FOLLOWER
from .numbers import integer_or_none
from .session import Session

_TYPES = {b"normal": b"normal", b"master": b"primary", b"primary": b"primary", b"slave": b"replica",
          b"replica": b"replica", b"pubsub": b"pubsub"}  # fmt: skip


class ClientFilter:
    """The filters of one command, all of which a connection must pass. Raises CommandError for bad ones."""

    def __init__(self, ctx: Context, args: list[bytes], start: int, for_kill: bool) -> None:
        self._ctx = ctx
        self._for_kill = for_kill
        self._ids: dict[int, bool] | None = None
        self._kind = b""
        self._address: str | None = None
        self._local_address: str | None = None
        self._user: User | None = None
        self._oldest_s = -1
        self._skip_me = for_kill
        at = start
        while at < len(args):
            at = self._take(args, at)

    def _take(self, args: list[bytes], at: int) -> int:
        """One filter at ``at``; the place of the next one."""
        name = args[at].lower()
        if at + 1 >= len(args):
            raise syntax_error()
        value = args[at + 1]
        if name == b"id":
            return self._take_ids(args, at + 1)
        if name == b"type":
            self._kind = _TYPES.get(value.lower(), b"")
            if not self._kind:
                raise CommandError(b"ERR Unknown client type '" + value + b"'")
        elif name == b"addr":
            self._address = value.decode("latin-1")
        elif name == b"laddr":
            self._local_address = value.decode("latin-1")
        elif name == b"user":
            self._user = self._ctx.engine.acl.users.get(value)
            if self._user is None:
                raise CommandError(b"ERR No such user '" + value + b"'")
        elif name == b"skipme":
            answer = value.lower()
            if answer not in {b"yes", b"no"}:
                raise syntax_error()
            self._skip_me = answer == b"yes"
        elif name == b"maxage":
            age = integer_or_none(value)
            if age is None:
                raise CommandError(b"ERR maxage is not an integer or out of range")
            if age <= 0:
                raise CommandError(b"ERR maxage should be greater than 0")
            self._oldest_s = age
        else:
            raise syntax_error()
        return at + 2

    def _take_ids(self, args: list[bytes], at: int) -> int:
        if not self._ctx.engine.profile.is_valkey_from(8, 1):
            return self._take_ids_as_before(args, at)
        ids: dict[int, bool] = {}
        while at < len(args):
            number = integer_or_none(args[at])
            if number is None:
                if ids:
                    break
                raise syntax_error()
            if number <= 0:
                raise CommandError(b"ERR client-id should be greater than 0")
            ids[number] = True
            at += 1
        self._ids = ids
        return at

    def _take_ids_as_before(self, args: list[bytes], at: int) -> int:
        """Until Valkey 8.1: CLIENT KILL took one, CLIENT LIST nothing after them."""
        end = at + 1 if self._for_kill else len(args)
        ids: dict[int, bool] = {}
        for word in args[at:end]:
            number = integer_or_none(word)
            if self._for_kill and (number is None or number <= 0):
                raise CommandError(b"ERR client-id should be greater than 0")
            if number is None:
                raise CommandError(b"ERR Invalid client ID")
            ids[number] = True
        self._ids = ids
        return end

    def matches(self, session: Session) -> bool:
        """Does ``session`` pass every filter?"""
        if self._ids is not None and session.id not in self._ids:
            return False
        if self._kind and kind_of(session) != self._kind:
            return False
        if self._address is not None and session.address != self._address:
            return False
        if self._local_address is not None and session.local_address != self._local_address:
            return False
        if self._user is not None and session.context.user is not self._user:
            return False
        if self._oldest_s >= 0 and (self._ctx.engine.now_ms - session.created_ms) // 1000 < self._oldest_s:
            return False
        return not (self._skip_me and session is self._ctx.session)


def kind_of(session: Session) -> bytes:
    """The class of clients: normal, pubsub, replica or primary; who runs MONITOR is a normal one."""
    if session.is_primary:
        return b"primary"
    if session.gates & GATE_FOLLOWER:
        return b"replica"
    return b"pubsub" if session.channels or session.patterns or session.shard_channels else b"normal"
