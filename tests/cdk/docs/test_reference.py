"""The reference pages say what the constructs say, and their examples run."""

import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
from constructs import Construct

import cachetwin_cdk
from cachetwin_cdk import patterns

SCRIPT = Path(__file__).parents[3] / "tools" / "reference_pages.py"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_current(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["reference_pages.py", "--check"])
    stale = reference.main()
    assert (stale, capsys.readouterr().err) == (0, "")


def test_cfn_lint_finds_nothing_in_what_the_examples_make(reference: ModuleType, tmp_path: Path) -> None:
    files = []
    for name, example in reference.EXAMPLES.items():
        files.append(tmp_path / f"{name}.template.json")
        files[-1].write_text(json.dumps(reference.template_of(textwrap.dedent(example).strip())))
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    lint = subprocess.run([cfn_lint, *files], capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout) == (0, "")


def test_every_construct_has_its_page(reference: ModuleType) -> None:
    constructs = {
        name
        for library in (cachetwin_cdk, patterns)
        for name in library.__all__
        if isinstance(getattr(library, name), type)
        and issubclass(getattr(library, name), Construct)
        and not (name.startswith("I") and name[1].isupper())
    }
    assert constructs - {"User"} == set(reference.EXAMPLES)


def test_an_argument_without_a_description_stops_the_pages(reference: ModuleType) -> None:
    class Undescribed(Construct):
        """A construct.

        Args:
            vpc: The VPC,
                as two lines.
            gone: An argument of an earlier version.
        """

        def __init__(self, scope: Construct, construct_id: str, *, vpc: str, port: int = 1) -> None:
            super().__init__(scope, construct_id)

    assert reference.descriptions(Undescribed)["vpc"] == "The VPC, as two lines."
    assert reference.undescribed(Undescribed) == ["gone", "port"]
    with pytest.raises(ValueError, match="must describe each argument, see gone, port"):
        reference._arguments(Undescribed)
