"""All users, and the question whether one of them may run a command."""

from typing import TYPE_CHECKING

from .user import User, superuser

if TYPE_CHECKING:
    from ..command_table import Command
    from ..context import Context


class AccessControl:
    """The users of one engine."""

    def __init__(self) -> None:
        self.default = superuser(b"default")
        self.users: dict[bytes, User] = {b"default": self.default}

    def denial(self, ctx: "Context", command: "Command", args: list[bytes]) -> bytes | None:
        """Why ``ctx.user`` may not run ``args`` (an error line), or None if it may."""
        if ctx.user.unrestricted:
            return None
        return b"NOPERM User " + ctx.user.name + b" has no permissions to run the '" + command.name + b"' command"
