"""A changed plan applied to what runs: what did not change goes on, what differs is stopped and started."""

import json
import socket
import urllib.error
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.local.supervise.test_supervisor import PORT, Run, cachetwin, eventually, get, tiny
from tests.local.supervise.tiny_app import topology

from cachetwin_local.supervise.control.client import ask
from cachetwin_local.supervise.reconcile import difference, specifications
from cachetwin_local.topology.values import GenerateSecretString, TaskAddress, Topology

SERVICE, FRONT = "Tiny/Service", "Tiny/Frontend"


def with_another_rule(plan: Topology) -> Topology:
    (secret,) = plan.secrets
    return replace(plan, secrets=(replace(secret, generate=GenerateSecretString(password_length=20)),))


def with_two_tasks(plan: Topology) -> Topology:
    (service,) = plan.services
    return replace(plan, services=(replace(service, tasks=(*service.tasks, TaskAddress("127.9.9.9", {8000: 8000}))),))


def with_another_health_check(plan: Topology) -> Topology:
    (group,) = plan.target_groups
    return replace(plan, target_groups=(replace(group, health_check=replace(group.health_check, path="/up")),))


def with_another_output(plan: Topology) -> Topology:
    return replace(plan, account="111111111111")


def without_a_front(plan: Topology) -> Topology:
    return replace(plan, load_balancers=())


@pytest.mark.parametrize(
    ("change", "stopped", "started"),
    [
        (with_another_output, set(), set()),
        (with_another_rule, {SERVICE}, {SERVICE}),
        (with_two_tasks, {SERVICE, FRONT}, {SERVICE, FRONT}),
        (with_another_health_check, {SERVICE, FRONT}, {SERVICE, FRONT}),
        (without_a_front, {FRONT}, set()),
    ],
)
def test_only_what_differs_is_stopped_and_started(
    change: Callable[[Topology], Topology], stopped: set[str], started: set[str]
) -> None:
    plan = topology("127.9.9.8", 8080)
    found = difference(specifications(plan), specifications(change(plan)))
    assert (set(found.stop), set(found.start)) == (stopped, started)
    assert difference({}, specifications(plan)).start == {SERVICE, FRONT}


def apply(run: Run) -> dict[str, object]:
    return next(ask(run.state()["control_socket"], {"op": "apply"}, deadline_s=60))


def test_a_changed_service_is_replaced_while_the_load_balancer_goes_on(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        before = run.state()["children"]
        assert apply(run) == {"done": "nothing changed"}
        assert run.state()["children"] == before
        (tmp_path / "name").write_text("changed")
        assert apply(run) == {"done": f"stopped {SERVICE}; started {SERVICE}"}
        assert eventually(lambda: answers_as(address, "changed"))
        after = run.state()["children"]
        assert after[f"{FRONT}/traffic"] == before[f"{FRONT}/traffic"]
        assert after[f"{SERVICE}/web/1"] != before[f"{SERVICE}/web/1"]
        assert eventually(lambda: cachetwin(tmp_path, "status").returncode == 0, 60)


def test_the_number_of_tasks_changes_while_the_load_balancer_and_the_first_task_go_on(
    tmp_path: Path, address: str
) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        before = run.state()["children"]
        (tmp_path / "tasks").write_text("2")
        assert apply(run) == {"done": f"changed {FRONT}, {SERVICE}"}
        scaled = cachetwin(tmp_path, "scale", "Service", "3")
        assert (scaled.returncode, scaled.stderr.strip()) == (0, f"{SERVICE} has 3 tasks")
        assert apply(run) == {"done": "nothing changed"}
        status = json.loads(cachetwin(tmp_path, "status", "--json").stdout)
        assert [(row["task"], row["containers"]) for row in status["tasks"]] == [
            (f"{SERVICE}/{number}", {"web": "running"}) for number in (1, 2, 3)
        ]
        assert "3 of 3 targets healthy" in cachetwin(tmp_path, "status").stdout
        refused = cachetwin(tmp_path, "scale", "Service", "51")
        assert (refused.returncode, "must have 0 to 50 tasks here, got 51" in refused.stderr) == (1, True)
        (tmp_path / "tasks").write_text("1")
        assert apply(run) == {"done": f"changed {FRONT}, {SERVICE}"}
        assert run.state()["children"] == before


def answers_as(address: str, name: str) -> bool:
    try:
        return get(address).startswith(name)
    except urllib.error.HTTPError as error:
        error.close()
        return False


def test_what_leaves_the_plan_stops_and_what_comes_back_starts(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        (tmp_path / "front").touch()
        assert apply(run) == {"done": f"stopped {FRONT}; started nothing"}
        with socket.create_server((address, PORT)):
            (tmp_path / "front").unlink()
            refused = apply(run)
            assert refused == {"error": f"{FRONT} did not start: see `cachetwin status`; it is tried again"}
            assert f"port {PORT} on {address}" in cachetwin(tmp_path, "status").stdout.replace("\n", "")
        assert eventually(lambda: cachetwin(tmp_path, "status").returncode == 0, 60)
        assert get(address).startswith("tiny")


def test_apply_needs_something_that_runs(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text('{"app": "true"}')
    refused = cachetwin(tmp_path, "apply")
    assert (refused.returncode, "nothing is running: start it with `cachetwin up`" in refused.stderr) == (1, True)
