"""What a function says to `cachetwin up --watch`: its process loads changed code by itself."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.local.supervise.function.functions import function
from tests.local.supervise.tiny_app import topology

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.function.function import FunctionActor
from cachetwin_local.supervise.function.runtime.code import PreparedCode
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.reload import FolderChange, Reloading
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.functions import FunctionCode


def actor_of(run_context: RunContext, root: Path) -> FunctionActor:
    """A function whose code runs from `root`."""
    greet = function(code=FunctionCode(path="asset.greet"))
    app = replace(topology("127.0.0.1", 8080), functions=(greet,))
    actor = FunctionActor(run_context, greet, app, VirtualEnvironments(run_context))
    actor._code = PreparedCode(root, run_context.assembly / "asset.greet", ())
    return actor


def test_a_function_that_runs_from_the_projects_folder_is_told(run_context: RunContext, tmp_path: Path) -> None:
    actor = actor_of(run_context, tmp_path)
    assert isinstance(actor, Reloading)
    assert actor.assets == {"asset.greet"}
    assert actor_of(run_context, run_context.assembly / "asset.greet").assets == frozenset()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("app.py", "App/Greet runs it with the next event"),
        ("requirements.txt", "App/Greet runs it with the next event; its packages are those of the start"),
    ],
)
def test_it_says_when_the_change_runs(run_context: RunContext, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text("")
    change = FolderChange("asset.greet", tmp_path, (tmp_path / name,))
    assert asyncio.run(actor_of(run_context, tmp_path).reload([change])).startswith(said)


def test_a_syntax_error_is_said(run_context: RunContext, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def broken(:")
    change = FolderChange("asset.greet", tmp_path, (tmp_path / "app.py",))
    with pytest.raises(UserError, match=r"app\.py:1: invalid syntax$"):
        asyncio.run(actor_of(run_context, tmp_path).reload([change]))
