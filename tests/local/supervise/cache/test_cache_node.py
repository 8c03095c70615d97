"""The nodes of a cache: engines as processes that receive everything over their control channels."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import redis
from tests.local.supervise.cache.caches import client, replication_group, running, until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.monitoring.cache_events import CacheEvents
from cachetwin_local.supervise.monitoring.cache_logs import CacheLogs
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import LogDelivery, ReplicationGroup


@pytest.fixture
def group(address: str) -> ReplicationGroup:
    return replication_group(address, 1, automatic_failover=False)


def test_the_users_of_the_group_reach_both_endpoints_over_tls(run_context: RunContext, group: ReplicationGroup) -> None:
    async def main() -> None:
        async with running(run_context, group) as actor:
            for endpoint in (group.primary_endpoint, group.reader_endpoint):
                async with client(run_context, endpoint, group) as app:
                    await app.set("app:1", "one")
                    assert await app.get("app:1") == "one"
                    with pytest.raises(redis.exceptions.NoPermissionError):
                        await app.get("other:1")
            info = await actor.info("cache-001")
            assert "maxmemory:400000000" in info
            assert "maxmemory_policy:allkeys-lru" in info
            child = run_context.children["Shop/Cache/cache-001"]
            password = run_context.secrets.text(group.users[0].passwords[0])
            process = psutil.Process(child.pid)
            assert password not in " ".join(process.cmdline())
            assert password not in process.environ().values()
        assert not run_context.children

    asyncio.run(main())


def test_slow_commands_reach_the_log_group_and_events_the_topic(
    run_context: RunContext, group: ReplicationGroup
) -> None:
    delivery = LogDelivery("slow-log", "cloudwatch-logs", "slow", "json")
    group = replace(
        group,
        parameters={**group.parameters, "slowlog-log-slower-than": "0"},
        log_delivery=(delivery,),
        notification_topic="arn:aws:sns:us-east-1:000000000000:cache",
    )
    told: list[tuple[str, str, str]] = []
    calls: list[tuple[str, str, dict[str, Any]]] = []

    async def publish(*message: str) -> None:
        told.append((message[0], message[1], message[2]))

    async def call(service: str, operation: str, parameters: dict[str, Any], region: str) -> None:
        assert region == "us-east-1"
        calls.append((service, operation, parameters))

    client_of_aws: Any = SimpleNamespace(publish=publish, call=call)
    topology: Any = SimpleNamespace(replication_groups=[group], memcached_clusters=[], aws_api=object())

    async def main() -> None:
        logs = CacheLogs(run_context, client_of_aws)
        async with running(run_context, group) as actor:
            sending = asyncio.create_task(CacheEvents(run_context, client_of_aws, lambda: topology).run())
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:1", "slow")
            for _ in range(2):
                await logs.read_slow_logs(actor, group)
            await logs.deliver()
            run_context.service_events.write("user", "app", "Cache node 0001 restarted", "Shop/Cache")
            run_context.service_events.write("cache-cluster", "cache-001", "Cache node 0001 restarted", "Shop/Cache")
            rebooted = json.dumps({"ElastiCache:CacheNodesRebooted": "cache-001"})
            await until(lambda: (group.notification_topic, "ElastiCache Notification", rebooted) in told)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        assert sum("CacheNodesRebooted" in message for _topic, _subject, message in told) == 1

    asyncio.run(main())
    put = [parameters for service, operation, parameters in calls if (service, operation) == ("logs", "PutLogEvents")]
    assert [(one["logGroupName"], one["logStreamName"]) for one in put] == [("slow", "elasticache/cache-001/slow-log")]
    lines = [json.loads(event["message"]) for event in put[0]["logEvents"]]
    assert [line["CacheClusterId"] for line in lines if line["Command"].lower() == "set app:1 slow"] == ["cache-001"]


def test_a_node_that_dies_comes_back_at_the_same_endpoints(run_context: RunContext, group: ReplicationGroup) -> None:
    async def main() -> None:
        async with running(run_context, group):
            first = run_context.children["Shop/Cache/cache-001"]
            psutil.Process(first.pid).kill()
            async with asyncio.timeout(30):
                while True:
                    try:
                        async with client(run_context, group.primary_endpoint, group) as app:
                            assert await app.set("app:1", "again")
                        break
                    except (redis.ConnectionError, redis.TimeoutError):
                        await asyncio.sleep(0.05)
            assert run_context.children["Shop/Cache/cache-001"].pid != first.pid

    asyncio.run(main())


def test_a_request_the_node_refuses_is_the_users_to_solve(run_context: RunContext, group: ReplicationGroup) -> None:
    wrong = replace(group, users=(replace(group.users[0], access_string="on ~* +no-such-command"),))

    async def main() -> None:
        async with running(run_context, wrong):
            pass

    with pytest.raises(UserError, match=r"refused the request users: (?!users: ).*no-such-command"):
        asyncio.run(main())
    assert not run_context.children


def test_a_node_that_exits_at_its_start_shows_its_last_lines(
    run_context: RunContext, group: ReplicationGroup, tmp_path: Path
) -> None:
    script = tmp_path / "broken.py"
    script.write_text("import sys; print('no such profile'); sys.exit(2)")

    async def main() -> None:
        async with running(run_context, group, sys.executable, str(script)):
            pass

    with pytest.raises(UserError, match=r"exited with code 2 while starting; its last lines:\n  \| no such profile"):
        asyncio.run(main())


def test_a_node_that_hangs_is_replaced(run_context: RunContext, group: ReplicationGroup, events: list[Event]) -> None:
    async def main() -> None:
        async with running(run_context, group):
            first = run_context.children["Shop/Cache/cache-001"]
            os.kill(first.pid, signal.SIGSTOP)
            await until(lambda: [e.state for e in events if isinstance(e, ResourceState)][:1] == ["restarting"])
            await until(lambda: isinstance(events[-1], ResourceState) and events[-1].state == "ready")
            assert run_context.children["Shop/Cache/cache-001"].pid != first.pid
            async with client(run_context, group.primary_endpoint, group) as app:
                assert await app.set("app:1", "again")

    asyncio.run(main())
