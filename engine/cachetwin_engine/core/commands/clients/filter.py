"""The filters of CLIENT LIST and CLIENT KILL."""

from typing import Final

from cachetwin_engine.core.acl.user import User
from cachetwin_engine.core.execution.client_info import flag_letters
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_REPLICA_STREAM
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.text.numbers import integer_or_none

_TYPES = {
    b"normal": b"normal",
    b"master": b"primary",
    b"primary": b"primary",
    b"slave": b"replica",
    b"replica": b"replica",
    b"pubsub": b"pubsub",
}
_WORDS: Final = {b"type", b"addr", b"laddr", b"user", b"skipme", b"maxage"}
_NEWER_WORDS: Final = {b"name", b"idle", b"flags", b"lib-name", b"lib-ver", b"db", b"capa", b"ip"}  # since Valkey 9
_NEVER_NEGATED: Final = {b"skipme", b"maxage", b"idle"}
_ANY: Final = frozenset(range(256))
_LETTERS: Final = {b"flags": frozenset(b"OSMPxbtRBdcuAUreTIiEN"), b"capa": frozenset(b"r")}


class _Test:
    """One filter: which attribute it tests, for which value, and whether the result is negated."""

    def __init__(self, name: bytes, value: bytes, negated: bool) -> None:
        self.name = name
        self.value = value
        self.negated = negated
        self.number = 0
        self.ids: set[int] = set()
        self.user: User | None = None

    def holds(self, client: Client, now_ms: int) -> bool:
        """Whether the attribute of ``client`` has the value, before negation."""
        name, value = self.name, self.value
        if name == b"id":
            return client.id in self.ids
        if name == b"type":
            return kind_of(client) == value
        if name == b"addr":
            return client.address.encode() == value
        if name == b"laddr":
            return client.local_address.encode() == value
        if name == b"user":
            return client.caller.user is self.user
        if name == b"maxage":
            return (now_ms - client.created_ms) // 1000 >= self.number
        if name == b"idle":
            return (now_ms - client.last_command_ms) // 1000 >= self.number
        if name == b"flags":
            return _has_flags(client, value)
        if name == b"capa":
            return client.redirects or not value
        if name == b"db":
            return client.caller.db.index == self.number
        if name == b"ip":
            return client.address.rpartition(":")[0].strip("[]").encode() == value
        shown = {b"name": client.name, b"lib-name": client.lib_name, b"lib-ver": client.lib_version}[name]
        return shown == value and shown != b""  # an empty value matches no client without a name


def _has_flags(client: Client, letters: bytes) -> bool:
    """Whether the client has all these flags of CLIENT LIST; ``N`` stands for no flags."""
    flags = flag_letters(client)
    for letter in letters:
        if letter == 0x4E and flags:
            return False
        if letter == 0x53 and (0x53 in flags or 0x4F in flags):
            continue  # a client that runs MONITOR counts as a replica
        if letter != 0x4E and letter not in flags:
            return False
    return True


