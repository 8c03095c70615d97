"""The AWS-shaped host names of a topology's endpoints, and the loopback addresses that they stand for here."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from .values import Endpoint, Topology

__all__ = ["host_names"]


def host_names(topology: Topology) -> list[tuple[str, str]]:
    """Pairs of an address and a name, each name once, in the order of the names."""
    found: dict[str, str] = {}
    for endpoint in _endpoints((topology.replication_groups, topology.memcached_clusters, topology.databases)):
        for name in endpoint.names:
            found.setdefault(name, endpoint.address)
    return sorted(((address, name) for name, address in found.items()), key=lambda pair: pair[1])


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
