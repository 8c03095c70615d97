"""Damaged templates are planned as far as they can be read, or refused with a reason; never a traceback."""

import io
import json
import random
from pathlib import Path

import pytest
from rich.console import Console
from tests.local.drawing.test_damaged import ROUNDS, damage
from tools.pictures import ROOT, STACKS, assembly_of

from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan
from cachetwin_local.plan.render import render_table, to_json


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", STACKS)
def test_a_damaged_template_is_planned_or_refused(name: str, seed: int, tmp_path: Path) -> None:
    choice = random.Random(seed)  # noqa: S311  (the same damage at every run)
    text = (ROOT / "tests" / "golden" / f"{name}.template.json").read_text(encoding="utf-8")
    path = tmp_path / "template.json"
    planned = 0
    for _ in range(ROUNDS):
        template = json.loads(text)
        for _ in range(choice.randint(1, 5)):
            damage(template, choice)
        path.write_text(json.dumps(template), encoding="utf-8")
        try:
            topology = plan(assembly_of(App=path))
        except UserError:
            continue
        assert json.dumps(to_json(topology))
        Console(file=io.StringIO()).print(render_table(topology))
        planned += 1
    assert planned > ROUNDS / 2
