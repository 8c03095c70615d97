"""A change to compiled Lua: ``return redis.call(...)`` becomes an ordinary call, so that its errors name their line.

Lua 5.1 compiles that statement to a tail call, and after a tail call Lua does not know which line made it. An error of a
command names that line (``script: SHA, on @user_script:1.``). Valkey's functions are written in C, whose tail calls keep
the caller; ours are written in Lua, because the speed of scripts rests on it: the same function behind one of Python,
which Lua treats like C, costs two more crossings, 1.05 us instead of 0.35 for each call. The change costs 3 us when a
script of one call is compiled, 160 us for thirty functions (compiled build), and nothing when it runs.

An ordinary call differs in nothing else but the stack that deep recursion takes. So only tail calls of the server's
functions are changed: of those that are taken from a table by one of their names, there or where a local variable was
given its value, and of globals, which are all the server's. A chunk that is not laid out as expected is left alone.
"""

from typing import Final

_HEAD: Final = (
    b"\x1bLua\x51\x00\x01\x04\x08\x04\x08\x00"  # 5.1, little endian, int 4, size_t 8, instruction 4, number 8
)
_MOVE: Final = 0
_LOADNIL: Final = 3
_GETUPVAL: Final = 4
_GETGLOBAL: Final = 5
_GETTABLE: Final = 6
_CALL: Final = 28
_TAILCALL: Final = 29
_CLOSURE: Final = 36
_SETS_NO_REGISTER: Final = {7, 8, 9, 22, 23, 24, 25, 26, 30, 34, 35}  # SETGLOBAL to SETTABLE, JMP to TEST, ...
_NOTHING: Final = -1  # in place of what is no instruction
_CONSTANT: Final = 256  # an operand from here on is a constant
_NUMBER: Final = 3
_STRING: Final = 4
_GLOBAL: Final = b"a global"
_SERVERS: Final = frozenset(
    [
        _GLOBAL,
        # redis
        b"call", b"pcall", b"error_reply", b"status_reply", b"sha1hex", b"log", b"setresp", b"set_repl",
        b"acl_check_cmd", b"replicate_commands", b"breakpoint", b"debug", b"register_function",
        # struct, cmsgpack
        b"pack", b"unpack", b"size", b"unpack_one", b"unpack_limit",
        # bit
        b"tobit", b"bnot", b"band", b"bor", b"bxor", b"lshift", b"rshift", b"arshift", b"rol", b"ror", b"bswap", b"tohex",
        # cjson
        b"encode", b"decode", b"encode_number_precision", b"encode_max_depth", b"decode_max_depth",
        b"encode_invalid_numbers", b"decode_invalid_numbers", b"encode_keep_buffer", b"encode_sparse_array", b"new",
    ]
)  # fmt: skip


def keep_callers(chunk: bytes) -> bytes:
    """``chunk``, a function as ``string.dump`` gives it, with its tail calls of the server's functions made plain calls."""
    if not chunk.startswith(_HEAD):
        return chunk
    reader = _Reader(chunk)
    reader.function(len(_HEAD))
    code = bytearray(chunk)
    for function in reader.functions:
        function.change(code)
    return bytes(code)


class _Function:
    """A function of the chunk."""

    def __init__(self, first: int, instructions: list[int], constants: list[bytes], upvalue_count: int) -> None:
        self._first = first  # where its instructions are
        self._instructions = instructions
        self._constants = constants
        self._upvalue_count = upvalue_count
        self._outer: _Function | None = None
        self._upvalues: list[int] = []  # the instructions of ``_outer`` that say where its upvalues come from
        self._made_at = 0  # the number of the first of them

    def contains(self, functions: list["_Function"]) -> None:
        """These are the functions in it. What looks like an instruction and describes an upvalue becomes none."""
        at = 0
        while at < len(self._instructions):
            instruction = self._instructions[at]
            at += 1
            if instruction & 63 == _CLOSURE:
                made = functions[instruction >> 14]
                end = at + made._upvalue_count
                made._outer = self
                made._made_at = at
                made._upvalues = self._instructions[at:end]
                self._instructions[at:end] = [_NOTHING] * made._upvalue_count
                at = end

    def change(self, code: bytearray) -> None:
        """Make tail calls of the server's functions plain calls."""
        for number, instruction in enumerate(self._instructions):
            if instruction & 63 != _TAILCALL or instruction == _NOTHING:
                continue
            if self._name_in(instruction >> 6 & 0xFF, number) in _SERVERS:
                at = self._first + 4 * number
                code[at] = code[at] & 0xC0 | _CALL

    def _name_in(self, register: int, number: int) -> bytes:
        """How the value that ``register`` has at instruction ``number`` was come by; empty if that is not known."""
        for before in range(number - 1, -1, -1):
            instruction = self._instructions[before]
            operation = instruction & 63
            if instruction == _NOTHING or operation in _SETS_NO_REGISTER:
                continue
            target = instruction >> 6 & 0xFF
            if target != register and not (operation == _LOADNIL and target < register <= instruction >> 23):
                continue
            if operation == _GETTABLE:
                key = instruction >> 14 & 0x1FF
                return self._constants[key - _CONSTANT] if key >= _CONSTANT else b""
            if operation == _GETUPVAL:
                return self._name_of_upvalue(instruction >> 23)
            if operation == _MOVE:
                return self._name_in(instruction >> 23, before)
            return _GLOBAL if operation == _GETGLOBAL else b""
        return b""

    def _name_of_upvalue(self, number: int) -> bytes:
        outer = self._outer
        if outer is None:
            return b""
        source = self._upvalues[number]
        if source & 63 == _MOVE:
            return outer._name_in(source >> 23, self._made_at)
        return outer._name_of_upvalue(source >> 23)


class _Reader:
    """A way through a chunk."""

    def __init__(self, chunk: bytes) -> None:
        self._chunk = chunk
        self._end = 0  # of the function that was read last
        self.functions: list[_Function] = []  # all of them

    def function(self, at: int) -> _Function:
        """The function that begins there."""
        at = self._string(at)[1] + 8  # its source, two lines
        upvalue_count = self._chunk[at]
        at += 4  # and three other small counts
        count = self._int(at)
        first = at + 4
        instructions = [self._int(first + 4 * number) for number in range(count)]
        constants, at = self._constants(first + 4 * count)
        function = _Function(first, instructions, constants, upvalue_count)
        self.functions.append(function)
        inner: list[_Function] = []
        inner_count = self._int(at)
        self._end = at + 4
        for _ in range(inner_count):
            inner.append(self.function(self._end))
        function.contains(inner)
        self._skip_names(self._end)
        return function

    def _int(self, at: int) -> int:
        return int.from_bytes(self._chunk[at : at + 4], "little")

    def _string(self, at: int) -> tuple[bytes, int]:
        """A string without its final zero, and where it ends."""
        size = int.from_bytes(self._chunk[at : at + 8], "little")
        end = at + 8 + size
        return self._chunk[at + 8 : end - 1] if size else b"", end

    def _constants(self, at: int) -> tuple[list[bytes], int]:
        """The constants, empty unless strings, and where they end."""
        found: list[bytes] = []
        count = self._int(at)
        at += 4
        for _ in range(count):
            kind = self._chunk[at]
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

    def _skip_names(self, at: int) -> None:
        at += 4 + 4 * self._int(at)  # the line of each instruction
        for tail in (8, 0):  # names: of locals with two places, of upvalues
            names = self._int(at)
            at += 4
            for _ in range(names):
                at = self._string(at)[1] + tail
        self._end = at
