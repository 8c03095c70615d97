"""The commands of the runner: each is found, and only what it needs is imported."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cachetwin_local.cli.application import app
from cachetwin_local.cli.entry import main

GROUP = typer.main.get_command(app)
HEAVY = ("cachetwin_local.supervise.supervisor", "cachetwin_local.plan.planner", "cryptography", "psutil")


def test_every_command_of_the_help_has_its_own() -> None:
    names = GROUP.list_commands(None)  # type: ignore[attr-defined]
    assert {"up", "plan", "status", "supervise"} < set(names)
    for name in names:
        command = GROUP.get_command(None, name)  # type: ignore[attr-defined]
        assert (command.name, command.hidden) == (name, name == "supervise")


@pytest.mark.parametrize("name", ["status", "logs"])
def test_a_short_command_imports_little(name: str) -> None:
    module = f"cachetwin_local.cli.commands.{name}"
    code = f"import sys, cachetwin_local.cli, {module}; print([one for one in {HEAVY!r} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_status_imports_neither_the_other_commands_nor_what_draws_on_a_terminal(tmp_path: Path) -> None:
    code = (
        "import atexit, sys; atexit.register(lambda: print([one for one in ('typer', 'rich') if one in sys.modules])); "
        "from cachetwin_local.cli import main; main()"
    )
    (tmp_path / "cdk.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "-c", code, "-C", str(tmp_path), "status"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "[]\n", "not running: start it with `cachetwin up`\n")


def test_an_unknown_command_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["cachetwin", "stats"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = "cachetwin: there is no command stats: `cachetwin --help` lists them; did you mean status?\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clock", "-5m"], "TIME must be a length such as +90s, +15m, +12h or +1d12h, got -5m"),
        (["set-parameter", "Cache", "timeout", "-1"], "nothing is running"),
    ],
)
def test_a_value_may_begin_with_a_minus(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "cdk.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["cachetwin", "-C", str(tmp_path), *words])
    with pytest.raises(SystemExit):
        main()
    assert said in capsys.readouterr().err
