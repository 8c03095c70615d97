"""The commands that start nothing, as programs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

THREE_STACKS = Path(__file__).parent / "assemblies" / "three_stacks"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A CDK app's folder that was synthesised."""
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "true"}))
    shutil.copytree(THREE_STACKS, tmp_path / "cdk.out")
    return tmp_path


def cachetwin(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cachetwin_local", "-C", str(folder), *words]
    return subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def edit(project: Path, stack: str, **changes: object) -> None:
    """Change sections of a template."""
    path = project / "cdk.out" / f"{stack}.template.json"
    template = json.loads(path.read_text())
    path.write_text(json.dumps({**template, **changes}))


def test_draw_writes_svg_to_stdout_and_mermaid_where_the_file_says_so(project: Path) -> None:
    svg = cachetwin(project, "draw", "--no-synth")
    assert svg.returncode == 0, svg.stderr
    assert Xml.fromstring(svg.stdout).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  (our own text)
    written = cachetwin(project, "draw", "--no-synth", "-o", str(project / "app.mmd"))
    assert (written.returncode, written.stdout) == (0, "")
    assert "flowchart LR" in (project / "app.mmd").read_text()
    assert cachetwin(project, "draw", "--no-synth", "--format", "mermaid").stdout == (project / "app.mmd").read_text()


def test_draw_says_what_is_wrong_in_one_line(project: Path) -> None:
    unknown = cachetwin(project, "draw", "--no-synth", "Nope")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)
    assert "stack must be one of Net, Data, Web, got Nope" in unknown.stderr
    nowhere = cachetwin(project, "draw", "--no-synth", "-o", str(project / "no" / "app.svg"))
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (1, 1)
    assert "No such file or directory" in nowhere.stderr


def test_snapshots_lists_the_files_of_each(project: Path) -> None:
    for number in (1, 2):
        folder = project / ".cachetwin" / "snapshots" / "cache" / f"of-{number}"
        folder.mkdir(parents=True)
        for shard in range(number):
            (folder / f"of-{number}-{shard:04}.rdb").write_bytes(b"12345")
    listed = cachetwin(project, "snapshots")
    assert listed.stdout == "cache  of-1  1 file  5 bytes\ncache  of-2  2 files  10 bytes\n"


def test_draw_refuses_a_format_it_does_not_write(project: Path) -> None:
    option = cachetwin(project, "draw", "--no-synth", "--format", "png")
    assert option.returncode == 2
    assert "--format" in option.stderr
    suffix = cachetwin(project, "draw", "--no-synth", "-o", str(project / "app.png"))
    assert (suffix.returncode, suffix.stderr.count("\n")) == (1, 1)
    assert "--output must end in .svg, .mmd or .mermaid, got" in suffix.stderr
    assert not (project / "app.png").exists()
    named = cachetwin(project, "draw", "--no-synth", "--format", "svg", "-o", str(project / "app.xml"))
    assert named.returncode == 0, named.stderr


def test_draw_writes_utf_8_whatever_the_terminal_has(tmp_path: Path) -> None:
    template = tmp_path / "app.json"
    cache = {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": {"Engine": "valkey", "NumCacheClusters": 2}}
    template.write_text(json.dumps({"Resources": {"Кэш": cache}}))
    command = [sys.executable, "-m", "cachetwin_local", "draw", "--format", "mermaid", "--template", str(template)]
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True, cwd=tmp_path)
    assert 'app_Кэш[("Кэш<br/>' in done.stdout.decode()


