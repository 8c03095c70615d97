"""``cachetwin draw``."""

import io
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

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
from cachetwin_local.cli.running_project import inform
from cachetwin_local.cli.sources import Wanted, assembly_of
from cachetwin_local.drawing.mermaid import EDGES_COUNT_MAX, TEXT_CHARACTERS_MAX, to_mermaid
from cachetwin_local.drawing.reading.survey import architecture_of
from cachetwin_local.drawing.svg import to_svg
from cachetwin_local.errors import UserError
from cachetwin_local.project import Source, find_project

__all__ = ["draw"]


class PictureFormat(StrEnum):
    """How `draw` writes a picture."""

    svg = "svg"
    mermaid = "mermaid"


_SUFFIXES: Final = {
    "": PictureFormat.svg,
    ".svg": PictureFormat.svg,
    ".mmd": PictureFormat.mermaid,
    ".mermaid": PictureFormat.mermaid,
}


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
        form = _format_of(output)
    text = to_svg(architecture) if form is PictureFormat.svg else to_mermaid(architecture)
    if form is PictureFormat.mermaid:
        _warn_of_size(text, len(architecture.edges))
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # a picture is data: a terminal's characters are not its limit
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from error


def _format_of(output: Path | None) -> PictureFormat:
    suffix = "" if output is None else output.suffix.lower()
    if suffix not in _SUFFIXES:
        raise UserError(f"--output must end in .svg, .mmd or .mermaid, got {output}; or say which --format it is")
    return _SUFFIXES[suffix]


def _warn_of_size(text: str, edges: int) -> None:
    for what, number, most in (("characters", len(text), TEXT_CHARACTERS_MAX), ("arrows", edges, EDGES_COUNT_MAX)):
        if number > most:
            inform(
                f"warning: the flowchart has {number:,} {what}, and most pages render up to {most:,}: "
                "draw some of the stacks, or SVG"
            )
