"""``cachetwin``: its commands in the order of its help."""

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.core import TyperGroup

from cachetwin_local.errors import UserError

if TYPE_CHECKING:
    from typer._click import Command, Context  # typer's own copy: another than the package click

__all__ = ["app"]

_COMMANDS: Final = {
    "init": "init",
    "plan": "plan",
    "draw": "draw",
    "up": "up",
    "apply": "apply",
    "status": "status",
    "logs": "logs",
    "invoke": "invoke",
    "attach": "attach",
    "restart": "services",
    "shell": "services",
    "env": "env",
    "hosts": "hosts",
    "events": "events",
    "failover": "operations",
    "reboot": "operations",
    "scale": "operations",
    "set-parameter": "operations",
    "rotate": "operations",
    "clock": "clock",
    "snapshot": "snapshots",
    "restore": "snapshots",
    "snapshots": "snapshots",
    "down": "down",
    "reset": "reset",
    "supervise": "up",
}
"""Each command with its module in `commands`, in the order of the help."""
_TAKES_MINUS: Final = frozenset({"clock", "set-parameter"})
"""Commands whose arguments may begin with a minus (a value of -1), so that an unknown option is an argument."""
_HIDDEN: Final = frozenset({"supervise"})


class _Commands(TyperGroup):
    """Imports the command that is asked for alone: `status` and `logs` need little of the runner."""

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, Command | None, list[str]]":
        """The command that the first word names. Raises UserError with the nearest name for another word."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], set(_COMMANDS) - _HIDDEN, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"there is no command {args[0]}: `cachetwin --help` lists them{hint}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: "Context") -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"cachetwin_local.cli.commands.{_COMMANDS[cmd_name]}")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        settings = {"ignore_unknown_options": True} if cmd_name in _TAKES_MINUS else None
        alone.command(cmd_name, hidden=cmd_name in _HIDDEN, context_settings=settings)(
            getattr(module, cmd_name.replace("-", "_"))
        )
        command = typer.main.get_command(alone)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Commands,
    help="Run a CDK app's architecture on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path, typer.Option("--project", "-C", metavar="DIR", help="The CDK app's folder, or one below it.")
    ] = Path(),
) -> None:
    """Run a CDK app's architecture on this machine."""
    context.obj = project
