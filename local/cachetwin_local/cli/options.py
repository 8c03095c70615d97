"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "App",
    "AppContext",
    "AsJson",
    "AssemblyFolder",
    "AwsEndpoint",
    "Loopback",
    "NoSynth",
    "Only",
    "ParameterFiles",
    "Parameters",
    "Stacks",
    "Template",
    "Timeout",
    "Watch",
    "Where",
    "Without",
]


class Loopback(StrEnum):
    """Where endpoints listen."""

    per_endpoint = "per-endpoint"
    shared = "shared"


Stacks = Annotated[
    list[str] | None, typer.Argument(metavar="[STACK]...", help="Names or patterns of stacks; all by default.")
]
NoSynth = Annotated[bool, typer.Option("--no-synth", help="Use cdk.out as it is.")]
AppContext = Annotated[
    list[str] | None, typer.Option("-c", "--context", metavar="KEY=VALUE", help="A context value for the app.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Where = Annotated[
    Loopback | None,
    typer.Option(help="An address for each endpoint, or 127.0.0.1 for all and other ports."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameters", metavar="[STACK:]NAME=VALUE", help="A value for a parameter of the templates."),
]
ParameterFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--parameters-file",
        metavar="FILE",
        help="Values for parameters of the templates, as JSON or YAML: an object, or the AWS CLI's list.",
    ),
]
App = Annotated[
    str | None, typer.Option("--app", metavar="COMMAND", help="Run this command instead of cdk.json's app.")
]
AssemblyFolder = Annotated[
    Path | None,
    typer.Option("--assembly", metavar="DIR", help="Read this cloud assembly; no cdk.json is needed."),
]
Template = Annotated[
    Path | None,
    typer.Option("--template", metavar="FILE", help="Read this CloudFormation template, JSON or YAML."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Run this resource, and what it needs; repeat for more."),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="NAME", help="Run everything but this resource; repeat for more."),
]
AwsEndpoint = Annotated[
    str | None,
    typer.Option(
        "--aws-endpoint",
        metavar="URL",
        help="Send requests to AWS services that do not run here to this emulator, such as http://127.0.0.1:4566.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Stop everything when the start takes longer."),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Run what is saved: changed services, changed stacks.")]
