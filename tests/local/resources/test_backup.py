"""The snapshots of caches in templates."""

import pytest
from tests.local.resources.templates import CACHE, one, plan_of

from cachetwin_local.settings import Settings
from cachetwin_local.topology.values import Backup, Topology

ARN = "arn:aws:s3:::bucket/shop-0001.rdb"
SERVERLESS = {"ServerlessCacheName": "s", "Engine": "valkey"}


def backup(topology: Topology) -> Backup:
    return topology.replication_groups[0].backup


def problems(topology: Topology) -> list[str]:
    return [problem.message for problem in topology.problems]


@pytest.mark.parametrize("asked", [{"SnapshotArns": [ARN]}, {"SnapshotName": ARN}])
def test_a_cache_starts_with_the_files_that_stand_for_its_snapshots(asked: dict[str, object]) -> None:
    settings = Settings(snapshots={ARN: ("/files/shop-0001.rdb",)})
    topology = plan_of(settings=settings, Cache=one("ElastiCache::ReplicationGroup", **CACHE, **asked))
    assert backup(topology).seed == ("/files/shop-0001.rdb",)
    assert not problems(topology)


def test_a_snapshot_that_no_file_stands_for_is_said() -> None:
    topology = plan_of(Cache=one("ElastiCache::ReplicationGroup", **CACHE, SnapshotArns=[ARN]))
    assert backup(topology).seed == ()
    hint = f'[snapshots] "{ARN}" = "file.rdb" in cachetwin.toml names one'
    assert problems(topology) == [f"starts empty: no local file stands for snapshot {ARN}; {hint}"]


def test_automatic_and_final_snapshots_are_read() -> None:
    group = one("ElastiCache::ReplicationGroup", **CACHE, SnapshotRetentionLimit=7, SnapshotWindow="05:00-06:00")
    group["Policies"] = {"DeletionPolicy": "Snapshot"}
    found = backup(plan_of(Cache=group))
    assert (found.retention_days, found.window) == (7, "05:00-06:00")
    assert found.final_name.endswith("-final")
    serverless = one(
        "ElastiCache::ServerlessCache",
        **SERVERLESS,
        SnapshotRetentionLimit=2,
        DailySnapshotTime="04:00",
        FinalSnapshotName="f",
    )
    assert backup(plan_of(Cache=serverless)) == Backup((), 2, "04:00-04:00", "f")


def test_without_a_window_the_hour_follows_from_the_name() -> None:
    windows = {backup(plan_of(Cache=one("ElastiCache::ReplicationGroup", **CACHE))).window for _ in range(2)}
    assert len(windows) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"SnapshotRetentionLimit": 36}, "SnapshotRetentionLimit: must be between 0 and 35, got 36"),
        ({"SnapshotWindow": "5-6"}, "SnapshotWindow: must be a window such as 05:00-09:00, got 5-6"),
    ],
)
def test_what_the_service_refuses_is_a_problem(given: dict[str, object], message: str) -> None:
    topology = plan_of(Cache=one("ElastiCache::ReplicationGroup", **CACHE, **given))
    assert any(message in entry.note for entry in topology.coverage)
