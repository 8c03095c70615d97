"""The names under which other tasks find a service: those of Cloud Map, and those of Service Connect.

A name stands for the addresses of the tasks, which listen at the ports of their containers. Where Service Connect has
another port, `plan` names it: nothing passes connections on here.
"""

import re
from collections.abc import Iterator
from typing import Final

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.values import Container

__all__ = ["discovery_names"]

_REGISTRY: Final = "AWS::ServiceDiscovery::Service"
_NAMESPACES: Final = (
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::HttpNamespace",
)
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*")


def discovery_names(
    context: Context, key: str, service: Properties, containers: tuple[Container, ...]
) -> tuple[str, ...]:
    """The names of the service `key`, each once."""
    found = []
    for name in dict.fromkeys([*_registered(context, service), *_connected(context, key, service, containers)]):
        if _HOST_NAME.fullmatch(name) and name != "localhost":
            found.append(name)
        else:
            context.problem(
                "warning", key, f"{name!r} cannot be a host's name here: no program finds the service by it"
            )
    return tuple(found)


def _registered(context: Context, service: Properties) -> Iterator[str]:
    """The names in Cloud Map."""
    stack = service.where.stack
    for registry in service.objects("ServiceRegistries"):
        resolved = context.find(_REGISTRY, registry.string("RegistryArn", ""), stack)
        if resolved is None:
            continue
        properties = Properties.of(resolved)
        given = properties.string("NamespaceId", "") or properties.object("DnsConfig").string("NamespaceId", "")
        namespace = _namespace(context, given, stack)
        if namespace and "Name" in properties:
            yield f"{properties.string('Name')}.{namespace}"


def _connected(context: Context, key: str, service: Properties, containers: tuple[Container, ...]) -> Iterator[str]:
    """The names of Service Connect, whose clients all services of the app are here."""
    connect = service.object("ServiceConnectConfiguration")
    if not connect.boolean("Enabled"):
        return
    ports = {port.name: port.container_port for one in containers for port in one.port_mappings if port.name}
    namespace = _namespace(context, connect.string("Namespace", ""), service.where.stack)
    for one in connect.objects("Services"):
        port_name = one.string("PortName")
        discovery = one.string("DiscoveryName", port_name)
        aliases = one.objects("ClientAliases")
        for alias in aliases:
            port = alias.integer("Port")
            if ports.get(port_name, port) != port:
                context.problem(
                    "warning", key, f"Service Connect gives port {port}: here it is the container's, {ports[port_name]}"
                )
            yield alias.string("DnsName", f"{discovery}.{namespace}" if namespace else discovery)
        if not aliases and namespace:
            yield f"{discovery}.{namespace}"


def _namespace(context: Context, ref: str, stack: str) -> str:
    """The name of a namespace by its id, its ARN or its name; empty for one that is not of the app."""
    for type_name in _NAMESPACES:
        resolved = context.find(type_name, ref, stack) if ref else None
        if resolved is not None:
            return Properties.of(resolved).string("Name")
    return "" if ref.startswith(("ns-", "arn:")) else ref
