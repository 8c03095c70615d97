"""Plans damaged templates: each must be planned as far as it can be read, or refused with a reason; never a traceback.

    python -m tools.damaged_templates FOLDER... --rounds 10 --seed 1

Takes every CloudFormation template (YAML or JSON) below the folders, damages it a few times in each round (a value that is
missing, of another type, or refers to nothing), plans it, and writes down the plan as text and JSON. The same seed makes
the same damage. Prints the template, its round and the traceback of each failure, and exits with 1 when there is one.
"""

import argparse
import copy
import io
import json
import random
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from cachetwin_local.assembly.reader import read_template
from cachetwin_local.assembly.template import Json
from cachetwin_local.assembly.template_text import parse_template_text
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan
from cachetwin_local.plan.render import render_table, to_json

__all__ = ["damage", "plan_damaged"]

SUFFIXES: Final = frozenset({".json", ".yaml", ".yml", ".template"})
DAMAGES_MAX: Final = 5
WRONG: Final[list[Json]] = [
    None,
    "",
    -1,
    3.5,
    True,
    [],
    {},
    [1, 2],
    {"a": 1},
    "a/b/c",
    "10.0.0.0/99",
    {"Ref": "Nope"},
    {"Fn::GetAtt": ["A", "B"]},
    {"Fn::ImportValue": "elsewhere"},
    "{{resolve:ssm:/nowhere}}",
    ["x", {"Ref": "AWS::Region"}],
]
SECTIONS: Final = ("Resources", "Parameters", "Mappings", "Conditions", "Outputs")


def damage(template: Json, choice: random.Random, section: str = "Resources") -> None:
    """Put something wrong in the place of a value of a section, or take the value away."""
    found = [path for path in _places(template[section]) if len(path) > 1]
    if not found:
        return
    *way, last = choice.choice(found)
    holder = template[section]
    for step in way:
        holder = holder[step]
    if isinstance(holder, dict) and choice.random() < 0.3:
        del holder[last]
    else:
        holder[last] = copy.deepcopy(choice.choice(WRONG))


def plan_damaged(template: Json, choice: random.Random, path: Path) -> bool:
    """Damage a template, write it to `path` and plan it. Whether it was planned; False where it was refused."""
    template = copy.deepcopy(template)
    sections = [name for name in SECTIONS if isinstance(template.get(name), dict) and template[name]]
    for _ in range(choice.randint(1, DAMAGES_MAX)):
        # mostly a resource: there is most of what is read
        damage(template, choice, "Resources" if choice.random() < 0.7 else choice.choice(sections))
    path.write_text(json.dumps(template, default=str), encoding="utf-8")
    try:
        topology = plan(read_template(path), database_servers=frozenset({"postgres", "mysql"}))
    except UserError:
        return False
    json.dumps(to_json(topology))
    Console(file=io.StringIO()).print(render_table(topology))
    return True


def _places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything inside a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in pairs:
        yield (*path, step)
        yield from _places(item, (*path, step))


def _templates(folders: list[Path]) -> Iterator[tuple[Path, Json]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            try:
                document = parse_template_text(path.read_text(encoding="utf-8"), path.name)
            except (UserError, OSError, ValueError):
                continue
            if isinstance(document.get("Resources"), dict) and document["Resources"]:
                yield path, document


def main() -> int:
    """Run and print; the exit status."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    counts: Counter[str] = Counter()
    written = Path(f"damaged-{given.seed}.template.json")
    try:
        for source, template in _templates(given.folders):
            counts["templates"] += 1
            for number in range(given.rounds):
                choice = random.Random(f"{given.seed} {source.name} {number}")  # noqa: S311  (the same at every run)
                try:
                    counts["planned" if plan_damaged(template, choice, written) else "refused"] += 1
                except Exception:  # noqa: BLE001  (what is looked for)
                    counts["failed"] += 1
                    sys.stdout.write(f"{source}, round {number}:\n{traceback.format_exc()}\n")
    finally:
        written.unlink(missing_ok=True)
    sys.stdout.write(", ".join(f"{number} {what}" for what, number in counts.items()) + "\n")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
