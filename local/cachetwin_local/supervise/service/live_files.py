"""The folders that a service's images were made of, in the place of their copies in the assembly."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cachetwin_local.assembly.staleness import is_source
from cachetwin_local.errors import UserError
from cachetwin_local.supervise.reload import FolderChange

__all__ = ["counts_in_place_of", "refuse_syntax_errors"]


def counts_in_place_of(copy: Path, source: Path) -> Callable[[Path], bool]:
    """Whether a path below `source` is in the image: its copy is, or it is new and a source of the app.

    What the app left out of the image (.dockerignore) is not in the copy.
    """

    def counts(path: Path) -> bool:
        relative = path.relative_to(source)
        return (copy / relative).exists() or is_source(str(relative / "x" if path.is_dir() else relative))

    return counts


def refuse_syntax_errors(changes: Sequence[FolderChange], consequence: str = "") -> None:
    """Raise UserError for a changed Python file that does not compile; `consequence` ends its text."""
    for change in changes:
        for path in change.files:
            if path.suffix != ".py" or not path.is_file():
                continue
            try:
                compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
                reason = error.msg if isinstance(error, SyntaxError) else str(error)
                raise UserError(f"{path}{line}: {reason}{consequence}") from None
