"""AWS::ElastiCache::GlobalReplicationGroup: a replication group, and those of other regions that follow it."""

import hashlib
from typing import Final

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import GlobalDatastore, GlobalMember

from .members import primary_of, secondaries_of

_PREFIXES: Final = {"us-west-1": "dsdfu"}  # the one that the API reference names


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """The id is the suffix of the template after letters that follow from the region."""
    fields = name_fields(resolved, stack)
    suffix = Properties.of(resolved).string("GlobalReplicationGroupIdSuffix", generated_name(fields, 34)).lower()
    name = f"{_prefix(stack.region)}-{suffix}"
    arn = f"arn:{fields['partition']}:elasticache::{stack.account}:globalreplicationgroup:{name}"
    return Description(name, name, arn, {"GlobalReplicationGroupId": name, "Status": "available"})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The global datastore, if its primary is here."""
    graph = context.graph
    primary = primary_of(graph, resolved)
    if primary is None:
        return Translation((), "its primary is not in the chosen stacks", "not supported")
    groups = [primary, *secondaries_of(graph, resolved)]
    members = tuple(GlobalMember(one.resource.key, graph.stack(one.resource.stack).region) for one in groups)
    places = [f"{member.group} in {member.region}" for member in members]
    followers = ", ".join(places[1:])
    note = f"{places[0]} is written; " + (f"{followers} follows" if followers else "no other region follows")
    return Translation((GlobalDatastore(context.identity(resolved.resource.key), members),), note)


def _prefix(region: str) -> str:
    digest = hashlib.sha256(region.encode()).digest()
    return _PREFIXES.get(region) or "".join(chr(ord("a") + byte % 26) for byte in digest[:5])
