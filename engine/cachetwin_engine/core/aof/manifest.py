"""The manifest: which files make up the append-only file, in the order in which they are loaded.

One line a file, ``file NAME seq NUMBER type T``: at most one base (``b``), the data at the time of the last rewrite; the
incremental files (``i``) behind it, commands; and files that a rewrite has replaced and nobody has deleted yet (``h``).
"""

from typing import Final

from cachetwin_engine.core.protocol.resp import split_words
from cachetwin_engine.core.text.quoting import quoted

LINE_BYTES_MAX: Final = 1024
_WORDS_MIN: Final = 6
_BASE: Final = b"b"
_INCREMENT: Final = b"i"
_HISTORY: Final = b"h"
_BLANKS: Final = b" \t\r\n"
_NEEDS_QUOTES: Final = frozenset(b"\"'\\\n\r\t\a\b \x00")


class ManifestError(Exception):
    """A manifest that can't be used; ``line`` counts from 1, and is 0 if no line is to blame."""

    def __init__(self, reason: str, line: int = 0, text: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.text = text


class LogFile:
    """A line of the manifest."""

    def __init__(self, name: bytes, sequence: int) -> None:
        self.name = name
        self.sequence = sequence


class Manifest:
    """The files of one append-only file. Changes are made to a ``copy``, which replaces it once it is on disk."""

    def __init__(self, stem: bytes) -> None:
        self.stem = stem  # ``appendfilename``
        self.base: LogFile | None = None
        self.increments: list[LogFile] = []
        self.history: list[LogFile] = []
        self._base_sequence = 0
        self._increment_sequence = 0

    def name(self) -> bytes:
        """The name of the manifest's own file."""
        return self.stem + b".manifest"

    def temporary_increment(self) -> bytes:
        """The incremental file while the first base is being written."""
        return b"temp-" + self.stem + b".incr"

    def is_empty(self) -> bool:
        """True if there is nothing to load."""
        return self.base is None and not self.increments

    def copy(self) -> "Manifest":
        """Another manifest of the same files."""
        other = Manifest(self.stem)
        other.base = self.base
        other.increments = list(self.increments)
        other.history = list(self.history)
        other._base_sequence = self._base_sequence
        other._increment_sequence = self._increment_sequence
        return other

    def files(self) -> list[LogFile]:
        """The files to load, in order."""
        return ([] if self.base is None else [self.base]) + self.increments

    def add_increment(self) -> bytes:
        """The name of a further incremental file."""
        self._increment_sequence += 1
        name = b"%b.%d.incr.aof" % (self.stem, self._increment_sequence)
        self.increments.append(LogFile(name, self._increment_sequence))
        return name

    def next_base(self, is_rdb: bool) -> bytes:
        """The name that ``replace_base`` would give."""
        return b"%b.%d.base.%b" % (self.stem, self._base_sequence + 1, b"rdb" if is_rdb else b"aof")

    def replace_base(self, is_rdb: bool) -> bytes:
        """The name of a new base; the old one is history."""
        if self.base is not None:
            self.history.insert(0, self.base)
        name = self.next_base(is_rdb)
        self._base_sequence += 1
        self.base = LogFile(name, self._base_sequence)
        return name

    def adopt_base(self, name: bytes) -> None:
        """``name`` is the base: a file of a version that knew one file only."""
        self.base = LogFile(name, 1)
        self._base_sequence = 1

    def retire_increments(self, keep_last: bool) -> None:
        """The incremental files are history but the last, which is being written (``keep_last``)."""
        kept = self.increments[-1:] if keep_last else []
        for file in reversed(self.increments[: len(self.increments) - len(kept)]):
            self.history.insert(0, file)
        self.increments = kept

    def text(self) -> bytes:
        """The manifest as a file."""
        lines: list[bytes] = []
        if self.base is not None:
            lines.append(_line(self.base, _BASE))
        lines += [_line(file, _HISTORY) for file in self.history]
        lines += [_line(file, _INCREMENT) for file in self.increments]
        return b"".join(lines)

    def parse(self, text: bytes) -> None:
        """Read a file's lines into this manifest, which is new. Raises ManifestError."""
        if not text:
            raise ManifestError("Found an empty AOF manifest")
        for number, line in enumerate(text.splitlines(keepends=True), 1):
            if line.startswith(b"#"):
                continue
            if len(line) > LINE_BYTES_MAX or not line.endswith(b"\n"):
                raise ManifestError("The AOF manifest file contains too long line", number, line[:LINE_BYTES_MAX])
            try:
                self._add(line.strip(_BLANKS))
            except ManifestError as problem:
                raise ManifestError(problem.reason, number, line.strip(_BLANKS)) from None

    def _add(self, line: bytes) -> None:
        words = split_words(line) if line else None
        if words is None or len(words) < _WORDS_MIN or len(words) % 2:
            raise ManifestError(_INVALID)
        name = kind = b""
        sequence = 0
        for at in range(0, len(words), 2):
            field = words[at].lower()
            if field == b"file":
                name = words[at + 1]
                if b"/" in name or b"\\" in name or b"\0" in name or name in {b".", b".."}:
                    raise ManifestError("File can't be a path, just a filename")
            elif field == b"seq":
                sequence = int(words[at + 1]) if words[at + 1].isdigit() else 0
            elif field == b"type":
                kind = words[at + 1][:1]
        if not name or not sequence or not kind:
            raise ManifestError(_INVALID)
        file = LogFile(name, sequence)
        if kind == _BASE:
            if self.base is not None:
                raise ManifestError("Found duplicate base file information")
            self.base = file
            self._base_sequence = sequence
        elif kind == _HISTORY:
            self.history.append(file)
        elif kind == _INCREMENT:
            if sequence <= self._increment_sequence:
                raise ManifestError("Found a non-monotonic sequence number")
            self.increments.append(file)
            self._increment_sequence = sequence
        else:
            raise ManifestError("Unknown AOF file type")


_INVALID: Final = "Invalid AOF manifest file format"


def _line(file: LogFile, kind: bytes) -> bytes:
    name = quoted(file.name) if _NEEDS_QUOTES.intersection(file.name) else file.name
    return b"file %b seq %d type %b\n" % (name, file.sequence, kind)
