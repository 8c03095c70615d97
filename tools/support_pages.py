"""Write docs/reference/, and the table of resource types in README.md, from the code: ``python tools/support_pages.py``.

A test fails when the pages are not what this script writes.
"""

import ast
import inspect
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

import typer

from cachetwin_engine.server.config import help_text
from cachetwin_engine.server.valkey.run import parameter_names
from cachetwin_local.cli.application import app
from cachetwin_local.resources.aws_api.shapes import SHAPES
from cachetwin_local.resources.aws_api.translator import AwsApiTranslator
from cachetwin_local.resources.modelled import MODELLED
from cachetwin_local.resources.translators import TRANSLATORS

__all__ = ["pages", "readme_with_matrix"]

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs" / "reference"
STATUSES: Final = ("twinned", "modelled", "not supported")
BEGIN: Final = "<!-- begin: resource types, written by tools/support_pages.py -->\n"
END: Final = "<!-- end: resource types -->\n"


def pages() -> dict[str, str]:
    """File name to text."""
    return {"resources.md": _resources_page(), "runner.md": _runner_page(), "engine.md": _engine_page()}


def readme_with_matrix(readme: str) -> str:
    """README.md with the table of resource types of today between its two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + "\n".join(_matrix()) + "\n\n" + END + after


def types_by_status() -> dict[str, dict[str, str]]:
    """For each status, its resource types with a note. A type that runs may be not supported in some of its forms."""
    found: dict[str, dict[str, str]] = {status: {} for status in STATUSES}
    for name, translator in TRANSLATORS.items():
        if isinstance(translator, AwsApiTranslator):
            found["twinned"][name] = SHAPES[name].note.replace(" at {endpoint}", "")
            continue
        limits = "; ".join(_limits(cast("ModuleType", translator)))
        found["twinned"][name] = f"not supported: {limits}" if limits else ""
    for name, shape in MODELLED.items():
        found[shape.status][name] = shape.note
    return found


def _limits(translator: ModuleType) -> Iterator[str]:
    """What a translator says of the forms of its type that do not run here: in place, or in a function ``_unsupported``."""
    for node in ast.walk(ast.parse(inspect.getsource(translator))):
        if isinstance(node, ast.FunctionDef) and node.name == "_unsupported":
            returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
            yield from (_text(value) for value in returned if not isinstance(value, ast.Constant) or value.value)
        if not isinstance(node, ast.Call) or len(node.args) != 3:
            continue
        note, status = node.args[1], node.args[2]
        if isinstance(status, ast.Constant) and status.value == "not supported" and not isinstance(note, ast.Name):
            yield _text(note)


def _text(node: ast.expr) -> str:
    """A string as the source has it; what is filled in is shown as three dots."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "..." for part in node.values)
    return "..."


def _matrix() -> list[str]:
    services: dict[str, dict[str, list[str]]] = {}
    for status, types in types_by_status().items():
        for name in types:
            _, service, kind = name.split("::")
            services.setdefault(service, {}).setdefault(status, []).append(kind)
    lines = ["| service | twinned: runs here | modelled: read and checked | not supported |", "|---|---|---|---|"]
    for service in sorted(services, key=str.lower):
        cells = [", ".join(f"`{kind}`" for kind in sorted(services[service].get(status, []))) for status in STATUSES]
        lines.append(f"| {service} | {' | '.join(cells)} |")
    return lines


def _resources_page() -> str:
    lines = [
        "# Resource types",
        "",
        "What the runner does with each CloudFormation type. Written by `tools/support_pages.py` from the runner's code.",
        "",
        "- **twinned**: it runs on this machine.",
        "- **modelled**: its properties are read and checked, and there is nothing to run.",
        "- **not supported**: nothing runs for it. `cachetwin plan` names it, and what needs it.",
        "",
        "A type that is not listed is not supported. Properties that make no difference here are ignored;",
        "[Differences](../differences.md#runner) names those that matter.",
    ]
    for status, types in types_by_status().items():
        lines += ["", f"## {status.capitalize()}", "", "| type | note |", "|---|---|"]
        lines += [f"| `{name}` | {types[name]} |" for name in sorted(types)]
    return "\n".join([*lines, ""])


def _runner_page() -> str:
    group: Any = typer.main.get_command(app)
    lines = [
        "# Commands of the runner",
        "",
        "What `cachetwin --help` says, command by command. Written by `tools/support_pages.py`.",
        "",
        "Results go to standard output; progress and logs go to standard error. The exit code is 0, or 1 with one line",
        "that says what is wrong ([Troubleshooting](../troubleshooting.md)); a command with other codes names them.",
        "[`cachetwin.toml`](../how-to/settings.md) holds settings of a project.",
        "",
        "| option of every command | |",
        "|---|---|",
        *_options(group),
    ]
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if command.hidden:
            continue
        lines += ["", f"## {name}", "", inspect.cleandoc(command.help or "")]
        rows = _options(command)
        if rows:
            lines += ["", "| option | |", "|---|---|", *rows]
    return "\n".join([*lines, ""])


def _options(command: Any) -> list[str]:  # noqa: ANN401  (a command of typer's own copy of click)
    rows = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        if parameter.param_type_name == "argument":
            shown = parameter.metavar or parameter.name.upper()
        else:
            shown = ", ".join([*parameter.opts, *parameter.secondary_opts]) + _value(parameter)
        rows.append(f"| `{shown}` | {parameter.help or ''} |")
    return rows


def _value(option: Any) -> str:  # noqa: ANN401  (as above)
    if option.is_flag:
        return ""
    kind = option.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " " + "/".join(kind)
    return f" {option.metavar or getattr(kind, '__name__', 'VALUE').upper()}"


def _engine_page() -> str:
    return (
        "# Options of the engine\n\n"
        "What `cachetwin-engine --help` says. Written by `tools/support_pages.py`. A directive of `valkey.conf` is an\n"
        "option of the same name with two dashes.\n\n"
        f"```text\n{help_text(parameter_names())}```\n"
    )


def main() -> None:
    """Write the pages and the table."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
    readme = ROOT / "README.md"
    readme.write_text(readme_with_matrix(readme.read_text()))


if __name__ == "__main__":
    main()
