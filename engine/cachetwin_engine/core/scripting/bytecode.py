"""One change to compiled Lua: ``return redis.call(...)`` keeps its place on the stack.

Lua 5.1 turns that into a tail call, and a function that was tail-called no longer knows which line called it. Errors name
that line, so the call is made an ordinary one, which differs in nothing else. Other tail calls stay as they are: deep
recursion may depend on them. A chunk that is not laid out as expected is left alone.
"""

from typing import Final

_HEAD: Final = (
    b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"  # 5.1, little endian, int 4, size_t 8, instruction 4, number 8
)
_MOVE: Final = 0
_GETUPVAL: Final = 4
_GETGLOBAL: Final = 5
_GETTABLE: Final = 6
_SELF: Final = 11
_CALL: Final = 28
_TAILCALL: Final = 29
_LOADS: Final = {_MOVE, _GETUPVAL, _GETGLOBAL, _GETTABLE, _SELF}
_CONSTANT: Final = 256  # an operand from here on is a constant
_NUMBER: Final = 3
_STRING: Final = 4
_CALLED: Final = {b"call\x00", b"pcall\x00"}


def keep_callers(chunk: bytes) -> bytes:
    """``chunk``, a function as ``string.dump`` gives it, with its tail calls of ``call`` and ``pcall`` made plain calls."""
    if not chunk.startswith(_HEAD):
        return chunk
    code = bytearray(chunk)
    _Walk(code).function(len(_HEAD))
    return bytes(code)


class _Walk:
    """A way through the functions of a chunk, changing their instructions."""

    def __init__(self, code: bytearray) -> None:
        self._code = code

    def _int(self, at: int) -> int:
        return int.from_bytes(self._code[at : at + 4], "little")

    def _string(self, at: int) -> tuple[bytes, int]:
        """A string with its final zero, and where it ends."""
        end = at + 8 + int.from_bytes(self._code[at : at + 8], "little")
        return bytes(self._code[at + 8 : end]), end

    def function(self, at: int) -> int:
        """A function and those in it; where it ends."""
        at = self._string(at)[1] + 12  # its source, two lines, four small counts
        first, count = at + 4, self._int(at)
        constants, at = self._constants(first + 4 * count)
        self._change(first, count, constants)
        inner = self._int(at)
        at += 4
        for _ in range(inner):
            at = self.function(at)
        at += 4 + 4 * self._int(at)  # the line of each instruction
        for tail in (8, 0):  # names: of locals with two places, of upvalues
            names = self._int(at)
            at += 4
            for _ in range(names):
                at = self._string(at)[1] + tail
        return at

    def _constants(self, at: int) -> tuple[list[bytes], int]:
        """The constants, empty unless strings, and where they end."""
        found: list[bytes] = []
        count = self._int(at)
        at += 4
        for _ in range(count):
            kind = self._code[at]
            at += 1
            text = b""
            if kind == _STRING:
                text, at = self._string(at)
            elif kind == _NUMBER:
                at += 8
            elif kind:
                at += 1  # a boolean
            found.append(text)
        return found, at

    def _change(self, first: int, count: int, constants: list[bytes]) -> None:
        for number in range(count):
            at = first + 4 * number
            if self._code[at] & 63 == _TAILCALL and self._name_of(first, number, constants) in _CALLED:
                self._code[at] = self._code[at] & 0xC0 | _CALL

    def _name_of(self, first: int, number: int, constants: list[bytes]) -> bytes:
        """The name under which the called function was taken from a table, empty if it was not."""
        register = self._int(first + 4 * number) >> 6 & 0xFF
        for before in range(number - 1, -1, -1):
            instruction = self._int(first + 4 * before)
            operation = instruction & 63
            if operation in _LOADS and instruction >> 6 & 0xFF == register:
                key = instruction >> 14 & 0x1FF
                return constants[key - _CONSTANT] if operation == _GETTABLE and key >= _CONSTANT else b""
        return b""