def test_draw_warns_of_a_flowchart_that_pages_do_not_render(tmp_path: Path) -> None:
    cache = {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": {"Engine": "valkey", "NumCacheClusters": 2}}
    template = tmp_path / "app.json"
    template.write_text(json.dumps({"Resources": {f"Cache{number}": cache for number in range(400)}}))
    done = cachetwin(tmp_path, "draw", "--format", "mermaid", "--template", str(template))
    assert done.returncode == 0
    assert len(done.stdout) > 50_000
    assert "characters, and most pages render up to 50,000: draw some of the stacks, or SVG" in done.stderr


@pytest.mark.parametrize("words", [("draw",), ("plan",), ("plan", "--json"), ("env", "--format", "json")])
def test_a_full_stdout_is_one_line(project: Path, words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "cachetwin_local", "-C", str(project), *words]
    command += ["--no-synth"] if words[0] != "env" else []
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (1, "cachetwin: cannot write to stdout: No space left on device\n")


@pytest.mark.parametrize("words", [("draw",), ("plan",)])
def test_a_closed_stdout_is_no_error_of_ours(project: Path, words: tuple[str, ...]) -> None:
    line = f"exec {sys.executable} -m cachetwin_local -C {project} {' '.join(words)} --no-synth >&-"
    done = subprocess.run(["sh", "-c", line], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_app_that_fails_without_a_word_is_said_to(project: Path) -> None:
    (project / "cdk.json").write_text(json.dumps({"app": "false"}))
    done = cachetwin(project, "draw")
    assert done.returncode == 1
    assert done.stderr.endswith("cachetwin: the app `false` exited with code 1; it printed nothing\n")


def test_an_empty_template_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text("")
    done = cachetwin(tmp_path, "draw", "--template", str(tmp_path / "app.json"))
    assert done.returncode == 1
    assert done.stderr.endswith("must hold a template, an object with Resources, got nothing\n")


def test_draw_shows_some_stacks_with_those_they_depend_on(project: Path) -> None:
    text = cachetwin(project, "draw", "--no-synth", "--format", "mermaid", "Data").stdout
    assert "title: Net, Data" in text
    assert "Amazon RDS" in text
    assert "Amazon ECS service" not in text


def test_parameters_give_templates_their_values(project: Path) -> None:
    template = json.loads((project / "cdk.out" / "Data.template.json").read_text())
    (cache,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::ElastiCache::ReplicationGroup"]
    cache["Properties"]["CacheNodeType"] = {"Ref": "Size"}
    parameters = {**template.get("Parameters", {}), "Size": {"Type": "String"}}
    edit(project, "Data", Resources=template["Resources"], Parameters=parameters)
    without = cachetwin(project, "plan", "--no-synth", "--json")
    notes = [one["note"] for one in json.loads(without.stdout)["coverage"] if one["status"] == "not readable"]
    assert any("parameter Size must have a value" in note for note in notes)
    for pair in ("Size=cache.t4g.small", "Data:Size=cache.t4g.small"):
        found = json.loads(cachetwin(project, "plan", "--no-synth", "--json", "--parameters", pair).stdout)
        assert found["replication_groups"][0]["nodes"][0]["node_type"] == "cache.t4g.small"
    wrong = cachetwin(project, "plan", "--no-synth", "--parameters", "Size")
    assert wrong.stderr == "cachetwin: --parameters must be key=value, got 'Size'\n"


def test_git_ignores_the_runners_folder(project: Path) -> None:
    assert cachetwin(project, "env").returncode == 0
    assert (project / ".cachetwin" / "secrets.json").exists()
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    command = ["git", "-C", str(project), "status", "--porcelain", "--untracked-files=all"]
    untracked = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "cdk.json" in untracked
    assert ".cachetwin" not in untracked


def test_an_assembly_is_read_without_a_cdk_json(tmp_path: Path) -> None:
    planned = cachetwin(tmp_path, "plan", "--json", "--assembly", str(THREE_STACKS))
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["stacks"] == ["Net", "Data", "Web"]
    drawn = cachetwin(tmp_path, "draw", "--format", "mermaid", "--assembly", str(THREE_STACKS))
    assert "title: Net, Data, Web" in drawn.stdout
    missing = cachetwin(tmp_path, "plan", "--assembly", "nowhere")
    assert missing.stderr == "cachetwin: --assembly must be a folder that `cdk synth` wrote, got nowhere\n"
    assert not list(tmp_path.iterdir())


def test_an_app_that_is_a_folder_is_not_run(tmp_path: Path) -> None:
    shutil.copytree(THREE_STACKS, tmp_path / "synthesised")
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "synthesised"}))
    planned = cachetwin(tmp_path, "plan", "--json")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert json.loads(planned.stdout)["stacks"] == ["Net", "Data", "Web"]


