"""Running the app of cdk.json: when, with what environment, and what its failures look like."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.project import Project, find_project
from cachetwin_local.synth import (
    needs_synth,
    parse_pairs,
    refuse_missing_context,
    synthesise,
    synthesised_assets,
    synthesised_context,
)
from cachetwin_local.synth.sources import source_folders

APP = """
import json, os, pathlib, sys
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir(exist_ok=True)
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
if "overflow" in context or "CONTEXT_OVERFLOW_LOCATION_ENV" in os.environ:
    context = json.load(open(os.environ["CONTEXT_OVERFLOW_LOCATION_ENV"]))
manifest = {"version": "36.0.0", "artifacts": {}, "missing": context.get("missing", [])}
(out / "manifest.json").write_text(json.dumps(manifest))
(out / "seen.json").write_text(json.dumps({"context": context, "env": dict(os.environ), "python": sys.executable}))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "app.py").write_text(APP)
    settings = {"app": "python -m app", "context": {"from": "cdk.json", "kept": 1}}
    (tmp_path / "cdk.json").write_text(json.dumps(settings))
    return find_project(tmp_path)


def test_the_app_sees_what_the_cdk_would_tell_it(project: Project) -> None:
    (project.root / "cdk.context.json").write_text('{"from": "look-up"}')
    synthesise(project, {"said": "-c"})
    seen = json.loads((project.assembly / "seen.json").read_text())
    assert seen["context"]["from"] == "look-up"
    assert (seen["context"]["kept"], seen["context"]["said"]) == (1, "-c")
    assert seen["context"]["aws:cdk:enable-path-metadata"] is True
    assert seen["env"]["CDK_DEFAULT_REGION"]
    assert Path(seen["python"]).parent == Path(sys.executable).parent
    assert seen["env"]["JSII_NODE"].endswith("node")


def test_a_long_context_goes_by_file(project: Project) -> None:
    synthesise(project, {"long": "x" * 40_000})
    assert len(json.loads((project.assembly / "seen.json").read_text())["context"]["long"]) == 40_000


def test_the_context_of_the_last_synthesis_is_known(project: Project) -> None:
    assert synthesised_context(project) == {}
    synthesise(project, {"stack": "web"})
    assert synthesised_context(project) == {"stack": "web"}
    assert not needs_synth(project, synthesised_context(project))


def test_what_the_output_goes_to_is_no_source(project: Project) -> None:
    synthesise(project, {})
    code = (
        "import sys; from pathlib import Path; from cachetwin_local.project import find_project; "
        "from cachetwin_local.synth import needs_synth; print('a line', flush=True); "
        "sys.exit(needs_synth(find_project(Path(sys.argv[1])), {}))"
    )
    with (project.root / "out").open("w") as output:
        done = subprocess.run(
            [sys.executable, "-c", code, str(project.root)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=output,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0
    assert needs_synth(project, {})


def test_only_a_change_makes_it_run_again(project: Project) -> None:
    assert needs_synth(project, {})
    synthesise(project, {})
    assert not needs_synth(project, {})
    os.utime(project.root / "app.py")
    assert not needs_synth(project, {})
    (project.root / "node_modules").mkdir()
    (project.root / "node_modules" / "other.js").touch()
    assert not needs_synth(project, {})
    assert needs_synth(project, {"key": "value"})
    (project.root / "page.html").write_text("new")
    assert needs_synth(project, {})
    synthesise(project, {})
    (project.assembly / "manifest.json").write_text("{}")
    assert needs_synth(project, {})


CDK_APP = """
import aws_cdk as cdk
from aws_cdk import aws_ecr_assets, aws_s3_assets
app = cdk.App()
stack = cdk.Stack(app, "Shop")
aws_ecr_assets.DockerImageAsset(stack, "Image", directory="../web")
aws_s3_assets.Asset(stack, "Page", path="dist/page.html")
aws_s3_assets.Asset(stack, "Own", path="infra")
aws_ecr_assets.DockerImageAsset(cdk.Stack(cdk.Stage(app, "Dev"), "Shop"), "Whole", directory="..", file="web/Dockerfile")
app.synth()
"""


def test_sources_of_assets_outside_of_the_apps_folder_count_but_not_what_is_made(tmp_path: Path) -> None:
    root, web = tmp_path / "my app", tmp_path / "web"
    for folder in (root / "dist", root / "infra", web / "node_modules"):
        folder.mkdir(parents=True)
    (root / "app.py").write_text(CDK_APP)
    (root / "cdk.json").write_text(json.dumps({"app": "python app.py"}))
    (root / "infra" / "readme.txt").write_text("x")
    (root / "dist" / "page.html").write_text("built")
    (web / "Dockerfile").write_text("FROM scratch")
    (web / "server.py").write_text("first")
    project = find_project(root)
    project.directory.mkdir()
    (project.directory / "secrets.json").write_text("{}")
    synthesise(project, {})
    staged = {asset.source: asset.staged for asset in synthesised_assets(project)}
    assert set(staged) == {tmp_path, web, root / "dist" / "page.html", root / "infra"}
    assert (project.assembly / staged[web] / "server.py").read_text() == "first"
    whole = project.assembly / staged[tmp_path]
    assert {path.name for path in whole.iterdir()} == {"my app", "web"}
    assert {path.name for path in (whole / "my app").iterdir()} == {"app.py", "cdk.json", "dist", "infra"}
    found = {(one.path, one.files, one.why) for one in source_folders(project, synthesised_assets(project))}
    assert found == {
        (root, 3, "the app"), (tmp_path, 5, "an asset of the app"), (root / "dist" / "page.html", 1, "an asset of the app"),
    }  # fmt: skip
    assert not needs_synth(project, {})
    (web / "node_modules" / "library.js").write_text("installed")
    assert not needs_synth(project, {})
    (web / "server.py").write_text("second")
    assert needs_synth(project, {})
    (web / "server.py").write_text("first")
    assert not needs_synth(project, {})
    (root / "dist" / "page.html").write_text("built again")
    assert needs_synth(project, {})


def test_a_file_that_is_saved_while_the_app_runs_makes_the_next_run(project: Project) -> None:
    (project.root / "app.py").write_text(APP + "open('data.txt', 'a').write('x')\n")
    synthesise(project, {})
    assert needs_synth(project, {})


def test_an_app_that_fails_shows_the_end_of_its_output(project: Project) -> None:
    (project.root / "app.py").write_text("raise SystemExit('a bucket needs a name')")
    with pytest.raises(UserError, match=r"exited with code 1; the end of its output:\n  \| a bucket needs a name"):
        synthesise(project, {})
    (project.root / "app.py").write_text("pass")
    with pytest.raises(UserError, match=r"wrote no manifest .* app\.synth"):
        synthesise(project, {})


def test_values_that_only_an_account_knows_are_the_users_to_look_up(project: Project) -> None:
    settings = {**project.settings, "context": {"missing": [{"key": "vpc-provider:account=1"}]}}
    synthesise(Project(project.root, settings), {})
    with pytest.raises(UserError, match=r"vpc-provider:account=1.*run `cdk synth` once with credentials"):
        refuse_missing_context(project)


def test_context_on_the_command_line_is_key_and_value() -> None:
    assert parse_pairs("-c", ["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(UserError, match="-c must be key=value, got 'word'"):
        parse_pairs("-c", ["word"])


def test_commands_outside_a_cdk_app_say_so_in_one_line_and_exit_1(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for words in (["plan"], ["up"], ["status"], ["down"]):
        command = [sys.executable, "-m", "cachetwin_local", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("cachetwin: no cdk.json in ")
        assert done.stderr.count("\n") == 1
