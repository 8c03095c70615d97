"""Damaged templates are planned as far as they can be read, or refused with a reason; never a traceback."""

import json
import random
from pathlib import Path

import pytest
from tools.damaged_templates import plan_damaged
from tools.pictures import ROOT, STACKS

ROUNDS = 25


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", STACKS)
def test_a_damaged_template_is_planned_or_refused(name: str, seed: int, tmp_path: Path) -> None:
    choice = random.Random(seed)  # noqa: S311  (the same damage at every run)
    template = json.loads((ROOT / "tests" / "golden" / f"{name}.template.json").read_text(encoding="utf-8"))
    planned = sum(plan_damaged(template, choice, tmp_path / "template.json") for _ in range(ROUNDS))
    assert planned > ROUNDS / 2
