"""Usage lines: parsed into the tree of arguments for COMMAND DOCS, or shown as a line for people.

A usage line reads as redis-cli shows it, with annotations for the tree:

    key value [condition=<NX | XX | IFEQ comparison-value@8.1.0>] [GET@6.2.0] [expiration=<EX seconds | KEEPTTL>]

``[x]`` is optional, ``name=<a | b>`` one of several, ``name=(a b)`` several together, ``x...`` may be repeated. A word in
capitals is a token: of the argument after it, or alone. ``KEY...`` is a token that is repeated with its argument. At the
end of a word: ``name=*`` a token with another name, ``:double`` the type if it does not follow from the name,
``@6.2.0`` the first version, ``~7.2.0`` the same but not shown by COMMAND DOCS, ``!2.8.12`` the version that deprecated it,
``{ip:port}`` the display text, ``#1`` the key specification of an argument that is no key, or whose specification is not
the next one.
"""

from typing import Final

from .command_table import version_of

KEY: Final = "key"
STRING: Final = "string"
TOKEN: Final = "pure-token"  # noqa: S105  (a type of argument)
ONE_OF: Final = "oneof"
BLOCK: Final = "block"

_TYPES: Final[dict[str, str]] = {
    "key": KEY, "destination": KEY, "source": KEY, "newkey": KEY, "key1": KEY, "key2": KEY,
    "count": "integer", "numkeys": "integer", "seconds": "integer", "milliseconds": "integer", "index": "integer",
    "offset": "integer", "cursor": "integer", "limit": "integer", "port": "integer", "slot": "integer",
    "numfields": "integer",
    "unix-time-seconds": "unix-time", "unix-time-milliseconds": "unix-time",
    "longitude": "double", "latitude": "double", "radius": "double",
    "pattern": "pattern",
}  # fmt: skip
_ENDS: Final = " []<>()|"


