"""Scripts by SHA1 and libraries of functions: loading and keeping them."""

from typing import Any, Final

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.resp import split_words
from cachetwin_engine.core.registry.command_table import DENYOOM, MAY_REPLICATE, STALE, WRITE, Command
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.state.script_library import ScriptLibrary
from cachetwin_engine.core.text.numbers import parse_int

from .machine import FLAGS, Machine, Registered, sha1_hex

EVALUATED_MAX: Final = 500  # scripts that only EVAL has loaded: beyond these the oldest are dropped (eval.c)
_NAME_RULE: Final = b"can only contain letters, numbers, or underscores(_) and must be at least one character long"


class Script:
    """A compiled script."""

    def __init__(self, sha: bytes, body: bytes, function: Any, flags: list[bytes] | None) -> None:  # noqa: ANN401  (a Lua function)
        self.sha = sha
        self.body = body
        self.function = function
        self.flags = flags  # None without a shebang: each command is checked by itself


class Library:
    """Functions that were loaded together."""

    def __init__(self, name: bytes, code: bytes, functions: list[Registered]) -> None:
        self.name = name
        self.code = code
        self.functions = {function.name: function for function in functions}


class ScriptStore(ScriptLibrary):
    """All scripts and libraries of one engine."""

    def __init__(self, engine: EngineState) -> None:
        self._engine = engine
        self._machine: Machine | None = None
        self._library_machine: Machine | None = None
        self.scripts: dict[bytes, Script] = {}
        self._by_body: dict[bytes, Script] = {}  # the same scripts: a look-up costs less than a digest
        self.evaluated: dict[bytes, bool] = {}  # scripts that only EVAL has loaded, the one used last at the end
        self.newest: Script | None = None  # used last
        self.evicted = 0
        self.libraries: dict[bytes, Library] = {}
        self.functions: dict[bytes, tuple[Library, Registered]] = {}  # by name in lower case: case doesn't matter
        self.allows_every_command = False  # DEBUG SET-DISABLE-DENY-SCRIPTS

    def machine(self) -> Machine:
        """The interpreter of scripts, started at the first call."""
        if self._machine is None:
            self._machine = Machine(self._engine)
        return self._machine

    def library_machine(self) -> Machine:
        """The interpreter of libraries. Scripts run in another one, which SCRIPT FLUSH discards."""
        if self._library_machine is None:
            self._library_machine = Machine(self._engine)
        return self._library_machine

    def forget_rows(self) -> None:
        """The table of commands has changed."""
        for machine in (self._machine, self._library_machine):
            if machine is not None:
                machine.forget_rows()

    def memory_bytes(self) -> int:
        """Memory of the interpreter of scripts."""
        return 0 if self._machine is None else self._machine.memory_bytes()

    def library_memory_bytes(self) -> int:
        """Memory of the interpreter of libraries."""
        return 0 if self._library_machine is None else self._library_machine.memory_bytes()

    def known(self, sha: bytes) -> Script:
        """The script of that digest, in any case. Raises CommandError."""
        script = self.scripts.get(sha.lower())
        if script is None:
            advice = b" Please use EVAL." if self._engine.profile.names_redis_in_errors else b""
            raise CommandError(b"NOSCRIPT No matching script." + advice)
        return script

    # -- scripts ------------------------------------------------------------------------------------------------------

    def load(self, body: bytes, keep: bool) -> Script:
        """Compile ``body`` if it is new. ``keep``: SCRIPT LOAD, so it stays until SCRIPT FLUSH. Raises CommandError."""
        script = self._by_body.get(body)
        if script is None:
            sha = sha1_hex(body)
            flags, code = script_flags(body, self._engine.profile.has_scripting_engines)
            try:
                function = self.machine().compile(code, b"@user_script")
            except CommandError as problem:
                raise CommandError(b"ERR Error compiling script (new function): " + problem.line) from None
            script = self.scripts[sha] = self._by_body[body] = Script(sha, body, function, flags)
            if not keep:
                self._note_evaluated(sha)
        if keep:
            self.evaluated.pop(script.sha, None)
        return script

    def of_body(self, body: bytes) -> Script:
        """The script of that text, compiled if it is new. Raises CommandError."""
        script = self._by_body.get(body)
        return self.load(body, keep=False) if script is None else script

    def _note_evaluated(self, sha: bytes) -> None:
        self.evaluated[sha] = True
        if len(self.evaluated) > EVALUATED_MAX:
            oldest = next(iter(self.evaluated))
            del self.evaluated[oldest]
            script = self.scripts.pop(oldest, None)
            if script is not None:
                del self._by_body[script.body]
            self.evicted += 1

    def note_used(self, script: Script) -> None:
        """Make ``script`` the most recently used; the least recently used that only EVAL has loaded is dropped first."""
        self.newest = script
        if self.evaluated.pop(script.sha, False):
            self.evaluated[script.sha] = True

    def flush_scripts(self) -> None:
        """SCRIPT FLUSH: drop the scripts and their interpreter."""
        self._machine = None
        self.scripts = {}
        self._by_body = {}
        self.newest = None
        self.evaluated = {}

    def flags_of(self, command: Command, args: list[bytes]) -> int:
        """The flags of ``command`` with ``args``: the flags that a script or function declares replace some."""
        if command.group != "scripting" or len(args) < 2:
            return command.flags
        declared: list[bytes] | None = None
        if command.name in {b"eval", b"eval_ro"}:
            declared = self._declared(args[1])
        elif command.name in {b"evalsha", b"evalsha_ro"}:
            script = self.scripts.get(args[1].lower())
            declared = None if script is None else script.flags
        elif command.name in {b"fcall", b"fcall_ro"}:
            found = self.functions.get(args[1].lower())
            declared = None if found is None else found[1].flags
        if declared is None:
            return command.flags
        flags = command.flags & ~(STALE | DENYOOM | WRITE | MAY_REPLICATE)
        if b"no-writes" not in declared:
            flags |= WRITE
            if b"allow-oom" not in declared:
                flags |= DENYOOM
        return flags | STALE if b"allow-stale" in declared else flags

    def _declared(self, body: bytes) -> list[bytes] | None:
        """The flags in a script's first line; None without any, or if the line is wrong, which EVAL will report."""
        if not body.startswith(b"#!"):
            return None
        try:
            return script_flags(body, self._engine.profile.has_scripting_engines)[0]
        except CommandError:
            return None

    # -- functions ----------------------------------------------------------------------------------------------------

    def restore_libraries(self, codes: list[bytes], flush: bool, replace: bool) -> None:
        """FUNCTION RESTORE: all of them or, with a CommandError, none."""
        machine, libraries, functions = self._library_machine, dict(self.libraries), dict(self.functions)
        try:
            if flush:
                self.flush_libraries()
            for code in codes:
                self._restore_library(code, replace)
        except CommandError:
            self._library_machine, self.libraries, self.functions = machine, libraries, functions
            raise

    def _restore_library(self, code: bytes, replace: bool) -> None:
        """Raises CommandError and changes nothing if anything is wrong."""
        name = library_name(code)[0]
        if name in self.libraries and not replace:
            raise CommandError(b"ERR Library " + name + b" already exists")
        self.load_library(code, replace)

    def library_codes(self) -> list[bytes]:
        """The code of all libraries."""
        return [library.code for library in self.libraries.values()]

    def add_library(self, code: bytes) -> None:
        """Load a library, in place of one of its name if there is one. Raises CommandError."""
        self.load_library(code, replace=True)

    def load_library(self, code: bytes, replace: bool) -> Library:
        """FUNCTION LOAD. Raises CommandError and changes nothing if anything is wrong."""
        name, text = library_name(code)
        old = self.libraries.get(name)
        if old is not None and not replace:
            raise CommandError(b"ERR Library '" + name + b"' already exists")
        seen: dict[bytes, bool] = {}
        has_engines = self._engine.profile.has_scripting_engines

        def accept(function_name: bytes) -> bytes | None:
            if not is_name(function_name):
                return (b"ERR Function names " if has_engines else b"ERR Library names ") + _NAME_RULE
            if function_name in seen:
                return b"ERR Function already exists in the library"
            seen[function_name] = True
            return None

        functions = self.library_machine().load_library(text, accept)
        if not functions:
            raise CommandError(b"ERR No functions registered")
        for function in functions:
            known = self.functions.get(function.name.lower())
            if known is not None and known[0] is not old:
                raise CommandError(b"ERR Function " + function.name + b" already exists")
        if old is not None:
            self.delete_library(name)
        library = Library(name, code, functions)
        self.libraries[name] = library
        for function in functions:
            self.functions[function.name.lower()] = (library, function)
        return library

    def delete_library(self, name: bytes) -> bool:
        """False without such a library."""
        library = self.libraries.pop(name, None)
        if library is None:
            return False
        for function_name in library.functions:
            self.functions.pop(function_name.lower(), None)
        return True

    def replace_libraries(self, codes: list[bytes]) -> None:
        """Replace all libraries by these. Raises CommandError and changes nothing if one of them is wrong."""
        before = (self._library_machine, self.libraries, self.functions)
        self.flush_libraries()
        try:
            for code in codes:
                self.load_library(code, replace=False)
        except CommandError:
            self._library_machine, self.libraries, self.functions = before
            raise

    def flush_libraries(self) -> None:
        """FUNCTION FLUSH."""
        self._library_machine = None
        self.libraries = {}
        self.functions = {}


