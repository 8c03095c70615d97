"""Write docs/pictures/ from the architectures' templates: ``python tools/pictures.py``.

Each reference architecture is drawn from its golden template, as ``cachetwin draw`` draws it, as SVG and as Mermaid. A
test fails when the pictures are not what this script writes.
"""

import json
import tempfile
from pathlib import Path
from typing import Final

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Assembly
from cachetwin_local.drawing.mermaid import to_mermaid
from cachetwin_local.drawing.reading.survey import architecture_of
from cachetwin_local.drawing.svg import to_svg

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs" / "pictures"
STACKS: Final = {
    "web_app": "CachetwinWebApp",
    "session_api": "CachetwinSessionApi",
    "messaging": "CachetwinMessaging",
}
"""The architectures by the name of their golden template, and the stacks that they are."""


def assembly_of(**templates: Path) -> Assembly:
    """An assembly of stacks with these templates, by the stacks' names."""
    artifacts = {
        name: {"type": "aws:cloudformation:stack", "properties": {"templateFile": f"{name}.json"}} for name in templates
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, path in templates.items():
            (Path(folder) / f"{name}.json").write_bytes(path.read_bytes())
        (Path(folder) / "manifest.json").write_text(json.dumps({"artifacts": artifacts}), encoding="utf-8")
        return read_assembly(Path(folder))


def pictures() -> dict[str, str]:
    """The files of the folder: name and content."""
    files: dict[str, str] = {}
    for name, stack in STACKS.items():
        template = ROOT / "tests" / "golden" / f"{name}.template.json"
        architecture = architecture_of(assembly_of(**{stack: template}))
        files[f"{name}.svg"] = to_svg(architecture)
        files[f"{name}.mmd"] = to_mermaid(architecture)
    return files


def main() -> None:
    """Write the files and remove those that no architecture has any more."""
    FOLDER.mkdir(exist_ok=True)
    files = pictures()
    for path in FOLDER.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