def test_a_template_alone_is_planned_and_its_variables_are_printed(tmp_path: Path) -> None:
    (tmp_path / "cache.yaml").write_text(
        "Parameters: {Size: {Type: String}}\n"
        "Resources:\n"
        "  Cache:\n"
        "    Type: AWS::ElastiCache::ReplicationGroup\n"
        "    Properties: {ReplicationGroupDescription: x, Engine: valkey, CacheNodeType: !Ref Size, NumCacheClusters: 1}\n"
    )
    (tmp_path / "sizes.json").write_text(json.dumps({"Size": "cache.t4g.small"}))
    template = ("--template", str(tmp_path / "cache.yaml"))
    planned = cachetwin(tmp_path, "plan", "--json", *template, "--parameters-file", str(tmp_path / "sizes.json"))
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["replication_groups"][0]["nodes"][0]["node_type"] == "cache.t4g.small"
    printed = cachetwin(tmp_path, "env", *template, "--parameters", "Size=cache.t4g.micro")
    assert "export CACHE_" in printed.stdout, printed.stderr
    both = cachetwin(tmp_path, "plan", *template, "--app", "true")
    assert both.stderr == "cachetwin: name one of --app, --assembly and --template, got --app, --template\n"
    missing = cachetwin(tmp_path, "plan", "--template", "none.yaml")
    assert missing.stderr == "cachetwin: --template must be a file with a CloudFormation template, got none.yaml\n"
    nowhere = cachetwin(tmp_path / "none", "plan")
    assert nowhere.stderr == f"cachetwin: --project must be a folder, got {tmp_path / 'none'}\n"


def test_an_app_of_the_command_line_runs_after_the_build_command(tmp_path: Path) -> None:
    write = (
        f"{sys.executable} -c \"import os, shutil; shutil.copytree({str(THREE_STACKS)!r}, os.environ['CDK_OUTDIR'])\""
    )
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "false", "build": "echo built > built.txt"}))
    planned = cachetwin(tmp_path, "plan", "--json", "--app", write)
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["stacks"] == ["Net", "Data", "Web"]
    assert (tmp_path / "built.txt").exists()
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "true", "build": "echo no compiler; exit 3"}))
    failed = cachetwin(tmp_path, "plan")
    assert "the build command `echo no compiler; exit 3` exited with code 3" in failed.stderr
    assert "  | no compiler" in failed.stderr


def test_init_writes_what_the_plan_misses_and_completes_it_later(project: Path) -> None:
    template = json.loads((project / "cdk.out" / "Data.template.json").read_text())
    (cache,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::ElastiCache::ReplicationGroup"]
    cache["Properties"]["CacheNodeType"] = {"Ref": "Size"}
    cache["Properties"]["Port"] = {"Fn::ImportValue": "cache-port"}
    edit(project, "Data", Resources=template["Resources"], Parameters={"Size": {"Type": "String"}})
    wrote = cachetwin(project, "init", "--no-synth")
    assert wrote.returncode == 0, wrote.stderr
    path = project / "cachetwin.toml"
    assert '[parameters]\n# "Data:Size" = ""  # needed by Data/' in path.read_text()
    assert '[imports] # "cache-port" = ""' in wrote.stderr
    path.write_text(path.read_text().replace('# "Data:Size" = ""', '"Data:Size" = "cache.t4g.small"'))
    path.write_text(path.read_text().replace('# "cache-port" = ""', '"cache-port" = "7001"'))
    planned = json.loads(cachetwin(project, "plan", "--no-synth", "--json").stdout)
    assert planned["replication_groups"][0]["primary_endpoint"]["port"] == 7001
    assert "misses nothing" in cachetwin(project, "init", "--no-synth").stderr
    chosen = cachetwin(project, "plan", "--no-synth", "--json", "--only", "Nope")
    assert chosen.stderr.startswith("cachetwin: --only must name one of ")
    path.write_text("[service]\n")
    wrong = cachetwin(project, "plan", "--no-synth")
    assert "must have keys of leave-out, " in wrong.stderr
    assert "got service; did you mean services?" in wrong.stderr


def test_a_project_whose_folder_cannot_hold_its_state_has_it_in_the_users_state_folder(tmp_path: Path) -> None:
    project, state = tmp_path / "my: app, 2", tmp_path / "state"
    shutil.copytree(THREE_STACKS, project / "cdk.out")
    (project / "cdk.json").write_text(json.dumps({"app": "cdk.out"}))
    command = [sys.executable, "-m", "cachetwin_local", "-C", str(project), "env"]
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(state)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not (project / ".cachetwin").exists()
    (folder,) = (state / "cachetwin").iterdir()
    assert folder.name.startswith("my--app--2-")
    assert (folder / "secrets.json").exists()


def test_a_terminal_without_unicode_and_a_narrow_one_show_the_plan(project: Path) -> None:
    command = [sys.executable, "-m", "cachetwin_local", "-C", str(project), "plan", "--no-synth"]
    for more in ({"PYTHONIOENCODING": "ascii"}, {"COLUMNS": "40"}):
        done = subprocess.run(command, env={**ENVIRONMENT, **more}, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        text = done.stdout.decode("ascii" if "PYTHONIOENCODING" in more else "utf-8")
        assert "twinned" in text
        assert "?" not in text
