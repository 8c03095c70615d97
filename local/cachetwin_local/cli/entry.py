"""The console script.

stdout carries what was asked for, stderr progress and logs. A `UserError` prints its message and exits 1; any other
exception shows its traceback. `status`, which people and scripts ask often, does without the parser of the other
commands, whose import takes longer than the answer.
"""

import sys
from pathlib import Path

from cachetwin_local.cli.standard_streams import prepare_streams
from cachetwin_local.errors import UserError

__all__ = ["main"]

_FOLDER_OPTIONS = ("-C", "--project")


def main() -> None:
    """Run the command of the command line."""
    prepare_streams()
    try:
        try:
            _run(sys.argv[1:])
        finally:
            sys.stdout.flush()  # at the exit of the interpreter, an error is a traceback
    except UserError as error:
        sys.stdout.flush()
        sys.stderr.write(f"cachetwin: {error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # the reader of stdout has gone (a pager, head): nobody is left to write to
        sys.stderr.close()
        sys.exit(1)


def _run(words: list[str]) -> None:
    folder, rest = (words[1], words[2:]) if words[:1] and words[0] in _FOLDER_OPTIONS and words[1:] else ("", words)
    if rest[:1] == ["status"] and set(rest[1:]) <= {"--json"}:
        from cachetwin_local.cli.status_report import report_status  # noqa: PLC0415  (for this command alone)

        sys.exit(report_status(Path(folder), as_json="--json" in rest))
    from cachetwin_local.cli.application import app  # noqa: PLC0415  (slow to import)

    app()
