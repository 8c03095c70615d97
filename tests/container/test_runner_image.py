"""The runner's image: an assembly that was synthesised outside comes up in a container and answers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.container.conftest import ROOT, podman
from tests.processes import wait_until

pytestmark = pytest.mark.cdk

START_SECONDS_MAX = 600.0  # a quarter of a minute on a quiet machine, three under load


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the web app with its ``cdk.out``, owned by the image's user."""
    folder = tmp_path_factory.mktemp("app")
    for name in ("stacks", "constructs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cdk.json", folder)
    command = [sys.executable, "-m", "cachetwin_local", "plan"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True, timeout=300)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 10001, 10001, follow_symlinks=False)
    return folder


@pytest.fixture
def container(runner_image: str, assembly: Path) -> Iterator[str]:
    volume = f"{assembly}:/app"
    name = podman(
        "run", "--detach", "--network", "host", "--cap-drop", "ALL", "-v", volume, runner_image
    ).stdout.strip()
    yield name
    podman("rm", "--force", "--time", "20", name, check=False)


def test_the_app_comes_up_and_its_page_answers(container: str) -> None:
    def status() -> dict[str, object]:
        said = podman("exec", container, "cachetwin", "--project", "/app", "status", "--json", check=False).stdout
        found: dict[str, object] = json.loads(said) if said.startswith("{") else {}
        return found

    def page() -> str:
        rows = status().get("endpoints", [])
        assert isinstance(rows, list)
        return next((row["endpoint"] for row in rows if str(row.get("endpoint", "")).startswith("http")), "")

    def answers() -> bool:
        running = podman("inspect", "--format", "{{.State.Running}}", container).stdout.strip()
        assert running == "true", podman("logs", container).stderr
        try:
            return bool(page()) and httpx.get(page(), timeout=10).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    wait_until(answers, "the page of the web app", START_SECONDS_MAX)
    podman("stop", "--time", "30", container)
    assert podman("wait", container).stdout.strip() == "0"
