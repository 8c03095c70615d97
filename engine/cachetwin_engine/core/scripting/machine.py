"""The Lua machine: one interpreter for an engine, made when the first script comes.

lupa has no types, so ``Any`` is let in here: what crosses from Lua is checked or converted in this module, and
everything beyond it is typed. Bytes stay bytes. A script sees nothing of Python: the functions given to the prelude take
and return only strings, numbers and booleans, and attribute access is refused.
"""

import contextlib
import hashlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from mypy_extensions import i64

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import NULL_3, NULL_BULK_2, OK, bulk, integer
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_SCRIPT
from cachetwin_engine.core.state.propagation import EVERYWHERE
from cachetwin_engine.core.text.doubles import digits_17, shortest

from . import library_calls
from .bytecode import keep_callers
from .outcome import Outcome, array_of, integer_of, one_line, outcome_of
from .prelude import CHUNK_NAME, PARTS, source
from .random_numbers import RandomNumbers
from .values import ReplyValues, line_number

if TYPE_CHECKING:
    from cachetwin_engine.core.registry.command_table import Command
    from cachetwin_engine.core.state.engine_state import EngineState


_SHORT_WORDS_MAX: Final = 64  # given one by one; more of them cost less as tables
_AS_TABLES: Final = 128  # added to the count of keys: the words come as two tables
_TO_RESP3: Final = 256  # added to the count of keys: the client's protocol
_VALUES_MAX: Final = 4000  # at once: a C function may give 8,000
_STATUS: Final = 1  # with a text: what it is to ``redis.call``
_COMMAND_ERROR: Final = 2
_ERROR: Final = 3
_ARRAY: Final = 4  # with the size of the row of values
_NESTED: Final = 5
LOAD_US_MAX: Final = 500_000
"""How long a library's code may run while it is loaded (500 ms, as Valkey's function_lua.c has it)."""


class Registered:
    """A function that a library registered while it was loaded."""

    def __init__(self, name: bytes, flags: list[bytes], description: bytes | None, function: Any) -> None:  # noqa: ANN401  (a Lua function)
        self.name = name
        self.flags = flags
        self.description = description
        self.function = function


class ScriptError(Exception):
    """An error for the script to catch or to end with."""

    def __init__(self, text: bytes, plain: bool) -> None:
        super().__init__(text)
        self.text = text
        self.plain = plain  # to the script it is a string, as errors of Lua itself are, not a table


