"""``cachetwin snapshot``, ``restore`` and ``snapshots``: the data of a cache as files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cachetwin_local.cli.commands.operations import Cache, perform
from cachetwin_local.errors import UserError
from cachetwin_local.project import find_project

__all__ = ["restore", "snapshot", "snapshots"]


def snapshot(
    context: typer.Context,
    cache: Cache,
    *,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="By default the cache's and the time.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where the files go; by default the project's own folder."),
    ] = None,
) -> None:
    """Write the data of a cache to an RDB file for each shard, as ElastiCache exports it."""
    perform(context, {"op": "snapshot", "cache": cache, "name": name, "to": None if to is None else str(to.resolve())})


def restore(
    context: typer.Context,
    cache: Cache,
    source: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Its name, an RDB file, or a folder of them.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Replace the data of a cache by that of a snapshot; the number of shards may differ."""
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("restore asks before it replaces data, and there is no terminal: use --yes")
        typer.confirm(f"replace the data of {cache} by that of {source}?", abort=True, err=True)
    path = Path(source)
    perform(context, {"op": "restore", "cache": cache, "snapshot": str(path.resolve()) if path.exists() else source})


def snapshots(context: typer.Context) -> None:
    """List the snapshots in the project's folder."""
    directory = find_project(context.obj).directory / "snapshots"
    for files in sorted({file.parent for file in directory.glob("*/*/*.rdb")}):
        sizes = [file.stat().st_size for file in files.glob("*.rdb")]
        count = "1 file" if len(sizes) == 1 else f"{len(sizes)} files"
        print(f"{files.parent.name}  {files.name}  {count}  {sum(sizes)} bytes")  # noqa: T201
