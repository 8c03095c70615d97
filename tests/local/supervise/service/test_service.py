"""The containers of a service that run here."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.local.supervise.tiny_app import DOCKERFILE, topology

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.principals import principals_of
from cachetwin_local.topology.values import ContainerDependency, ContainerImage, HealthCheck, Role, Topology


def test_a_sidecar_that_is_not_essential_and_only_docker_can_run_is_left_out(
    run_context: RunContext, address: str
) -> None:
    asset = run_context.assembly / "asset"
    asset.mkdir(parents=True)
    (asset / "Dockerfile").write_text(DOCKERFILE)
    (asset / "service.py").write_text("import time; time.sleep(99)")
    app = topology(address, 8080)
    (service,) = app.services
    image = ContainerImage("public.ecr.aws/xray/aws-xray-daemon")
    sidecar = replace(service.containers[0], name="xray", image=image, essential=False, environment={})
    app = replace(app, services=(replace(service, containers=(*service.containers, sidecar)),), target_groups=())
    run_context.secrets.provision(app.secrets)

    async def main() -> list[str]:
        actor = ServiceActor(run_context, app.services[0], app, VirtualEnvironments(run_context))
        await actor.prepare()
        try:
            await actor.start()
            return list(run_context.children)
        finally:
            await actor.stop()

    assert asyncio.run(main()) == ["Tiny/Service/web/1"]


async def seen_in_time(seen: Callable[[], object]) -> object:
    """What `seen` returns, once what it looks at is there: a process may be slow to write it."""
    for _ in range(600):
        try:
            return seen()
        except (OSError, ValueError):
            await asyncio.sleep(0.05)
    return seen()


def run_until_ready(run_context: RunContext, app: Topology, seen: Callable[[], object]) -> object:
    run_context.secrets.provision(app.secrets)

    async def main() -> object:
        actor = ServiceActor(run_context, app.services[0], app, VirtualEnvironments(run_context))
        await actor.prepare()
        try:
            await actor.start()
            return await seen_in_time(seen)
        finally:
            await actor.stop()

    return asyncio.run(main())


def test_a_process_of_the_users_own_runs_in_its_folder_with_the_services_variables(
    run_context: RunContext, address: str, tmp_path: Path
) -> None:
    folder = tmp_path / "my : folder"
    folder.mkdir()
    program = "import json, os, time; open('seen.json', 'w').write(json.dumps({**os.environ})); time.sleep(99)"
    app = topology(address, 8080)
    (service,) = app.services
    own = replace(
        service.containers[0],
        image=ContainerImage("your own process", str(folder), in_place=True),
        command=(sys.executable, "-c", program),
        environment={"GREETING": "hello", "BIND": "0.0.0.0:8080"},
        health_check=None,
    )
    app = replace(app, services=(replace(service, containers=(own,), tasks=service.tasks[:1]),), target_groups=())
    seen = run_until_ready(run_context, app, lambda: json.loads((folder / "seen.json").read_text()))
    assert isinstance(seen, dict)
    assert (seen["GREETING"], seen["BIND"], seen["HOST"]) == ("hello", f"{address}:8080", address)
    assert "PORT" in seen
    assert list(folder.iterdir()) == [folder / "seen.json"]


def test_a_service_that_the_user_runs_starts_nothing(run_context: RunContext, address: str) -> None:
    app = topology(address, 8080)
    app = replace(app, services=(replace(app.services[0], containers=()),))
    assert run_until_ready(run_context, app, lambda: dict(run_context.children)) == {}


def run_with_migration(run_context: RunContext, address: str, code: str, condition: str) -> object:
    """Start a service whose container waits for another's end; the children that then run."""
    asset = run_context.assembly / "asset"
    asset.mkdir(parents=True)
    (asset / "Dockerfile").write_text(DOCKERFILE)
    (asset / "service.py").write_text("import time; print('serving', flush=True); time.sleep(99)")
    app = topology(address, 8080)
    (service,) = app.services
    command = ("python", "-c", f"print('migrated', flush=True); {code}")
    first = replace(service.containers[0], name="migrate", essential=False, command=command)
    web = replace(service.containers[0], depends_on=(ContainerDependency("migrate", condition),))
    app = replace(app, services=(replace(service, containers=(web, first)),), target_groups=())

    def seen() -> list[str]:
        [one.line for one in run_context.logs.recent(frozenset({"Tiny/Service"}), 99)].index("serving")
        return list(run_context.children)

    return run_until_ready(run_context, app, seen)


