"""``cachetwin init``."""

import typer

from cachetwin_local.cli.options import App, AppContext, AssemblyFolder, NoSynth, Stacks, Template
from cachetwin_local.cli.running_project import inform
from cachetwin_local.cli.sources import Wanted, topology_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import Source, find_project
from cachetwin_local.settings import FILE_NAME
from cachetwin_local.settings_file import completed

__all__ = ["init"]


def init(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    no_synth: NoSynth = False,
    app_context: AppContext = None,
    app: App = None,
    assembly: AssemblyFolder = None,
    template: Template = None,
) -> None:
    """Write cachetwin.toml, or complete it, with what the plan misses: values from elsewhere, services without a folder.

    What is added is commented out; a value takes effect when its line is.
    """
    project = find_project(context.obj, Source(app, assembly, template))
    topology = topology_of(project, Wanted(stacks, app_context, no_synth=no_synth))
    path = project.root / FILE_NAME
    before = path.read_text(encoding="utf-8") if path.exists() else None
    text, added = completed(before, topology)
    if not added:
        inform(f"{path} misses nothing" if before is not None else "the plan misses nothing")
        if before is not None:
            return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    inform(f"{path}: {len(added)} lines to fill in" + "".join(f"\n  {line}" for line in added))
