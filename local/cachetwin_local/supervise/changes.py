"""What a changed template does to what runs, resource by resource, as CloudFormation would do it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cachetwin_local.supervise.cache.update import cache_update
from cachetwin_local.supervise.reconcile import Specification
from cachetwin_local.topology.values import Database, LoadBalancer, MemcachedCluster, ReplicationGroup, Service

__all__ = ["ResourceChange", "resource_changes"]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource: `line` is for people, `loses_data` whether data here goes."""

    name: str
    line: str
    loses_data: bool = False


def resource_changes(running: Mapping[str, Specification], wanted: Mapping[str, Specification]) -> list[ResourceChange]:
    """The changes that make `running` into `wanted`, by name."""
    return sorted(_changes(running, wanted), key=lambda change: change.name)


def _changes(running: Mapping[str, Specification], wanted: Mapping[str, Specification]) -> Iterator[ResourceChange]:
    for name, specification in wanted.items():
        if name not in running:
            yield ResourceChange(name, "is created")
        elif running[name] != specification:
            line, loses_data = _update(running[name], specification)
            yield ResourceChange(name, line, loses_data)
    for name, specification in running.items():
        if name not in wanted:
            line, loses_data = _deletion(specification[0])
            yield ResourceChange(name, line, loses_data)


def _update(before: Specification, after: Specification) -> tuple[str, bool]:
    match before[0], after[0]:
        case ReplicationGroup() as old, ReplicationGroup() as new:
            update = cache_update(old, new)
            return update.describe(), bool(update.replacement)
        case MemcachedCluster() as old, MemcachedCluster() as new:
            if replace(old, nodes=()) == replace(new, nodes=()):
                return f"update without interruption: {len(new.nodes)} nodes", len(new.nodes) < len(old.nodes)
            return "all its nodes start anew: its data is lost", True
        case Database() as old, Database() as new:
            return _database_update(old, new), False
        case Service(), Service():
            return "update without interruption on AWS, one task after the other; here its tasks stop and start", False
        case LoadBalancer() as old, LoadBalancer() as new:
            if (old.identity.physical_name, old.scheme) != (new.identity.physical_name, new.scheme):
                return "replacement, with another DNS name on AWS", False
            return "update without interruption on AWS; here its connections break", False
        case _:
            return "update without interruption", False


def _database_update(old: Database, new: Database) -> str:
    replaced = sorted({name for name, _value in old.create_only.items() ^ new.create_only.items()})
    replaced += [
        name
        for name, differs in {
            "Engine": old.engine != new.engine,
            "DBName": old.db_name != new.db_name,
            "MasterUsername": old.username != new.username,
            "its name": old.identity.physical_name != new.identity.physical_name,
        }.items()
        if differs
    ]
    if replaced:
        return f"replacement on AWS ({', '.join(replaced)}), whose data is lost there; here the data stays"
    return "update with some interruption: it is restarted, its data stays"


def _deletion(value: object) -> tuple[str, bool]:
    match value:
        case ReplicationGroup(backup=backup) if backup.final_name:
            return f"is deleted; its data is kept in the snapshot {backup.final_name}", True
        case ReplicationGroup() | MemcachedCluster():
            return "is deleted: its data is lost", True
        case Database():
            return "is deleted; here its data stays in the project's folder", False
        case _:
            return "is deleted", False
