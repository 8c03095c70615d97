"""A location in a template, for error messages."""

from dataclasses import dataclass

from cachetwin_local.errors import UserError

Step = str | int


@dataclass(frozen=True, slots=True)
class Where:
    """A property of a resource (or a section, such as ``Outputs``) of a stack's template."""

    stack: str
    logical_id: str
    path: tuple[Step, ...] = ()

    def child(self, *steps: Step) -> "Where":
        """The location below this one."""
        return Where(self.stack, self.logical_id, (*self.path, *steps))

    def error(self, message: str) -> UserError:
        """An error about this location; `message` says what is allowed and what was found."""
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")
        return UserError(f"stack {self.stack}, {self.logical_id}{', ' + path if path else ''}: {message}")
