"""``cachetwin draw``."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cachetwin_local.cli.options import (
    App,
    AppContext,
    AssemblyFolder,
    NoSynth,
    ParameterFiles,
    Parameters,
    Stacks,
    Template,
)
from cachetwin_local.cli.sources import Wanted, assembly_of
from cachetwin_local.drawing.mermaid import to_mermaid
from cachetwin_local.drawing.reading.survey import architecture_of
from cachetwin_local.drawing.svg import to_svg
from cachetwin_local.errors import UserError
from cachetwin_local.project import Source, find_project

__all__ = ["draw"]


class PictureFormat(StrEnum):
    """How `draw` writes a picture."""

    svg = "svg"
    mermaid = "mermaid"


def draw(
    context: typer.Context,
    stacks: Stacks = None,
    *,
    form: Annotated[
        PictureFormat | None,
        typer.Option("--format", help="The picture's format; by default that of FILE's suffix, or SVG."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to this file instead of stdout.")
    ] = None,
    no_synth: NoSynth = False,
    app_context: AppContext = None,
    parameters: Parameters = None,
    parameter_files: ParameterFiles = None,
    app: App = None,
    assembly: AssemblyFolder = None,
    template: Template = None,
) -> None:
    """Draw the app's architecture from its templates, as SVG or as a Mermaid flowchart."""
    project = find_project(context.obj, Source(app, assembly, template))
    wanted = Wanted(stacks, app_context, None, parameters, parameter_files, no_synth)
    architecture = architecture_of(assembly_of(project, wanted), stacks, wanted.all_parameters(project))
    if form is None:
        mermaid = output is not None and output.suffix in {".mmd", ".mermaid"}
        form = PictureFormat.mermaid if mermaid else PictureFormat.svg
    text = to_svg(architecture) if form is PictureFormat.svg else to_mermaid(architecture)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from error
