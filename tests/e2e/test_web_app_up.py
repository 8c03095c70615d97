"""The first reference architecture, from cdk.json to an answering page, with the command a newcomer types."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tests.processes import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.cdk, pytest.mark.xdist_group("web-app")]

ROOT = Path(__file__).parents[2]
# To ask often: a connection for each request, and one client, because making one takes 50 ms of processor time.
EACH_ANEW = httpx.Limits(max_keepalive_connections=0)
DEADLINE_S = 60  # a request, the end of a process; on a quiet machine each takes less than a second


def cachetwin(folder: Path, *words: str, deadline_s: float = 300) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}
    command = [sys.executable, "-m", "cachetwin_local", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=deadline_s, check=False
    )


def runs(pid: int) -> bool:
    """Whether `pid` runs; one that ended but that its parent has not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app alone: its stacks, the constructs they use and cdk.json."""
    folder = tmp_path_factory.mktemp("web-app")
    for name in ("stacks", "constructs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cdk.json", folder)
    return folder


@pytest.fixture(scope="module")
def app(checkout: Path) -> Iterator[dict[str, Any]]:
    """The app, up in the background; its status."""
    up = cachetwin(checkout, "up", "-d")
    try:
        assert up.returncode == 0, up.stderr
        status: dict[str, Any] = json.loads(cachetwin(checkout, "status", "--json").stdout)
        yield status
    finally:
        cachetwin(checkout, "down")


@pytest.fixture(scope="module")
def page(app: dict[str, Any]) -> str:
    """The load balancer's URL."""
    return next(str(row["endpoint"]) for row in app["endpoints"] if str(row["endpoint"]).startswith("http"))


def test_the_page_answers_and_every_resource_is_ready(app: dict[str, Any], page: str) -> None:
    answer = httpx.get(page, timeout=DEADLINE_S)
    assert answer.status_code == 200
    assert "<html" in answer.text
    assert {resource["state"] for resource in app["resources"]} == {"ready"}
    kinds = {resource["kind"] for resource in app["resources"]}
    assert kinds == {"database", "cache", "service", "load balancer", "AWS APIs"}


def test_the_second_request_is_a_hit_and_hits_are_faster(page: str) -> None:
    misses, hits = [], []
    with httpx.Client(base_url=page, timeout=DEADLINE_S) as client:
        for product in range(20, 32):
            first = client.get(f"/api/products/{product}").json()
            second = client.get(f"/api/products/{product}").json()
            assert (first["source"], second["source"]) == ("database", "cache")
            assert first["data"] == second["data"]
            misses.append(first["latency_ms"])
            hits.append(second["latency_ms"])
    assert min(hits) < min(misses)  # other work on the machine only adds to both


def test_env_names_the_endpoints_and_keeps_the_passwords_unless_asked(checkout: Path, app: dict[str, Any]) -> None:
    without = json.loads(cachetwin(checkout, "env", "--format", "json").stdout)
    assert not any(name.endswith("PASSWORD") for name in without)
    assert Path(without["CACHETWIN_CA_BUNDLE"]).is_file()
    found = {f"{without[name]}:{without[name.replace('_HOST', '_PORT')]}" for name in without if name.endswith("_HOST")}
    assert found <= {row["endpoint"] for row in app["endpoints"]}
    with_secrets = json.loads(cachetwin(checkout, "env", "--format", "json", "--secrets").stdout)
    assert sum(name.endswith("PASSWORD") for name in with_secrets) == 2


def test_the_cache_lets_only_its_users_in_and_only_over_tls(checkout: Path, app: dict[str, Any]) -> None:
    redis = pytest.importorskip("redis")
    variables = json.loads(cachetwin(checkout, "env", "--format", "json", "--secrets").stdout)
    host = next(value for name, value in variables.items() if name.endswith("CACHE_HOST"))
    user = next(value for name, value in variables.items() if "CACHE" in name and name.endswith("_USER"))
    password = next(value for name, value in variables.items() if "CACHE" in name and name.endswith("_PASSWORD"))
    bundle = variables["CACHETWIN_CA_BUNDLE"]
    with redis.Redis(host=host, ssl=True, ssl_ca_certs=bundle, username=user, password=password) as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.flushall()
    with redis.Redis(host=host, ssl=True, ssl_ca_certs=bundle) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis(host=host) as plain, pytest.raises(redis.RedisError):
        plain.ping()


