"""The difference between what runs and what should run. Pure.

Each resource that runs has a specification: the values of the topology that its actor is made of, and the secrets that
they refer to. Equal specifications run alike; another one means that the resource is stopped and started anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from cachetwin_local.supervise.aws_api.delivery import log_streams
from cachetwin_local.supervise.load_balancer.load_balancer import refusals_of, target_groups_of
from cachetwin_local.topology.aws_api import AWS_API
from cachetwin_local.topology.principals import principals_of
from cachetwin_local.topology.values import SecretRef, Service, TargetGroup, Topology

__all__ = ["Difference", "Specification", "difference", "specifications"]

Specification = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The resources to stop, and those to start; one that changed is in both."""

    stop: frozenset[str]
    start: frozenset[str]


def difference(running: Mapping[str, Specification], wanted: Mapping[str, Specification]) -> Difference:
    """What makes `running` into `wanted`."""
    return Difference(
        stop=frozenset(name for name, specification in running.items() if wanted.get(name) != specification),
        start=frozenset(name for name, specification in wanted.items() if running.get(name) != specification),
    )


def specifications(topology: Topology) -> dict[str, Specification]:
    """The specification of each resource that runs, by its key."""
    services = {service.identity.key: service for service in topology.services}
    endpoint = topology.aws_api
    at = () if endpoint is None else (endpoint.endpoint,)
    found: dict[str, Specification] = {}
    for database in topology.databases:
        found[database.identity.key] = (database,)
    for cache in topology.replication_groups:
        found[cache.identity.key] = (cache,)
    for cluster in topology.memcached_clusters:
        found[cluster.identity.key] = (cluster,)
    for key, service in services.items():
        groups = [group for group in topology.target_groups if any(target.service == key for target in group.targets)]
        found[key] = (service, topology.region, *groups, *at)
    callers = tuple(principals_of(topology))
    if endpoint is not None:
        logs = tuple(log_streams(topology).items())
        found[AWS_API] = (
            endpoint,
            callers,
            topology.secrets,
            logs,
            tuple((one.identity.arn, one.role) for one in topology.functions),
            topology.roles,
            topology.grants,
        )
    for function in topology.functions:
        signers = callers if function.url is not None and function.url.auth_type == "AWS_IAM" else ()
        found[function.identity.key] = (function, signers, *at)
    for api in topology.http_apis:
        found[api.identity.key] = (api, callers, *(at if api.aws_roles else ()))
    for balancer in topology.load_balancers:
        balanced = tuple(target_groups_of(balancer, topology).values())
        called = tuple(refusals_of(balanced, topology).items())
        found[balancer.identity.key] = (balancer, (balanced, called), tuple(_addresses(balanced, services)))
    secrets = {secret.identity.arn: secret for secret in topology.secrets}
    return {
        key: (*specification, *(secrets.get(arn) for arn in sorted(set(_secrets_of(specification)))))
        for key, specification in found.items()
    }


def _addresses(groups: Iterable[TargetGroup], services: Mapping[str, Service]) -> Iterator[object]:
    for group in groups:
        for target in group.targets:
            yield services[target.service].tasks if target.service in services else ()


def _secrets_of(value: Any) -> Iterator[str]:  # noqa: ANN401  (any value of the topology)
    """The ARNs of the secrets that `value` refers to, wherever in it."""
    if isinstance(value, SecretRef):
        yield value.secret_arn
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets_of(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _secrets_of(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _secrets_of(getattr(value, each.name))
