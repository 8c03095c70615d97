"""What CloudFormation does with a cache whose template has changed, and what of it is done to the nodes that run. Pure."""

from collections import Counter
from dataclasses import dataclass

from cachetwin_local.topology.values import Endpoint, ReplicationGroup

__all__ = ["CacheUpdate", "cache_update"]


@dataclass(frozen=True, slots=True)
class CacheUpdate:
    """The way from one form of a cache to another.

    `replacement` names what makes CloudFormation replace it, with the loss of its data. Else `shards` and `replicas` are
    numbers to set, `parameters` are set at once, and `new_nodes` says that every node is replaced by one of another type or
    version, which has the data; connections break. What else differs is taken over without any effect on nodes.
    """

    replacement: tuple[str, ...] = ()
    shards: int | None = None
    replicas: int | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    new_nodes: tuple[str, ...] = ()

    def describe(self) -> str:
        """A line for people."""
        if self.replacement:
            return f"replacement, for {' and '.join(self.replacement)} cannot be changed: its data is lost"
        changes = list(self.new_nodes)
        if self.shards is not None:
            changes.append(f"{self.shards} {'shard' if self.shards == 1 else 'shards'}")
        if self.replicas is not None:
            changes.append(f"{self.replicas} {'replica' if self.replicas == 1 else 'replicas'} of each shard")
        changes += [f"{name} {value}" for name, value in self.parameters]
        if self.new_nodes:
            return f"update with some interruption: {', '.join(changes)}; its data stays"
        return f"update without interruption: {', '.join(changes) or 'settings'}"


def cache_update(old: ReplicationGroup, new: ReplicationGroup) -> CacheUpdate:
    """How `old` becomes `new`. Properties are named as in templates."""
    replaced = sorted({name for name, _value in old.create_only.items() ^ new.create_only.items()})
    replaced += [
        name
        for name, differs in {
            "its name": old.identity.physical_name != new.identity.physical_name,
            "Port": _ports(old) != _ports(new),
            "TransitEncryptionEnabled": _tls(old) != _tls(new),
            "ClusterMode": old.cluster_mode != new.cluster_mode,
            "GlobalReplicationGroupId": old.follows != new.follows,
            "SnapshotArns": old.backup.seed != new.backup.seed,
            "AuthToken": (old.auth_token is None) != (new.auth_token is None),
            "UserGroupIds": bool(old.users) != bool(new.users),
            "NodeGroupConfiguration": not _same_shards(old, new),
            "the endpoint": old.identity.physical_name == new.identity.physical_name
            and _ports(old) == _ports(new)
            and _places(old) != _places(new),
        }.items()
        if differs
    ]
    if replaced:
        return CacheUpdate(tuple(replaced))
    shards, replicas = len(new.node_groups), _replicas(new)
    removed = set(old.parameters) - set(new.parameters)
    changed = {name: value for name, value in new.parameters.items() if old.parameters.get(name) != value}
    nodes = []
    if new.nodes[0].node_type != old.nodes[0].node_type:
        nodes.append(f"node type {new.nodes[0].node_type}")
    elif new.nodes[0].maxmemory_bytes != old.nodes[0].maxmemory_bytes:
        nodes.append("reserved memory")
    if new.profile != old.profile or new.engine_version != old.engine_version:
        nodes.append(f"{new.engine} {new.engine_version}")
    if removed or "rename-commands" in changed:
        nodes.append("parameters")
    if new.ecpu_per_second_max != old.ecpu_per_second_max:
        nodes.append("ECPUPerSecond")
    return CacheUpdate(
        shards=shards if shards != len(old.node_groups) else None,
        replicas=replicas if replicas != _replicas(old) else None,
        parameters=() if nodes else tuple(sorted(changed.items())),
        new_nodes=tuple(nodes),
    )


def _same_shards(old: ReplicationGroup, new: ReplicationGroup) -> bool:
    """Whether slots stay, or may move online, and each shard has as many nodes as the next."""
    if len(old.node_groups) != len(new.node_groups):
        if new.follows:  # it has the slots of its primary, from the start
            return False
        return new.online_resharding and new.cluster_mode == "enabled" and _is_even(old) and _is_even(new)
    slots = [(group.id, group.slots) for group in old.node_groups] == [
        (group.id, group.slots) for group in new.node_groups
    ]
    return slots and (_sizes(old) == _sizes(new) or (_is_even(old) and _is_even(new)))


def _sizes(group: ReplicationGroup) -> Counter[str]:
    return Counter(node.shard for node in group.nodes)


def _is_even(group: ReplicationGroup) -> bool:
    return len(set(_sizes(group).values())) == 1


def _replicas(group: ReplicationGroup) -> int:
    return max(_sizes(group).values()) - 1


def _named(group: ReplicationGroup) -> list[Endpoint]:
    found = (group.primary_endpoint, group.reader_endpoint, group.configuration_endpoint)
    return [endpoint for endpoint in found if endpoint is not None]


def _ports(group: ReplicationGroup) -> list[int]:
    return [endpoint.port_on_aws for endpoint in _named(group)]


def _tls(group: ReplicationGroup) -> list[str]:
    return [endpoint.tls for endpoint in _named(group)]


def _places(group: ReplicationGroup) -> list[tuple[str, int]]:
    return [(endpoint.address, endpoint.port) for endpoint in _named(group)]
