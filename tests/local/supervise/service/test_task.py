"""The tasks of a service: containers that depend on each other, tasks that are replaced, and their number."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.local.supervise.tiny_app import topology

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.load_balancer.load_balancer import LoadBalancerActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import (
    Container,
    ContainerDependency,
    ContainerImage,
    HealthCheck,
    RestartPolicy,
    Topology,
)

DEADLINE_S = 30
FOR_EVER = "import time; time.sleep(999)"
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(500 if os.path.exists(f"sick-{os.getpid()}") else 200)
        body = str(os.getpid()).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], 8000), Handler).serve_forever()
"""


@pytest.fixture
def container(address: str, tmp_path: Path) -> Callable[..., Container]:
    """Makes a container of Python code that runs in the test's folder."""
    base = topology(address, 8080).services[0].containers[0]

    def make(name: str, code: str, **more: Any) -> Container:  # noqa: ANN401  (fields of a container)
        image = ContainerImage(name, str(tmp_path), in_place=True)
        own = replace(base, name=name, image=image, command=(sys.executable, "-c", code), environment={})
        return replace(own, **{"port_mappings": (), "stop_timeout_s": 5, **more})

    return make


def only(address: str, *containers: Container) -> Topology:
    app = topology(address, 8080)
    return replace(app, services=(replace(app.services[0], containers=containers),), target_groups=())


def depends_on(**conditions: str) -> tuple[ContainerDependency, ...]:
    return tuple(ContainerDependency(name, condition) for name, condition in conditions.items())


@asynccontextmanager
async def running(run_context: RunContext, app: Topology) -> AsyncIterator[ServiceActor]:
    actor = ServiceActor(run_context, app.services[0], app, VirtualEnvironments(run_context))
    actor.open()
    try:
        await actor.prepare()
        await actor.start()
        yield actor
    finally:
        await actor.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.02)


def said(run_context: RunContext, text: str) -> bool:
    return any(text in one.line for one in run_context.logs.recent(frozenset(), 999))


def pids(run_context: RunContext) -> dict[str, int]:
    return {name.split("/")[2]: child.pid for name, child in run_context.children.items()}


def test_containers_start_in_the_order_of_their_dependencies(
    run_context: RunContext, address: str, tmp_path: Path, container: Callable[..., Container]
) -> None:
    note = "import os, time; open('order', 'a').write({0!r} + ' ');"
    well = HealthCheck(("CMD-SHELL", "test -f well"), 1, 5, 3)
    slow = f"time.sleep(0.5); open('well', 'w'); open('order', 'a').write('well '); {FOR_EVER}"
    app = only(
        address,
        container(
            "web", note.format("web") + FOR_EVER, depends_on=depends_on(agent="START", store="HEALTHY", seed="SUCCESS")
        ),
        container("seed", note.format("seed"), essential=False, depends_on=depends_on(wipe="COMPLETE")),
        container("wipe", note.format("wipe") + "raise SystemExit(4)", essential=False),
        container("store", note.format("store") + slow, health_check=well),
        container("agent", FOR_EVER, essential=False),
    )

    async def main() -> None:
        async with running(run_context, app) as actor:
            await until(lambda: "web" in (tmp_path / "order").read_text())
            order = (tmp_path / "order").read_text().split()
            assert order.index("wipe") < order.index("seed") < order.index("web")
            assert order.index("store") < order.index("well") < order.index("web")
            assert set(pids(run_context)) == {"web", "store", "agent"}
            await until(lambda: "starting" not in str(actor.rows()))
            (row,) = actor.rows()
            assert row["containers"] == {
                "web": "running", "store": "running", "agent": "running", "seed": "stopped", "wipe": "stopped"
            }  # fmt: skip
        assert not run_context.children

    asyncio.run(main())


def test_a_dependency_that_ends_before_it_is_healthy_fails_the_start(
    run_context: RunContext, address: str, container: Callable[..., Container]
) -> None:
    never = HealthCheck(("CMD", "false"), 1, 5, 3)
    app = only(
        address,
        container("web", FOR_EVER, depends_on=depends_on(store="HEALTHY")),
        container("store", "raise SystemExit(7)", health_check=never, essential=False),
    )

    async def main() -> None:
        with pytest.raises(
            UserError, match="store/1, which another container waits for, did not become healthy before"
        ):
            async with running(run_context, app):
                pass
        assert not run_context.children

    asyncio.run(main())


