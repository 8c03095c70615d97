"""The processes that carry the clients' traffic: what they do to the supervisor, and what ends with them."""

import asyncio
import contextlib
import json
import signal
import statistics
import threading
import time
from pathlib import Path

import psutil
import psycopg
from tests.local.supervise.postgres.test_postgres import address_of, ask, running, until
from tests.local.supervise.test_supervisor import PORT, SERVICE, Run, cachetwin, eventually, get, tiny

from cachetwin_local.supervise.control import client as control_client
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Database

TRAFFIC = "Tiny/Frontend/traffic"
CLIENTS = 200
STATUS_S_MAX = 0.5  # 0.05 on a machine that does nothing else; in the supervisor's own event loop it took seconds
SLOW_SERVICE = SERVICE.replace(
    'if self.path == "/die"', 'if self.path == "/slow":\n            print("slow begins", flush=True)\n'
    "            import time; time.sleep(1.5)\n        if self.path == \"/die\"",
)  # fmt: skip

BUSY_SERVICE = """
import asyncio, os
class Service(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nbusy")
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Service, os.environ["HOST"], int(os.environ["PORT"]), backlog=500)
    await server.serve_forever()
asyncio.run(main())
"""


def traffic(run: Run) -> psutil.Process:
    return psutil.Process(run.state()["children"][TRAFFIC]["pid"])


def status(run: Run) -> dict[str, object]:
    return next(control_client.ask(run.state()["control_socket"], {"op": "status"}, deadline_s=20))


def state_of(run: Run, resource: str) -> object:
    resources = status(run)["resources"]
    assert isinstance(resources, list)
    return next(each["state"] for each in resources if each["name"] == resource)


def test_a_killed_traffic_process_is_started_again_behind_the_same_socket(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        first = traffic(run).pid
        for _ in range(2):
            traffic(run).kill()
            # not refused: the connection waits in the listening socket, which is the supervisor's
            assert get(address) == "tiny 32 127.0.0.1"
        assert traffic(run).pid != first
        run.wait_for("restarted")
        assert eventually(lambda: state_of(run, "Tiny/Frontend") == "ready")
        logs = cachetwin(tmp_path, "logs", "Frontend").stdout
        assert f"{TRAFFIC}: was ended by signal 9; starting it again in 0.2 s" in logs


def test_a_traffic_process_that_hangs_is_unhealthy_until_it_goes_on(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        process = traffic(run)
        process.suspend()
        try:
            assert eventually(lambda: state_of(run, "Tiny/Frontend") == "unhealthy", 30)
        finally:
            process.resume()
        assert eventually(lambda: state_of(run, "Tiny/Frontend") == "ready", 30)
        assert get(address) == "tiny 32 127.0.0.1"


def test_a_request_under_way_is_answered_while_everything_stops(tmp_path: Path, address: str) -> None:
    answered: list[str] = []
    with tiny(tmp_path, address, SLOW_SERVICE) as run:
        run.wait_for("ready in")
        client = threading.Thread(target=lambda: answered.append(get(address, "/slow")))
        client.start()
        logs = tmp_path / ".cachetwin" / "logs"
        assert eventually(lambda: any("slow begins" in log.read_text() for log in logs.glob("Tiny.Service*.log")))
        run.process.send_signal(signal.SIGTERM)
        assert run.end() == 0
        client.join(20)
    assert answered == ["tiny 32 127.0.0.1"]


def test_status_counts_the_load_balancers_requests(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        for _ in range(3):
            get(address)
        with contextlib.suppress(OSError):
            get(address, "/die")

        def counted() -> bool:
            found = json.loads(cachetwin(tmp_path, "status", "--json").stdout)["metrics"]["Tiny/Frontend"]
            return bool(
                found.get("RequestCount", 0) >= 4
                and found.get("HTTPCode_Target_2XX_Count", 0) >= 3
                and found.get("HTTPCode_ELB_5XX_Count", 0) >= 1
            )

        assert eventually(counted)


async def load(address: str, stop: asyncio.Event) -> int:
    """Ask from many connections until `stop` is set. Returns the number of answers."""
    answered = 0

    async def client() -> None:
        nonlocal answered
        while not stop.is_set():
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(address, PORT)
                try:
                    while not stop.is_set():
                        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        head = await reader.readuntil(b"\r\n\r\n")
                        assert head.startswith(b"HTTP/1.1 200 ")
                        answered += bool(await reader.readexactly(len("busy")))
                finally:
                    writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(client())
    return answered


def test_status_is_quick_while_many_clients_are_at_work(tmp_path: Path, address: str) -> None:
    async def main(run: Run) -> tuple[int, list[float]]:
        stop = asyncio.Event()
        loading = asyncio.create_task(load(address, stop))
        took = []
        await asyncio.sleep(1)
        for _ in range(15):
            began = time.perf_counter()
            await asyncio.to_thread(status, run)
            took.append(time.perf_counter() - began)
            await asyncio.sleep(0.1)
        stop.set()
        return await asyncio.wait_for(loading, 60), took

    with tiny(tmp_path, address, BUSY_SERVICE) as run:
        run.wait_for("ready in")
        answered, took = asyncio.run(main(run))
        assert answered > CLIENTS
        assert statistics.median(took) < STATUS_S_MAX


def test_a_killed_relay_is_started_again_behind_the_same_socket(
    run_context: RunContext, database: Database, events: list[Event]
) -> None:
    async def main() -> None:
        async with running(run_context, database) as actor:
            login = address_of(run_context, database)
            relay = run_context.children[f"{actor.name}/relay"]
            psutil.Process(relay.pid).kill()
            assert await ask({**login, "connect_timeout": 20}, "SELECT 1") == 1
            assert run_context.children[f"{actor.name}/relay"] is not relay
            await until(lambda: ResourceState(actor.name, "database", "ready", "restarted") in events)

            def connections() -> int:
                return run_context.metrics.all()[actor.name]["DatabaseConnections"]

            async with await psycopg.AsyncConnection.connect(**login):
                await until(lambda: connections() == 1)
            await until(lambda: connections() == 0)

    asyncio.run(main())


def test_a_start_that_fails_does_not_wait_for_a_traffic_process_that_has_nothing_to_serve(
    tmp_path: Path, address: str
) -> None:
    with tiny(tmp_path, address, "import time; time.sleep(2); raise SystemExit(3)") as run:
        run.wait_for("failed")
        began_s = time.monotonic()
        assert run.end() == 1
        assert time.monotonic() - began_s < 7  # it was killed after 8 s