def count_keys(args: list[bytes]) -> int:
    """The number of keys among the arguments that follow it. Raises CommandError."""
    count = parse_int(args[2])
    if count > len(args) - 3:
        raise CommandError(b"ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise CommandError(b"ERR Number of keys can't be negative")
    return count


def script_flags(body: bytes, names_engines: bool) -> tuple[list[bytes] | None, bytes]:
    """The flags of a shebang (``#!lua flags=no-writes``), None without one; the code with that line emptied.

    ``names_engines``: the version looks engines up by name, in any case. Raises CommandError.
    """
    if not body.startswith(b"#!"):
        return None, body
    line, newline, rest = body.partition(b"\n")
    if not newline:
        raise CommandError(b"ERR Invalid script shebang")
    first, *options = split_words(line) or [line]
    if names_engines:
        if first[2:].lower() not in {b"lua", b""} or (first == b"#!" and not options):
            raise CommandError(b"ERR Could not find scripting engine '" + first[2:] + b"'")
    elif first != b"#!lua":
        raise CommandError(b"ERR Unexpected engine in script shebang: " + first)
    flags: list[bytes] = []
    for word in options:
        if not word.startswith(b"flags="):
            raise CommandError(b"ERR Unknown lua shebang option: " + word)
        for flag in word[6:].split(b","):
            if flag and flag not in FLAGS:
                raise CommandError(b"ERR Unexpected flag in script shebang: " + flag)
            if flag:
                flags.append(flag)
    return flags, b"\n" + rest


def library_name(code: bytes) -> tuple[bytes, bytes]:
    """The name from ``#!lua name=...``, and the code with that line emptied. Raises CommandError."""
    if not code.startswith(b"#!"):
        raise CommandError(b"ERR Missing library metadata")
    line, newline, rest = code.partition(b"\n")
    if not newline:
        raise CommandError(b"ERR Invalid library metadata")
    words = split_words(line)
    if not words:
        raise CommandError(b"ERR Invalid library metadata")
    name: bytes | None = None
    for word in words[1:]:
        if word.lower().startswith(b"name="):
            if name is not None:
                raise CommandError(b"ERR Invalid metadata value, name argument was given multiple times")
            name = word[5:]
        else:
            raise CommandError(b"ERR Invalid metadata value given: " + word)
    if name is None:
        raise CommandError(b"ERR Library name was not given")
    if not is_name(name):
        raise CommandError(b"ERR Library names " + _NAME_RULE)
    if words[0][2:].lower() != b"lua":
        raise CommandError(b"ERR Engine '" + words[0][2:] + b"' not found")
    return name, b"\n" + rest


def is_name(name: bytes) -> bool:
    """Letters, digits and underscores, at least one."""
    return bool(name) and name.replace(b"_", b"a").isalnum() and name.isascii()