def test_an_essential_container_that_ends_replaces_the_whole_task_and_another_does_not(
    run_context: RunContext, address: str, container: Callable[..., Container]
) -> None:
    app = only(
        address,
        container("web", FOR_EVER),
        container("proxy", FOR_EVER),
        container("agent", FOR_EVER, essential=False),
        container("again", FOR_EVER, essential=False, restart_policy=RestartPolicy()),
    )

    async def main() -> None:
        async with running(run_context, app) as actor:
            first = pids(run_context)
            os.kill(first["agent"], 9)
            os.kill(first["again"], 9)
            await until(lambda: said(run_context, "agent was ended by signal 9; it is not essential to its task"))
            await until(lambda: pids(run_context).get("again", first["again"]) != first["again"])
            kept = pids(run_context)
            assert (kept["web"], kept["proxy"]) == (first["web"], first["proxy"])
            assert actor.rows()[0]["restarts"] == 0
            os.kill(kept["proxy"], 9)
            await until(
                lambda: said(run_context, "Tiny/Service/1: proxy was ended by signal 9; starting it again in 1 s")
            )
            await until(lambda: actor.rows()[0]["restarts"] == 1)
            assert not set(pids(run_context).values()) & set(kept.values())
            assert set(pids(run_context)) == {"web", "proxy", "agent", "again"}

    asyncio.run(main())


def test_a_task_that_fails_its_health_check_is_replaced(
    run_context: RunContext, address: str, tmp_path: Path, container: Callable[..., Container]
) -> None:
    check = HealthCheck(("CMD-SHELL", "test -f well || exit 1"), 1, 5, 2)
    app = only(address, container("web", f"open('well', 'w'); {FOR_EVER}", health_check=check))

    async def main() -> None:
        async with running(run_context, app) as actor:
            first = pids(run_context)["web"]
            await until((tmp_path / "well").exists)
            (tmp_path / "well").unlink()
            await until(lambda: actor.rows()[0]["restarts"] == 1)
            assert pids(run_context)["web"] != first
            assert said(run_context, "its health check exited with code 1 (2 of 2)")
            assert said(run_context, "web fails its health check")

    asyncio.run(main())


def test_a_health_check_whose_program_is_not_here_is_said_and_not_counted(
    run_context: RunContext, address: str, container: Callable[..., Container]
) -> None:
    check = HealthCheck(("CMD-SHELL", "no-such-curl -f http://localhost/ || exit 1"), 1, 5, 1)
    app = only(address, container("web", FOR_EVER, health_check=check))

    async def main() -> None:
        async with running(run_context, app):
            assert said(run_context, "its health check needs no-such-curl, which this machine lacks")

    asyncio.run(main())


def test_a_health_check_finds_its_task_at_localhost(
    run_context: RunContext, address: str, container: Callable[..., Container]
) -> None:
    ports = topology(address, 8080).services[0].containers[0].port_mappings
    probe = "import urllib.request; urllib.request.urlopen('http://localhost:8000/', timeout=5)"
    check = HealthCheck(("CMD", sys.executable, "-c", probe), 1, 10, 3)
    app = only(address, container("web", SERVER, port_mappings=ports, health_check=check))

    async def main() -> None:
        async with running(run_context, app) as actor:
            assert actor.rows()[0]["state"] == "ready"

    asyncio.run(main())


def balanced(address: str, container: Callable[..., Container]) -> Topology:
    app = topology(address, 8080)
    (service,), (group,) = app.services, app.target_groups
    web = container("web", SERVER, port_mappings=service.containers[0].port_mappings)
    return replace(
        app,
        project=address,
        services=(replace(service, containers=(web,)),),
        target_groups=(replace(group, health_check=replace(group.health_check, unhealthy_count=1)),),
    )


@asynccontextmanager
async def with_front(run_context: RunContext, app: Topology) -> AsyncIterator[tuple[ServiceActor, LoadBalancerActor]]:
    front = LoadBalancerActor(run_context, app.load_balancers[0], app)
    front.open()
    try:
        await front.prepare()
        async with running(run_context, app) as service:
            await front.start()
            yield service, front
            await front.stop()
    finally:
        await front.stop()