class Argument:
    """A node of the tree: a word, a token, or a group of others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.type = STRING
        self.token: str | None = None
        self.display = name
        self.key_spec = -1
        self.since = ""
        self.says_since = True
        self.deprecated = ""
        self.optional = False
        self.multiple = False
        self.repeats_token = False
        self.arguments: list[Argument] = []


class UsageError(ValueError):
    """A usage line is invalid."""


def parse_usage(line: str) -> list[Argument]:
    """The arguments of a usage line. Raises UsageError; a test parses the line of every row."""
    reader = _Reader(line)
    found = reader.sequence("")
    if reader.at < len(line):
        raise reader.problem("the end")
    return found


def known_through(arguments: list[Argument], through: tuple[int, int, int]) -> list[Argument]:
    """The ``arguments`` that version ``through`` has; groups keep their remaining parts."""
    found: list[Argument] = []
    for argument in arguments:
        if argument.since and version_of(argument.since) > through:
            continue
        if argument.arguments:
            argument.arguments = known_through(argument.arguments, through)
            if not argument.arguments:
                continue
        found.append(argument)
    return found


def usage_line(arguments: list[Argument]) -> str:
    """The line as it is shown to people."""
    return " ".join([_shown(argument) for argument in arguments])


class _Reader:
    """A recursive descent parser of one line."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.at = 0
        self.key_specs = 0  # key specifications used so far

    def problem(self, wanted: str) -> UsageError:
        """The error at this position."""
        return UsageError(f"usage line must have {wanted} at {self.at}, got {self.line[self.at :]!r} of {self.line!r}")

    def sequence(self, end: str) -> list[Argument]:
        """Arguments up to one of the characters ``end``, which is not consumed."""
        found: list[Argument] = []
        while True:
            self.skip_spaces()
            if self.at >= len(self.line) or self.line[self.at] in end:
                return found
            found.append(self.argument())

    def argument(self) -> Argument:
        if self.take("["):
            found = self.argument()
            self.expect("]")
            found.optional = True
            return found
        start = self.at
        word = self.word()
        if not _is_capital(word):
            self.at = start
            return self.named()
        repeats = self.take("...")
        if self.line.startswith(" ", self.at) and self._holds_value():
            self.at += 1
            found = self.named()
            found.token = word
            found.repeats_token = repeats
            return found
        found = Argument(word.lower())
        found.type = TOKEN
        found.token = word
        return self.endings(found)

    def _holds_value(self) -> bool:
        """Whether the word after the space is a value of the token before it."""
        following = self.line[self.at + 1 : self.at + 2]
        return following.islower()

    def named(self) -> Argument:
        """``name``, ``name=TOKEN``, ``name=<...>`` or ``name=(...)`` with its annotations."""
        found = Argument(self.word())
        if not found.name:
            raise self.problem("a word")
        if not self.take("="):
            found.type = _TYPES.get(found.name, STRING)
        elif self.take("<"):
            found.type = ONE_OF
            found.arguments = self._alternatives()
        elif self.take("("):
            found.type = BLOCK
            found.arguments = self.sequence(")")
            self.expect(")")
        else:
            found.type = TOKEN
            found.token = self._literal()
        return self.endings(found)

    def _alternatives(self) -> list[Argument]:
        found: list[Argument] = []
        while True:
            self.skip_spaces()
            found.append(self.argument())
            self.skip_spaces()
            if not self.take("|"):
                self.expect(">")
                return found

    def _literal(self) -> str:
        """A literal token; ``""`` stands for the empty one."""
        start = self.at
        while self.at < len(self.line) and self.line[self.at] not in _ENDS + "@!":
            self.at += 1
        text = self.line[start : self.at]
        return "" if text == '""' else text

    def endings(self, found: Argument) -> Argument:
        """The annotations at the end of an argument."""
        while self.at < len(self.line):
            if self.take("..."):
                found.multiple = True
            elif self.take(":"):
                found.type = self.word()
            elif self.take("@"):
                found.since = self.word()
            elif self.take("~"):
                found.since = self.word()
                found.says_since = False
            elif self.take("!"):
                found.deprecated = self.word()
            elif self.take("#"):
                found.key_spec = int(self.word())
            elif self.take("{"):
                end = self.line.index("}", self.at)
                found.display = self.line[self.at : end]
                self.at = end + 1
            else:
                break
        if found.type == KEY and found.key_spec < 0:
            found.key_spec = self.key_specs
        if found.key_spec >= 0:
            self.key_specs = found.key_spec + 1
        return found

    def word(self) -> str:
        """A word or a version."""
        start = self.at
        while self.at < len(self.line) and (self.line[self.at].isalnum() or self.line[self.at] in "-_"):
            self.at += 1
        while self.line.startswith(".", self.at) and self.line[self.at + 1 : self.at + 2].isdigit():
            self.at += 1
            while self.at < len(self.line) and self.line[self.at].isdigit():
                self.at += 1
        return self.line[start : self.at]

    def take(self, text: str) -> bool:
        """Consume ``text`` if it is next."""
        if not self.line.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def expect(self, text: str) -> None:
        """Consume ``text``, which must be next. Raises UsageError."""
        self.skip_spaces()
        if not self.take(text):
            raise self.problem(repr(text))

    def skip_spaces(self) -> None:
        """Skip to the next word."""
        while self.line.startswith(" ", self.at):
            self.at += 1


def _is_capital(word: str) -> bool:
    return word.isupper()


def _shown(argument: Argument) -> str:
    """One argument as redis-cli shows it."""
    token = argument.token
    if argument.type == ONE_OF:
        choice = " | ".join([_shown(one) for one in argument.arguments])
        body = choice if argument.optional and token is None and not argument.multiple else f"<{choice}>"
    elif argument.type == BLOCK:
        body = usage_line(argument.arguments)
    elif argument.type == TOKEN:
        body = '""' if token == "" else str(token)
    else:
        body = argument.display
    repeated = body
    if argument.type != TOKEN and token is not None:
        body = f"{token or chr(34) * 2} {body}"
        if argument.repeats_token:
            repeated = body
    if argument.multiple:
        body = f"{body} [{repeated} ...]"
    return f"[{body}]" if argument.optional else body
