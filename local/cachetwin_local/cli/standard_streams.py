"""stdout and stderr of the command line, also where they are closed, full or without a character."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

from cachetwin_local.errors import UserError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDOUT: Final = 1


class _Output(io.RawIOBase):
    """stdout, whose failures are reported as one line."""

    def fileno(self) -> int:
        return _STDOUT

    def isatty(self) -> bool:
        return os.isatty(_STDOUT)

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what the kernel takes. Raises UserError, and BrokenPipeError where nobody reads."""
        try:
            return os.write(_STDOUT, data)
        except BrokenPipeError:
            raise
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, _STDOUT)  # what is still buffered goes nowhere, instead of failing once more at the exit
            os.close(null)
            raise UserError(f"cannot write to stdout: {error.strerror}") from error


def prepare_streams() -> None:
    """Make stdout and stderr fit for any text: a character that a terminal does not have shows as a question mark."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # closed by whoever started us
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.flush()
        is_terminal = sys.stdout.isatty()
        raw = io.BufferedWriter(_Output())
        sys.stdout = io.TextIOWrapper(raw, sys.stdout.encoding, "replace", line_buffering=is_terminal)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="replace")
