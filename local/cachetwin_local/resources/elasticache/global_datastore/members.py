"""The members of a global datastore: which group belongs to which, and what one takes from the other.

A secondary names the global datastore alone; engine, node type, shards, TLS and parameters are those of the primary (user
guide, "Global datastores"). What the global datastore sets itself counts for the members in all regions.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.assembly.template import Json
from cachetwin_local.errors import UserError
from cachetwin_local.resources.properties import Properties

__all__ = ["GLOBAL_GROUP", "REPLICATION_GROUP", "datastore_of", "effective", "primary_of", "secondaries_of"]

GLOBAL_GROUP: Final = "AWS::ElastiCache::GlobalReplicationGroup"
REPLICATION_GROUP: Final = "AWS::ElastiCache::ReplicationGroup"
_OF_PRIMARY: Final = (
    "CacheNodeType",
    "CacheParameterGroupName",
    "ClusterMode",
    "Engine",
    "EngineVersion",
    "NumNodeGroups",
    "TransitEncryptionEnabled",
    "TransitEncryptionMode",
)
_OF_DATASTORE: Final = {
    "CacheNodeType": "CacheNodeType",
    "CacheParameterGroupName": "CacheParameterGroupName",
    "Engine": "Engine",
    "EngineVersion": "EngineVersion",
    "GlobalNodeGroupCount": "NumNodeGroups",
}


def effective(graph: Graph, resolved: Resolved) -> Resolved:
    """A replication group with the properties that it has as a member: those of its primary, of its global datastore."""
    if "GlobalReplicationGroupId" in resolved.properties:
        datastore = datastore_of(graph, resolved)
        primary = None if datastore is None else primary_of(graph, datastore)
        if datastore is None or primary is None:
            return resolved
        properties = {**_inherited(primary), **resolved.properties, **_node_groups(resolved, primary)}
    else:
        datastore = next((one for one in graph.readable(GLOBAL_GROUP) if _is_primary(graph, resolved, one)), None)
        if datastore is None:
            return resolved
        properties = dict(resolved.properties)
    changes = {
        name: datastore.properties[own]
        for own, name in _OF_DATASTORE.items()
        if datastore.properties.get(own) is not None
    }
    if "NumNodeGroups" in changes:
        properties.pop("NodeGroupConfiguration", None)
    return replace(resolved, properties={**properties, **changes})


def datastore_of(graph: Graph, secondary: Resolved) -> Resolved | None:
    """The global datastore that a group names.

    The id begins with five letters that follow from the region on AWS, so an id with other letters is that of the only
    global datastore with its suffix.
    """
    wanted = secondary.properties.get("GlobalReplicationGroupId")
    named = {str(graph.described(one.resource.key).physical_name): one for one in graph.readable(GLOBAL_GROUP)}
    if not isinstance(wanted, str):
        return None
    if wanted in named:
        return named[wanted]
    found = [one for name, one in named.items() if _suffix(name) == _suffix(wanted)]
    return found[0] if len(found) == 1 else None


def primary_of(graph: Graph, datastore: Resolved) -> Resolved | None:
    """The group that a global datastore was made of."""
    for group in graph.resources_of_type(REPLICATION_GROUP):
        if "GlobalReplicationGroupId" in group.properties:
            continue  # its description needs the primary's
        with suppress(UserError):
            resolved = graph.resolved(group.key)
            if _is_primary(graph, resolved, datastore):
                return resolved
    return None


def secondaries_of(graph: Graph, datastore: Resolved) -> Iterator[Resolved]:
    """The groups of other regions that name a global datastore."""
    for resolved in graph.readable(REPLICATION_GROUP):
        if "GlobalReplicationGroupId" in resolved.properties:
            own = datastore_of(graph, resolved)
            if own is not None and own.resource.key == datastore.resource.key:
                yield resolved


def _is_primary(graph: Graph, group: Resolved, datastore: Resolved) -> bool:
    description = graph.described(group.resource.key)
    ids = {str(description.ref).lower(), description.physical_name.lower()}
    members = Properties.of(datastore).objects("Members")
    leaders = [one for one in members if one.string("Role", "PRIMARY").upper() == "PRIMARY"]
    return any(one.string("ReplicationGroupId", "").lower() in ids for one in leaders)


def _inherited(primary: Resolved) -> dict[str, Json]:
    return {name: value for name in _OF_PRIMARY if (value := primary.properties.get(name)) is not None}


def _node_groups(secondary: Resolved, primary: Resolved) -> dict[str, Json]:
    """The node groups with the primary's ids and slots, and this region's replicas and zones."""
    theirs = primary.properties.get("NodeGroupConfiguration")
    if not isinstance(theirs, list) or not theirs:
        return {}
    own = secondary.properties.get("NodeGroupConfiguration")
    mine = own if isinstance(own, list) else []
    merged: list[Json] = []
    for at, entry in enumerate(theirs):
        kept = {name: entry[name] for name in ("NodeGroupId", "Slots") if isinstance(entry, dict) and name in entry}
        here = mine[at] if at < len(mine) else {}
        merged.append({**(here if isinstance(here, dict) else {}), **kept})
    return {"NodeGroupConfiguration": merged}


def _suffix(name: str) -> str:
    return re.sub(r"^[a-z]{5}-", "", name.lower())
