"""The keys of a request by the row's key specifications: for ACL, cluster routing and COMMAND GETKEYS."""

from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.text.numbers import integer_or_none

from .command_table import Command, KeySpec

_STORING: Final = {b"georadius", b"georadiusbymember"}
_OVERWRITTEN: Final = KeySpec("OW", "update")
_READ: Final = KeySpec("RO", "access")
INVALID_ARGUMENTS: Final = b"ERR Invalid arguments specified for command"


class KeyPosition:
    """One key of a request."""

    def __init__(self, index: int, spec: KeySpec) -> None:
        self.index = index
        self.spec = spec


def key_positions(command: Command, args: list[bytes]) -> list[KeyPosition]:
    """The keys of ``args`` in the order of the specifications. Raises CommandError for an invalid count of keys."""
    if command.name in _STORING:
        return _searched(command, args)
    found: list[KeyPosition] = []
    for spec in command.keys:
        if (
            command.name == b"migrate"
            and not spec.keyword
            and not args[spec.index]
            and _begin(command.keys[1], args) >= 0
        ):
            continue  # the empty key stands for the keys after KEYS
        begin = _begin(spec, args)
        if begin < 0:
            continue
        if spec.numkeys >= 0:
            _counted(spec, args, begin, found)
        else:
            _ranged(command, spec, args, begin, found)
    return found


def _searched(command: Command, args: list[bytes]) -> list[KeyPosition]:
    """The searched key, and the key after the last STORE or STOREDIST."""
    stored = 0
    at = 5
    while at + 1 < len(args):
        if args[at].upper() in {b"STORE", b"STOREDIST"}:
            at += 1
            stored = at
        at += 1
    found = [KeyPosition(1, command.keys[0])]
    return [*found, KeyPosition(stored, command.keys[1])] if stored else found


def _begin(spec: KeySpec, args: list[bytes]) -> int:
    """The argument at which the search begins, -1 if the keyword is missing."""
    if spec.unknown:  # the last STORE of SORT, whose position COMMAND INFO can't describe
        for at in range(len(args) - 2, 1, -1):
            if spec.keyword and args[at].upper() == spec.keyword:
                return at + 1
        return -1
    if not spec.keyword:
        return spec.index if spec.index < len(args) else -1
    step = 1 if spec.index > 0 else -1
    at = spec.index if spec.index > 0 else len(args) + spec.index
    while 0 < at < len(args):
        if args[at].upper() == spec.keyword and at + 1 < len(args):
            return at + 1
        at += step
    return -1


def _as_used(name: bytes, spec: KeySpec, args: list[bytes]) -> KeySpec:
    """The access that the arguments imply: SET reads only with GET, BITFIELD writes only with SET or INCRBY (db.c)."""
    if name == b"set":
        return spec if any(arg.upper() == b"GET" for arg in args[3:]) else _OVERWRITTEN
    at = 2
    while at < len(args):
        word = args[at].upper()
        if word == b"GET" and at + 2 < len(args):
            at += 3
        elif word == b"OVERFLOW" and at + 1 < len(args):
            at += 2
        else:
            return spec
    return _READ


def _counted(spec: KeySpec, args: list[bytes], begin: int, found: list[KeyPosition]) -> None:
    at = begin + spec.numkeys
    count = integer_or_none(args[at]) if at < len(args) else None
    first = begin + spec.first
    if count is None or count < 0 or first + (count - 1) * spec.step >= len(args):
        raise CommandError(INVALID_ARGUMENTS)
    for index in range(count):
        found.append(KeyPosition(first + index * spec.step, spec))


def _ranged(command: Command, spec: KeySpec, args: list[bytes], begin: int, found: list[KeyPosition]) -> None:
    last = begin + spec.last
    if spec.last < 0:
        last = len(args) + spec.last
        if spec.limit > 1 and spec.last == -1:
            last = begin + (len(args) - begin) // spec.limit - 1
    used = _as_used(command.name, spec, args) if spec.variable else spec
    for at in range(begin, min(last, len(args) - 1) + 1, spec.step):
        found.append(KeyPosition(at, used))