def test_down_leaves_nothing_and_the_next_up_is_warm(checkout: Path, page: str) -> None:
    state = json.loads((checkout / ".cachetwin" / "state.json").read_text())
    pids = [state["pid"], *(child["pid"] for child in state["children"].values())]
    assert len(pids) > 4
    down = cachetwin(checkout, "down")
    assert down.returncode == 0, down.stderr
    assert not [pid for pid in pids if runs(pid)]
    with pytest.raises(httpx.ConnectError):
        httpx.get(page, timeout=DEADLINE_S)
    up = cachetwin(checkout, "up", "-d")
    assert up.returncode == 0, up.stderr
    assert "synthesising" not in up.stderr
    assert httpx.get(page, timeout=DEADLINE_S).status_code == 200


def test_a_killed_supervisor_takes_all_with_it_and_the_next_up_recovers(checkout: Path, page: str) -> None:
    with httpx.Client(base_url=page, timeout=DEADLINE_S) as client:
        renamed = client.patch("/api/products/5", json={"name": "Kept through a crash"})
        assert renamed.status_code == 200, renamed.text
    state = json.loads((checkout / ".cachetwin" / "state.json").read_text())
    supervisor = psutil.Process(state["pid"])
    children = supervisor.children(recursive=True)
    assert len(children) > 4
    supervisor.kill()
    wait_until(lambda: not any(runs(child.pid) for child in children), "every process ends", DEADLINE_S)
    up = cachetwin(checkout, "up", "-d")
    assert up.returncode == 0, up.stderr
    assert f"the last run (pid {supervisor.pid}) was killed" in up.stderr
    assert httpx.get(f"{page}api/products/5", timeout=DEADLINE_S).json()["data"]["name"] == "Kept through a crash"


def test_a_changed_source_is_synthesised_again(checkout: Path, page: str) -> None:
    assert page
    assert "synthesising" not in cachetwin(checkout, "plan").stderr
    with (checkout / "stacks" / "app.py").open("a") as source:
        source.write("# changed\n")
    assert "synthesising" in cachetwin(checkout, "plan").stderr


def test_a_saved_file_of_the_service_answers_without_a_synthesis(checkout: Path) -> None:
    cachetwin(checkout, "down")
    up = cachetwin(checkout, "up", "-d", "--watch", "--no-synth")
    try:
        assert up.returncode == 0, up.stderr
        page = next(line.rpartition(" = ")[2] for line in up.stdout.splitlines() if ".Url = " in line)
        source = checkout / "stacks" / "web_app" / "service" / "catalogue" / "static" / "index.html"
        source.write_text(source.read_text().replace("<title>", "<title>Saved: ", 1))
        with httpx.Client(base_url=page, timeout=DEADLINE_S, limits=EACH_ANEW) as client:
            wait_until(lambda: "<title>Saved: " in client.get("/").text, "the saved page", 120)
    finally:
        cachetwin(checkout, "down")


def test_it_runs_where_there_is_one_loopback_address(checkout: Path) -> None:
    up = cachetwin(checkout, "up", "-d", "--no-synth", "--loopback", "shared")
    try:
        assert up.returncode == 0, up.stderr
        status = json.loads(cachetwin(checkout, "status", "--json").stdout)
        addresses = {str(row["endpoint"]).removeprefix("http://").partition(":")[0] for row in status["endpoints"]}
        assert addresses == {"127.0.0.1"}
        page = next(str(row["endpoint"]) for row in status["endpoints"] if str(row["endpoint"]).startswith("http"))
        with httpx.Client(base_url=page, timeout=DEADLINE_S) as client:
            assert [client.get("/api/products/3").json()["source"] for _ in range(2)] == ["database", "cache"]
    finally:
        cachetwin(checkout, "down")


def test_a_port_that_is_taken_is_said_and_another_one_answers(checkout: Path, page: str) -> None:
    port = httpx.URL(page).port or 80
    with socket.create_server(("127.0.0.1", port)):
        up = cachetwin(checkout, "up", "-d", "--no-synth")
        try:
            assert up.returncode == 0, up.stderr
            assert f"port {port} is taken by " in up.stderr
            assert f"(pid {os.getpid()})" in up.stderr
            moved = next(line.rpartition(" = ")[2] for line in up.stdout.splitlines() if ".Url = " in line)
            assert httpx.URL(moved).port != port
            assert httpx.get(moved, timeout=DEADLINE_S).status_code == 200
        finally:
            cachetwin(checkout, "down")