def test_tasks_come_and_go_without_a_request_lost_and_a_sick_one_is_replaced(
    run_context: RunContext, address: str, tmp_path: Path, container: Callable[..., Container]
) -> None:
    app = balanced(address, container)
    seen: set[str] = set()
    failed: list[object] = []

    async def ask(stopping: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
            while not stopping.is_set():
                answer = await client.get(f"http://{address}:8080/")
                seen.add(answer.text)
                if answer.status_code != 200:
                    failed.append(answer)

    async def asking(during: Callable[[], Awaitable[None]]) -> None:
        stopping = asyncio.Event()
        clients = [asyncio.create_task(ask(stopping)) for _ in range(3)]
        try:
            await during()
        finally:
            stopping.set()
            await asyncio.gather(*clients)

    async def main() -> None:
        async with with_front(run_context, app) as (service, front):

            async def come_and_go() -> None:
                assert await service.scale(3) == "Tiny/Service has 3 tasks"
                await until(lambda: len(seen) == 3)
                await until(lambda: front.detail == "3 of 3 targets healthy")
                assert await service.scale(1) == "Tiny/Service has 1 task"

            await asking(come_and_go)
            assert not failed
            await until(lambda: front.detail == "1 of 1 targets healthy")
            first = pids(run_context)["web"]
            (tmp_path / f"sick-{first}").touch()
            await until(lambda: service.rows()[0]["restarts"] == 1)
            assert said(run_context, f"its load balancer finds it unhealthy at {address}:8000")
            await until(lambda: front.detail == "1 of 1 targets healthy")
            with pytest.raises(UserError, match="must have 0 to 50 tasks here, got 51"):
                await service.scale(51)
            assert await service.scale(0) == "Tiny/Service has 0 tasks"
            async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
                assert (await client.get(f"http://{address}:8080/")).status_code == 503
        assert not run_context.children

    asyncio.run(main())


def test_after_a_restart_that_failed_a_change_of_the_number_starts_all_tasks(
    run_context: RunContext, addresses: tuple[str, str], tmp_path: Path, container: Callable[..., Container]
) -> None:
    code = f"import os, sys; os.path.exists('broken') and sys.exit('no start'); {FOR_EVER}"
    app = only(addresses[0], container("web", code))
    (service,) = app.services
    second = replace(service.tasks[0], address=addresses[1])
    app = replace(app, services=(replace(service, tasks=(service.tasks[0], second)),))

    async def main() -> None:
        async with running(run_context, app) as actor:
            assert len(run_context.children) == 2
            (tmp_path / "broken").touch()
            with pytest.raises(UserError, match="exited with code 1"):
                await actor.restart()
            assert run_context.children == {}
            with pytest.raises(UserError, match="exited with code 1"):
                await actor.scale(3)
            assert actor.desired_count == 2
            (tmp_path / "broken").unlink()
            assert await actor.scale(3) == "Tiny/Service has 3 tasks"
            assert len(run_context.children) == 3
        assert run_context.children == {}

    asyncio.run(main())


def test_tasks_that_leave_end_with_a_stop_meanwhile(
    run_context: RunContext, addresses: tuple[str, str], container: Callable[..., Container]
) -> None:
    app = topology(addresses[0], 8080)
    (service,) = app.services
    tasks = tuple(replace(service.tasks[0], address=one) for one in addresses)
    own = replace(service, tasks=tasks, containers=(container("web", SERVER),), health_check_grace_s=3600)
    app = replace(app, services=(own,))

    async def main() -> None:
        async with running(run_context, app) as actor:
            # a load balancer that has requests at the second task, and keeps them
            run_context.task_places.take_report("front", {f"{addresses[1]}:8000": True}, set())
            scaling = asyncio.create_task(actor.scale(1))
            await until(lambda: actor.desired_count == 1)
            assert len(run_context.children) == 2
            await actor.stop()
            assert run_context.children == {}
            run_context.task_places.forget("front")
            await asyncio.wait_for(scaling, DEADLINE_S)
        assert run_context.children == {}

    asyncio.run(main())