class ClientFilter:
    """The filters of one command; a connection must pass all of them. Raises CommandError."""

    def __init__(self, ctx: Context, args: list[bytes], start: int, for_kill: bool) -> None:
        self._ctx = ctx
        self._for_kill = for_kill
        self._tests: dict[bytes, _Test] = {}  # by the word as given, so that the last one of each counts
        self._skip_me = for_kill
        self._has_more_filters = ctx.engine.profile.has_more_client_filters
        if len(args) == start + 1:
            raise syntax_error()
        at = start
        while at < len(args):
            at = self._take(args, at)

    def _take(self, args: list[bytes], at: int) -> int:
        """Read the filter at ``at``; the place of the next one. Raises CommandError."""
        word = args[at].lower()
        negated = self._has_more_filters and word.startswith(b"not-")
        name = word[4:] if negated else word
        if name == b"id":
            return self._take_ids(word, negated, args, at + 1)
        known = name in _WORDS or (self._has_more_filters and name in _NEWER_WORDS)
        if at + 1 >= len(args) or not known or (negated and name in _NEVER_NEGATED):
            raise syntax_error()
        value = args[at + 1]
        if name == b"skipme":
            if value.lower() not in {b"yes", b"no"}:
                raise syntax_error()
            self._skip_me = value.lower() == b"yes"
        else:
            test = _Test(name, value, negated)
            self._check(test, word)
            self._tests[word] = test
        return at + 2

    def _check(self, test: _Test, word: bytes) -> None:
        """Read the value of a filter. Raises CommandError."""
        value = test.value
        if test.name == b"type":
            test.value = _TYPES.get(value.lower(), b"")
            if not test.value:
                raise CommandError(b"ERR Unknown client type '" + value + b"'")
        elif test.name == b"user":
            test.user = self._ctx.engine.acl.users.get(value)
            if test.user is None:
                raise CommandError(b"ERR No such user '" + value + b"'")
        elif test.name in {b"maxage", b"idle"}:
            test.number = _number(value, word)
            if test.number <= 0:
                raise CommandError(b"ERR " + word + b" should be greater than 0")
        elif test.name == b"db":
            test.number = _number(value, word.upper(), 32)
            databases = len(self._ctx.engine.databases)
            if not 0 <= test.number < databases:
                raise CommandError(b"ERR %b number should be between 0 and %d" % (word.upper(), databases - 1))
        elif not _LETTERS.get(test.name, _ANY).issuperset(value):
            where = b"the " + word.upper() if test.negated else b"the provided"
            raise CommandError(b"ERR Unknown " + test.name + b" found in " + where + b" filter: " + value)

    def _take_ids(self, word: bytes, negated: bool, args: list[bytes], at: int) -> int:
        """Read the numbers up to the next word that is none; several lists are joined. Raises CommandError."""
        if not self._ctx.engine.profile.takes_several_client_ids:
            return self._take_ids_as_before(args, at)
        test = self._tests.get(word)
        if test is None:
            test = self._tests[word] = _Test(b"id", b"", negated)
        while at < len(args):
            number = integer_or_none(args[at])
            if number is None:
                break
            if number <= 0:
                raise CommandError(b"ERR client-id should be greater than 0")
            test.ids.add(number)
            at += 1
        return at

    def _take_ids_as_before(self, args: list[bytes], at: int) -> int:
        """The same before Valkey 8.1: one ID in CLIENT KILL, all remaining words in CLIENT LIST. Raises CommandError."""
        if at >= len(args):
            raise syntax_error()
        end = at + 1 if self._for_kill else len(args)
        test = self._tests[b"id"] = _Test(b"id", b"", negated=False)
        for word in args[at:end]:
            number = integer_or_none(word)
            if self._for_kill and (number is None or number <= 0):
                raise CommandError(b"ERR client-id should be greater than 0")
            if number is None:
                raise CommandError(b"ERR Invalid client ID")
            test.ids.add(number)
        return end

    def matches(self, client: Client) -> bool:
        """Whether ``client`` passes every filter."""
        for test in self._tests.values():
            if test.holds(client, self._ctx.engine.now_ms) == test.negated:
                return False
        return not (self._skip_me and client is self._ctx.session)


def _number(value: bytes, name: bytes, bits: int = 64) -> int:
    number = integer_or_none(value)
    if number is None or number.bit_length() >= bits:
        raise CommandError(b"ERR " + name + b" is not an integer or out of range")
    return number


def kind_of(client: Client) -> bytes:
    """The type of a client: normal, pubsub, replica or primary; a client that runs MONITOR is normal."""
    if client.is_primary:
        return b"primary"
    if client.client_flags & CLIENT_REPLICA_STREAM:
        return b"replica"
    return b"pubsub" if client.channels or client.patterns or client.shard_channels else b"normal"