class Machine:
    """A Lua interpreter with the prelude loaded."""

    def __init__(self, engine: "EngineState") -> None:
        import lupa.lua51  # noqa: PLC0415  (costs start-up time that nodes without scripts need not spend)

        self._engine = engine
        self._values: list[object] = []  # of the last reply that was more than one
        self._values_given = 0
        self._words: list[Any] = []  # of a command of many, gathered
        self._rows: list[Command] = []  # that scripts call, and how they spell their names
        self._names: list[bytes] = []
        self._random = RandomNumbers()
        self._is_server = engine.profile.has_server_object
        self._loaded_until_us = 0
        self._registered: list[Registered] = []
        self._accept: Callable[[bytes], bytes | None] | None = None
        self._bug: Exception | None = None
        runtime = lupa.lua51.LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_deny,
        )
        self._runtime: Any = runtime
        host = runtime.table_from(
            {
                b"row": self._row, b"call_0": self._call_0, b"call_1": self._call_1, b"call_2": self._call_2,
                b"call_3": self._call_3, b"call": self._call, b"gather": self._gather,
                b"call_gathered": self._call_gathered, b"values": self._next_values, b"describe": _describe,
                b"poll": self._poll, b"keep_callers": keep_callers,
                b"acl_check": self._acl_check, b"setresp": self._setresp, b"log": self._log,
                b"set_repl": self._set_repl, b"random": self._draw,
                b"randomseed": self._seed, b"register": self._register, b"sha1hex": sha1_hex,
                b"shortest": self._double_text,
                b"pack_int64": library_calls.pack_int64, b"pack_float": library_calls.pack_float,
                b"unpack_float": library_calls.unpack_float, b"struct_pack": library_calls.struct_pack,
                b"struct_unpack": library_calls.struct_unpack, b"struct_size": library_calls.struct_size,
                b"bit": library_calls.bit, b"constants": runtime.table_from(_constants(engine)),
                b"name": b"server" if self._is_server else b"redis",
            }
        )  # fmt: skip
        self._functions: Any = _load_prelude(runtime, host)
        self._own_bytes = int(self._functions[b"memory"]())

    def compile(self, text: bytes, name: bytes) -> Any:  # noqa: ANN401  (a Lua function)
        """A Lua function. Raises CommandError with Lua's complaint."""
        compiled: Any = self._functions[b"compile"](text, name)
        if isinstance(compiled, bytes):
            raise CommandError(compiled)
        return compiled

    def run(self, function: Any, args: list[bytes], key_count: int, to_resp3: bool) -> bytes | Outcome:  # noqa: ANN401  (a Lua function)
        """Run a script, or a library's function, with the words of a command: it, its name, a count, keys, arguments."""
        shape = key_count + _TO_RESP3 if to_resp3 else key_count
        count = len(args) - 3
        value: Any
        if count == 2:
            value = function(shape, args[3], args[4])
        elif count == 1:
            value = function(shape, args[3])
        elif count == 0:
            value = function(shape)
        elif count <= _SHORT_WORDS_MAX:
            value = function(shape, *args[3:])
        else:
            table_from: Any = self._runtime.table_from
            keys, argv = table_from(args[3 : 3 + key_count]), table_from(args[3 + key_count :])
            value = function(shape - key_count + _AS_TABLES, keys, argv)
        bug = self._bug
        if bug is not None:
            self._bug = None
            raise bug
        if value is True:
            return OK
        if isinstance(value, bytes):
            return bulk(value)
        if isinstance(value, int):
            return integer(value)
        if value is None:
            return NULL_3 if to_resp3 else NULL_BULK_2
        if isinstance(value, float):
            return integer_of(value)
        if value[0] is not False:
            return outcome_of(value)
        reply = array_of(value, NULL_3 if to_resp3 else NULL_BULK_2)
        if reply is None:
            encoded: bytes = self._functions[b"encode_given"]()
            return encoded
        return reply

    def use_protocols(self, client3: bool, script3: bool) -> None:
        """Resume a script after another one ran."""
        self._functions[b"use_protocols"](client3, script3)

    def forget_rows(self) -> None:
        """The table of commands has changed."""
        self._functions[b"forget_rows"]()
        self._rows = []
        self._names = []

    def load_library(self, text: bytes, accept: Callable[[bytes], bytes | None]) -> list[Registered]:
        """Run a library's code; what it registered. ``accept`` says what is wrong with a name or flag.

        Raises CommandError.
        """
        self._registered = []
        self._accept = accept
        self._loaded_until_us = self._engine.clock() + LOAD_US_MAX
        problem: Any = self._functions[b"load_library"](text)
        self._loaded_until_us = 0
        self._accept = None
        if problem:
            raise CommandError(one_line(problem))
        return self._registered

    def memory_bytes(self) -> int:
        """What scripts hold: the interpreter's memory beyond what it starts with."""
        return max(int(self._functions[b"memory"]()) - self._own_bytes, 0)

    # -- what Lua calls -----------------------------------------------------------------------------------------------

    def _row(self, name: bytes) -> int | None:
        """The number of a command without sub-commands, None if there is none."""
        table = self._engine.commands
        command = table.get(name) or table.get(name.lower())
        if command is None or command.subcommands is not None:
            return None
        self._rows.append(command)
        self._names.append(name)
        return len(self._rows) - 1

    def _call_0(self, row: int) -> Any:  # noqa: ANN401  (to Lua)
        """redis.call and redis.pcall: the reply as a value, or as a text or size and what that is."""
        return self._answer_row(row, [self._names[row]])

    def _call_1(self, row: int, word: Any) -> Any:  # noqa: ANN401  (from and to Lua)
        return self._answer_row(row, [self._names[row], word])

    def _call_2(self, row: int, word: Any, second: Any) -> Any:  # noqa: ANN401  (from and to Lua)
        return self._answer_row(row, [self._names[row], word, second])

    def _call_3(self, row: int, word: Any, second: Any, third: Any) -> Any:  # noqa: ANN401  (from and to Lua)
        return self._answer_row(row, [self._names[row], word, second, third])

    def _call(self, *words: Any) -> Any:  # noqa: ANN401  (from and to Lua)
        return self._answer(list(words))

    def _gather(self, *words: Any) -> None:  # noqa: ANN401  (from Lua)
        """Some of many words: lupa takes time by the square of their number."""
        self._words += words

    def _call_gathered(self) -> Any:  # noqa: ANN401  (to Lua)
        words = self._words
        self._words = []
        return self._answer(words)

    def _answer(self, words: list[Any]) -> Any:  # noqa: ANN401  (from and to Lua)
        if not words:
            what = b"call" if self._is_server else b"redis lib call"
            return b"ERR Please specify at least one argument for this " + what, _ERROR
        return self._answer_row(-1, words)

    def _answer_row(self, row: int, words: list[Any]) -> Any:  # noqa: ANN401  (from and to Lua)
        for place in range(len(words)):
            word = words[place]
            if isinstance(word, bytes):
                continue
            if not isinstance(word, (int, float)) or isinstance(word, bool):
                what = b"Command" if self._is_server else b"Lua redis lib command"
                return b"ERR " + what + b" arguments must be strings or integers", _ERROR
            words[place] = _integer_text(word) if isinstance(word, int) else self._number_text(word)
        run = self._engine.running_script
        if run is None:
            return b"ERR commands can only be called inside a script invocation", _ERROR
        try:
            reply = run.call(words) if row < 0 else run.call_row(self._rows[row], words)
        except Exception as bug:
            self._bug = bug  # Lua would make it an error of the script; it is ours
            raise
        return self._value_of(reply)

    def _value_of(self, reply: bytes) -> Any:  # noqa: ANN401  (to Lua)
        """True stands for the status OK, False for the null of RESP2."""
        kind = reply[0]
        if kind == _DOLLAR:
            if reply[1] == _MINUS:
                return False
            at: i64 = 3  # behind at least one digit and a carriage return
            while reply[at] != _LF:
                at += 1
            return reply[at + 1 : -2]
        if kind == _COLON:
            return line_number(reply)
        if kind == _PLUS:
            return True if reply == OK else (reply[1:-2], _STATUS)
        if kind == _MINUS:
            return reply[1:-2], _COMMAND_ERROR
        values = ReplyValues(reply)
        self._values = values.row
        self._values_given = 0
        return len(values.row), _ARRAY if values.is_plain else _NESTED

    def _next_values(self) -> tuple[object, ...]:
        """The row of values that were announced, or as many as can be given at once."""
        values = self._values
        start = self._values_given
        if start + _VALUES_MAX < len(values):
            self._values_given = start + _VALUES_MAX
            return tuple(values[start : start + _VALUES_MAX])
        self._values = []
        return tuple(values[start:] if start else values)

    def _poll(self) -> bytes | None:
        """Called every so often while a script runs: what it must end with, or None."""
        engine = self._engine
        running = engine.running_script
        if running is None:
            late = self._loaded_until_us and engine.clock() >= self._loaded_until_us
            return b"ERR FUNCTION LOAD timeout" if late else None
        if (
            not running.killed
            and engine.clock() - running.started_us >= engine.config.server.busy_reply_threshold_ms * 1000
        ):
            actor, batch_started_us = engine.actor, engine.batch_started_us
            ready, suspended = engine.ready_keys, engine.propagation.suspend()  # nobody sees half of what a script does
            engine.ready_keys = []
            engine.blocked_by |= BLOCKED_BY_SCRIPT
            engine.host.serve_others()
            running.time_us = engine.clock()  # as in Valkey, whose cached time goes on when it serves others
            engine.actor, engine.batch_started_us = actor, batch_started_us
            engine.ready_keys = ready
            engine.propagation.restore(suspended)
        if running.killed:
            return b"ERR Script killed by user with " + running.kill_command + b"."
        return b"ERR Script ended by the server's shutdown." if engine.shutdown_requested else None

    def _acl_check(self, *words: bytes) -> bool | None:
        run = self._engine.running_script
        return None if run is None else run.may(list(words))

    def _setresp(self, version: float) -> None:
        run = self._engine.running_script
        if run is not None:
            run.caller.use_protocol(int(version))

    def _set_repl(self, flags: float) -> None:
        run = self._engine.running_script
        if run is not None:
            run.targets = int(flags) & EVERYWHERE

    def _log(self, level: float, text: bytes) -> None:
        self._engine.host.script_logged(int(level), text)

    def _double_text(self, number: float) -> bytes:
        value = float(number)
        return shortest(value) if self._engine.profile.shortest_doubles else digits_17(value)

    def _number_text(self, number: float) -> bytes:
        if abs(number) < 2**63 and number == number // 1:
            return b"%d" % int(number)
        return self._double_text(number)

    def _where(self) -> bytes:
        place: bytes = self._functions[b"where"]()
        return place

    def _plain_error(self, text: bytes) -> ScriptError:
        return ScriptError(self._where() + text, plain=True)

    def _draw(self, *bounds: Any) -> float | int:  # noqa: ANN401  (from Lua)
        """math.random([low,] high)."""
        unit = self._random.unit()
        if not bounds:
            return unit
        if len(bounds) > 2:
            raise self._plain_error(b"wrong number of arguments")
        limits = [self._integer(bound, place, b"random") for place, bound in enumerate(bounds, 1)]
        low = limits[0] if len(limits) == 2 else 1
        high = limits[-1]
        if low > high:
            raise self._plain_error(b"bad argument #%d to 'random' (interval is empty)" % len(limits))
        return math.floor(unit * (high - low + 1)) + low

    def _seed(self, *seeds: Any) -> None:  # noqa: ANN401  (from Lua)
        """math.randomseed(seed)."""
        if not seeds:
            raise self._plain_error(b"bad argument #1 to 'randomseed' (number expected, got no value)")
        self._random.seed(self._integer(seeds[0], 1, b"randomseed"))

    def _integer(self, value: Any, place: int, name: bytes) -> int:  # noqa: ANN401  (from Lua)
        """An argument as Lua reads it. Raises ScriptError."""
        number: float | None = None
        if isinstance(value, bytes):
            with contextlib.suppress(ValueError):
                number = float(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            number = value
        if number is None:
            kind = _LUA_TYPES.get(type(value), b"table")
            raise self._plain_error(b"bad argument #%d to '%b' (number expected, got %b)" % (place, name, kind))
        return int(number) if math.isfinite(number) else -(2**31)

    def _register(self, name: bytes, flags: bytes, description: Any, function: Any) -> tuple[bytes | None, bool]:  # noqa: ANN401  (from Lua)
        """Note a library's function: what is wrong with it, and whether that is all the reply says."""
        words = flags.split()
        for word in words:
            if word not in FLAGS:
                return b"ERR unknown flag given", False
        problem = None if self._accept is None else self._accept(name)
        if problem is None:
            text = description if isinstance(description, bytes) else None
            self._registered.append(Registered(name, words, text, function))
        return problem, self._engine.profile.has_scripting_engines


_DOLLAR: Final = 36
_PLUS: Final = 43
_MINUS: Final = 45
_COLON: Final = 58
_LF: Final = 10
_SMALL: Final = 1024
_SMALL_INTEGERS: Final[list[bytes]] = [b"%d" % number for number in range(_SMALL)]
_LUA_TYPES: Final[dict[type, bytes]] = {type(None): b"nil", bool: b"boolean", bytes: b"string"}
FLAGS: Final = frozenset({b"no-writes", b"allow-oom", b"allow-stale", b"no-cluster", b"allow-cross-slot-keys"})


def sha1_hex(text: bytes) -> bytes:
    """What names a script."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


def _integer_text(number: int) -> bytes:
    return _SMALL_INTEGERS[number] if 0 <= number < _SMALL else str(number).encode("ascii")


def _deny(_obj: object, _name: object, _sets: bool) -> object:
    raise AttributeError("scripts have no access to Python")


def _load_prelude(runtime: Any, host: Any) -> Any:  # noqa: ANN401  (of lupa)
    """Run the parts of the prelude; what the last one returned."""
    load: Any = runtime.eval(b"function(text, name) return loadstring(text, name) end")
    parts: Any = runtime.table_from({})
    result: Any = None
    for part in PARTS:
        chunk: Any = load(source(part), CHUNK_NAME)
        if isinstance(chunk, tuple):
            raise RuntimeError(f"{part}.lua does not compile: {chunk[1]!r}")
        result = chunk(host, parts)
        parts[part.encode()] = result
    return result


def _describe(problem: object) -> tuple[bytes, bool]:
    """An exception's text, and whether scripts see a plain string."""
    if isinstance(problem, ScriptError):
        return problem.text, problem.plain
    return str(problem).encode(), True


def _constants(engine: "EngineState") -> dict[bytes, bytes | int]:
    profile = engine.profile
    constants: dict[bytes, bytes | int] = {
        b"LOG_DEBUG": 0, b"LOG_VERBOSE": 1, b"LOG_NOTICE": 2, b"LOG_WARNING": 3,
        b"REPL_NONE": 0, b"REPL_AOF": 1, b"REPL_SLAVE": 2, b"REPL_REPLICA": 2, b"REPL_ALL": 3,
        b"REDIS_VERSION": profile.compatible_version.encode(), b"REDIS_VERSION_NUM": _number(profile.compatible_version),
    }  # fmt: skip
    if profile.is_valkey:
        constants[b"SERVER_NAME"] = b"valkey"
        constants[b"VALKEY_VERSION"] = profile.version.encode()
        constants[b"VALKEY_VERSION_NUM"] = _number(profile.version)
    return constants


def _number(version: str) -> int:
    major, minor, patch = version.split(".")
    return int(major) << 16 | int(minor) << 8 | int(patch)
