"""What a changed template does to what runs, resource by resource."""

from dataclasses import replace

from tests.local.supervise.cache.caches import KEY, replication_group
from tests.local.supervise.tiny_app import topology

from cachetwin_local.supervise.changes import ResourceChange, resource_changes
from cachetwin_local.supervise.reconcile import specifications
from cachetwin_local.topology.values import Backup, Database, TaskAddress

TINY = topology("127.0.0.9", 8080)
CACHE = replication_group("127.0.0.9", 2)
WITH_CACHE = specifications(replace(TINY, replication_groups=(CACHE,)))
WITHOUT = specifications(replace(TINY, replication_groups=()))


def test_equal_plans_change_nothing() -> None:
    assert resource_changes(WITH_CACHE, WITH_CACHE) == []


def test_a_cache_that_goes_loses_its_data_and_one_that_comes_does_not() -> None:
    assert resource_changes(WITH_CACHE, WITHOUT) == [
        ResourceChange(KEY, "is deleted: its data is lost", loses_data=True)
    ]
    assert resource_changes(WITHOUT, WITH_CACHE) == [ResourceChange(KEY, "is created")]
    kept = specifications(replace(TINY, replication_groups=(replace(CACHE, backup=Backup(final_name="last")),)))
    (change,) = resource_changes(kept, WITHOUT)
    assert change.line == "is deleted; its data is kept in the snapshot last"


def test_each_kind_of_resource_says_what_cloudformation_does() -> None:
    (service,) = TINY.services
    more = replace(service, tasks=(*service.tasks, TaskAddress("127.9.9.9", {8000: 8000})))
    lines = {c.name: c for c in resource_changes(specifications(TINY), specifications(replace(TINY, services=(more,))))}
    assert "one task after the other" in lines["Tiny/Service"].line
    assert not any(change.loses_data for change in lines.values())


def test_a_database_whose_encryption_changes_is_replaced_on_aws(database: Database) -> None:
    encrypted = replace(database, create_only={"StorageEncrypted": "true"})
    before, after = (specifications(replace(TINY, databases=(one,))) for one in (database, encrypted))
    (change,) = resource_changes(before, after)
    assert change.line == "replacement on AWS (StorageEncrypted), whose data is lost there; here the data stays"