def test_a_container_whose_success_is_awaited_ends_before_the_other_begins(
    run_context: RunContext, address: str
) -> None:
    assert run_with_migration(run_context, address, "raise SystemExit(0)", "SUCCESS") == ["Tiny/Service/web/1"]
    both = frozenset({"Tiny/Service"})
    lines = [one.line for one in run_context.logs.recent(both, 99) if one.line in {"migrated", "serving"}]
    assert lines == ["migrated", "serving"]


def test_a_container_that_does_not_succeed_fails_the_start(run_context: RunContext, address: str) -> None:
    said = r"Tiny/Service/migrate/1, whose success .* exited with code 3(?s:.*)migrated"
    with pytest.raises(UserError, match=said):
        run_with_migration(run_context, address, "raise SystemExit(3)", "SUCCESS")


def test_a_container_that_only_has_to_complete_may_fail(run_context: RunContext, address: str) -> None:
    assert run_with_migration(run_context, address, "raise SystemExit(3)", "COMPLETE") == ["Tiny/Service/web/1"]


def test_a_service_with_a_role_has_credentials_of_its_own(
    run_context: RunContext, address: str, tmp_path: Path
) -> None:
    program = "import json, os, time; open('seen.json', 'w').write(json.dumps({**os.environ})); time.sleep(99)"
    app = topology(address, 8080)
    (service,) = app.services
    own = replace(
        service.containers[0],
        image=ContainerImage("your own process", str(tmp_path), in_place=True),
        command=(sys.executable, "-c", program),
        environment={},
        health_check=None,
    )
    arn = "arn:aws:iam::000000000000:role/web"
    alone = replace(service, containers=(own,), tasks=service.tasks[:1], task_role=arn)
    app = replace(app, services=(alone,), target_groups=(), roles=(Role(arn, ()),))
    run_context.identities.set_principals(principals_of(app))
    seen = run_until_ready(run_context, app, lambda: json.loads((tmp_path / "seen.json").read_text()))
    assert isinstance(seen, dict)
    found = run_context.identities.by_access_key(seen["AWS_ACCESS_KEY_ID"])
    assert found is not None
    principal, credentials = found
    assert (principal.name, principal.role_arn) == ("Tiny/Service", arn)
    assert credentials.environment().items() <= seen.items()
    assert {seen["AWS_SECRET_ACCESS_KEY"], seen["AWS_SESSION_TOKEN"]} <= run_context.values_to_mask()


@pytest.fixture
def open_to_all(run_context: RunContext, address: str) -> Topology:
    """A service whose program listens on every interface."""
    asset = run_context.assembly / "asset"
    asset.mkdir(parents=True)
    (asset / "Dockerfile").write_text(DOCKERFILE)
    (asset / "service.py").write_text(
        "import socket, time\n"
        "server = socket.create_server(('', 0))\n"
        "print(server.getsockname()[1], flush=True)\n"
        "open('listening', 'w').close()\n"
        "time.sleep(99)"
    )
    app = topology(address, 8080)
    check = HealthCheck(("CMD", "test", "-f", "listening"), 1, 10, 3)
    web = replace(app.services[0].containers[0], health_check=check)
    return replace(app, services=(replace(app.services[0], containers=(web,)),), target_groups=())


def test_status_says_that_a_service_listens_on_every_interface(run_context: RunContext, open_to_all: Topology) -> None:
    run_context.secrets.provision(open_to_all.secrets)

    async def main() -> tuple[str, str]:
        actor = ServiceActor(run_context, open_to_all.services[0], open_to_all, VirtualEnvironments(run_context))
        await actor.prepare()
        try:
            await actor.start()
            return actor.detail, run_context.logs.tail("Tiny/Service/1")[0]
        finally:
            await actor.stop()

    detail, port = asyncio.run(main())
    assert detail == f"1 task; listens on every interface (port {port}): bind to HOST"


def test_a_task_whose_port_is_taken_is_told_where_to_listen(
    run_context: RunContext, open_to_all: Topology, address: str
) -> None:
    code = "raise SystemExit('[Errno 98] Address already in use')"
    (run_context.assembly / "asset" / "service.py").write_text(code)
    with pytest.raises(UserError, match=rf"let it listen on HOST \({address}\) and PORT \(8000\)"):
        run_until_ready(run_context, open_to_all, lambda: None)
