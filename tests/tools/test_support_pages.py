"""docs/reference and README.md say of each resource type, command and option what the code says."""

from pathlib import Path

import pytest
from tools.support_pages import pages, readme_with_matrix, types_by_status

from cachetwin_local.resources.modelled import MODELLED
from cachetwin_local.resources.translators import TRANSLATORS

ROOT = Path(__file__).parents[2]
STALE = "run: python tools/support_pages.py"


@pytest.mark.parametrize("name", ["resources.md", "runner.md", "engine.md"])
def test_a_page_is_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs/reference" / name).read_text() == pages()[name], STALE


def test_the_readme_has_the_table_of_today() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme == readme_with_matrix(readme), STALE


def test_every_known_type_has_one_status() -> None:
    named = [name for types in types_by_status().values() for name in types]
    assert sorted(named) == sorted([*TRANSLATORS, *MODELLED])


def test_a_type_that_runs_names_its_forms_that_do_not() -> None:
    assert "application" in types_by_status()["twinned"]["AWS::ElasticLoadBalancingV2::LoadBalancer"]


def test_the_runners_page_has_each_command_with_its_options() -> None:
    page = pages()["runner.md"]
    for heading in ("plan", "up", "status", "logs", "env", "down", "reset"):
        assert f"\n## {heading}\n" in page
    assert "`-d, --detach`" in page
    assert "## supervise" not in page
