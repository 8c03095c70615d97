"""Snapshots of a running cache: files that a real server loads, and caches that start with them."""

import asyncio
import datetime as dt
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from tests.local.supervise.cache.caches import KEY, client, cluster, cluster_client, replication_group, running, until
from tests.processes import wait_until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.backups import next_beginning
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Backup, ReplicationGroup


def open_group(address: str, nodes: int, **backup: object) -> ReplicationGroup:
    group = replication_group(address, nodes)
    return replace(group, backup=Backup(**backup))  # type: ignore[arg-type]


def messages(run_context: RunContext) -> list[str]:
    return [event.message for event in run_context.service_events.recent(1000)]


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server on this machine")
def test_a_real_server_loads_a_snapshot(run_context: RunContext, address: str, tmp_path: Path) -> None:
    """Redis OSS 7.0 reads files of the profile redis-7.1."""
    group = replace(open_group(address, 2), engine="redis", engine_version="7.1", profile="redis-7.1")

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with client(run_context, group.primary_endpoint, group) as app:
                for number in range(500):
                    await app.set(f"app:{number}", "x" * number)
                await app.hset("app:hash", mapping={"a": "1", "b": "2"})
                await app.wait(1, 5000)
            said = await actor.snapshot("nightly", tmp_path / "out")
            assert said == f"{KEY} is in {tmp_path}/out/nightly-0001.rdb"
            assert messages(run_context)[-1] == (
                "Snapshot succeeded for snapshot with ID 'nightly' of replication group with ID 'cache'"
            )

    asyncio.run(main())
    (file,) = (tmp_path / "out").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    socket = tmp_path / "s"
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(file.parent), "--dbfilename", file.name]
    server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(unix_socket_path=str(socket), decode_responses=True) as real:
            wait_until(lambda: _answers(real), "redis-server", 30)
            assert real.dbsize() == 501
            assert real.hgetall("app:hash") == {"a": "1", "b": "2"}
            assert real.get("app:499") == "x" * 499
    finally:
        server.kill()
        server.wait()


def _answers(real: redis.Redis) -> bool:
    try:
        return bool(real.ping())
    except redis.RedisError:
        return False


def test_a_cache_starts_with_snapshots_whatever_its_shards(
    run_context: RunContext, address: str, tmp_path: Path
) -> None:
    folder = tmp_path / "three"

    async def main() -> None:
        three = cluster(address, 3, 0)
        async with running(run_context, three) as actor, cluster_client(run_context, three) as app:
            for number in range(300):
                await app.set(f"key:{number}", number)
            await actor.snapshot("three", folder)
        files = tuple(str(file) for file in sorted(folder.iterdir()))
        assert [Path(file).name for file in files] == ["three-0001.rdb", "three-0002.rdb", "three-0003.rdb"]
        two = replace(cluster(address, 2, 1), backup=Backup(seed=files))
        async with running(run_context, two), cluster_client(run_context, two) as app:
            assert [await app.get(f"key:{number}") for number in range(300)] == [str(n) for n in range(300)]
            assert sum([await app.dbsize(target_nodes=node) for node in app.get_replicas()]) == 300

    asyncio.run(main())


def test_a_running_cache_gets_the_data_of_a_snapshot_back(
    run_context: RunContext, address: str, tmp_path: Path
) -> None:
    group = open_group(address, 2)

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:a", "1")
                await app.wait(1, 5000)
                await actor.snapshot("before", None)
                with pytest.raises(UserError, match="has a snapshot before already"):
                    await actor.snapshot("before", None)
                await app.set("app:a", "2")
                await app.set("app:b", "2")
            assert await actor.restore("before") == f"{KEY} has the data of before now"
            assert sorted(run_context.children) == [f"{KEY}/cache-001", f"{KEY}/cache-002"]
            for endpoint in (group.primary_endpoint, group.reader_endpoint):
                async with client(run_context, endpoint, group) as app:
                    assert await app.get("app:a") == "1"
                    assert await app.exists("app:b") == 0
            os.kill(run_context.children[f"{KEY}/cache-001"].pid, signal.SIGKILL)
            await until(lambda: actor.shards[0].primary.node.member_id == "cache-002")
            async with client(run_context, group.primary_endpoint, group) as app:
                assert await app.get("app:a") == "1"

    asyncio.run(main())


def test_what_cannot_be_restored_leaves_the_cache_as_it_was(
    run_context: RunContext, address: str, tmp_path: Path
) -> None:
    group = open_group(address, 2)
    wrong = tmp_path / "wrong.rdb"
    wrong.write_bytes(b"not a snapshot")

    async def main() -> None:
        async with running(run_context, group) as actor:
            async with client(run_context, group.primary_endpoint, group) as app:
                await app.set("app:a", "1")
                with pytest.raises(UserError, match="is no snapshot that can be loaded"):
                    await actor.restore(str(wrong))
                with pytest.raises(UserError, match=r"snapshot must be one of this cache \(none\), a file or a folder"):
                    await actor.restore("other")
                assert await app.get("app:a") == "1"
            assert sorted(run_context.children) == [f"{KEY}/cache-001", f"{KEY}/cache-002"]
            with pytest.raises(UserError, match="name must be of lower-case letters"):
                await actor.snapshot("No Name", None)
            with pytest.raises(UserError, match="no snapshot in /proc/none"):
                await actor.snapshot("here", Path("/proc/none"))
            assert messages(run_context)[-1] == (
                "Snapshot failed for snapshot with ID 'here' of replication group with ID 'cache'"
            )

    asyncio.run(main())


def test_the_last_snapshot_is_taken_at_the_end_and_a_window_brings_one_a_day(
    run_context: RunContext, address: str
) -> None:
    group = open_group(address, 1, final_name="cache-final", retention_days=2, window="05:00-06:00")

    async def main() -> None:
        async with running(run_context, replace(group, automatic_failover=False)) as actor:
            directory = actor.backups.directory
            for _ in range(3):
                await run_context.clock.advance(24 * 3_600_000)
            assert sum(message.startswith("Snapshot succeeded") for message in messages(run_context)) == 3
        names = sorted(one.name for one in directory.iterdir())
        assert len(names) == 3
        assert all(name.startswith("automatic.cache-") and name.endswith("-05-00") for name in names[:2])
        assert names[2] == "cache-final"
        await run_context.clock.advance(24 * 3_600_000)  # a cache that has ended takes none
        assert len(list(directory.iterdir())) == 3

    asyncio.run(main())


def test_a_window_begins_once_a_day() -> None:
    def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
        return dt.datetime(2026, 11, day, hour, minute, tzinfo=dt.UTC)

    assert next_beginning("05:00-06:00", at(1, 4, 59)) == at(1, 5)
    assert next_beginning("05:00-06:00", at(1, 5)) == at(2, 5)
    assert next_beginning("23:30-00:30", at(1, 23)) == at(1, 23, 30)
