"""Every type of the reviewed templates is known by name."""

import json
from pathlib import Path

import pytest

from cachetwin_local.resources.modelled import MODELLED
from cachetwin_local.resources.translators import TRANSLATORS

REVIEWED = sorted(Path(__file__).parents[2].glob("**/*.template.json"))


@pytest.mark.parametrize("path", REVIEWED, ids=lambda path: path.name.removesuffix(".template.json"))
def test_every_type_of_the_stacks_is_known_by_name(path: Path) -> None:
    types = {resource["Type"] for resource in json.loads(path.read_text())["Resources"].values()}
    assert types - set(TRANSLATORS) - set(MODELLED) == set()


def test_no_type_is_both_translated_and_modelled() -> None:
    assert not TRANSLATORS.keys() & MODELLED.keys()
