"""The host names of a topology's endpoints, shaped as on AWS, and of its services, with their loopback addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from .values import Endpoint, Topology

__all__ = ["host_names"]


def host_names(topology: Topology) -> list[tuple[str, str]]:
    """Pairs of an address and a name, in the order of the names; a service's name has the address of each task."""
    found: dict[str, str] = {}
    for endpoint in _endpoints((topology.replication_groups, topology.memcached_clusters, topology.databases)):
        for name in endpoint.names:
            found.setdefault(name, endpoint.address)
    pairs = [(address, name) for name, address in found.items()]
    for service in topology.services:
        pairs += [(task.address, name) for name in service.discovery_names for task in service.tasks]
    return sorted(dict.fromkeys(pairs), key=lambda pair: pair[1])


def _endpoints(value: Any) -> Iterator[Endpoint]:  # noqa: ANN401  (any value of the topology)
    """Every endpoint in `value`, however deep."""
    if isinstance(value, Endpoint):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _endpoints(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _endpoints(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _endpoints(getattr(value, each.name))
