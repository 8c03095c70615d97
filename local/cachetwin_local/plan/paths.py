"""The network paths an app needs, and whether its security groups allow them.

An app needs a path from a service or a function to each cache and database whose endpoint or credentials they receive, and
from a load balancer to each service behind it. A closed path is a problem that stops `up`: on AWS the connection would
time out.
"""

from collections.abc import Iterable, Mapping

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.values import (
    Database,
    Forward,
    Function,
    LoadBalancer,
    MemcachedCluster,
    NetworkPath,
    ReplicationGroup,
    Service,
    TargetGroup,
)

from .security_groups import Peer, SecurityGroups, ranges_of

Server = ReplicationGroup | MemcachedCluster | Database
User = Service | Function
"""What may use a server."""


def check_paths(
    context: Context,
    users: Iterable[User],
    balancers: Iterable[LoadBalancer],
    targets: Iterable[TargetGroup],
    servers: Mapping[str, Server],
) -> tuple[NetworkPath, ...]:
    """The open paths. Each path that is not open becomes a problem of the context."""
    checker = _Checker(context)
    by_key = {user.identity.key: user for user in users}
    for user in by_key.values():
        for key in user.depends_on:
            if key in servers:
                checker.check(user, servers[key], _port(servers[key]))
    groups = {group.identity.key: group for group in targets}
    for balancer in balancers:
        for key, port in _behind(balancer, groups):
            if key in by_key:
                checker.check(balancer, by_key[key], port)
    return tuple(checker.paths)


class _Checker:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._groups = SecurityGroups(context.graph, context.cannot_read)
        self.paths: list[NetworkPath] = []

    def check(self, source: User | LoadBalancer, target: User | Server, port: int) -> None:
        if isinstance(source, Function) and not source.in_vpc:
            message = (
                f"{source.identity.logical_id} cannot reach {target.identity.logical_id}: it is in no VPC (VpcConfig)"
            )
            self._context.problem("warning", source.identity.key, message)
            return
        verdict = self._groups.verdict(self._peer(source), self._peer(target), port)
        from_name, to_name = source.identity.logical_id, target.identity.logical_id
        if verdict.state == "open":
            self.paths.append(NetworkPath(source.identity.key, target.identity.key, port, verdict.reason))
            return
        severity = "error" if verdict.state == "closed" else "warning"
        message = f"{from_name} cannot reach {to_name} on port {port}: {verdict.reason}"
        self._context.problem("error" if severity == "error" else "warning", source.identity.key, message)

    def _peer(self, value: User | LoadBalancer | Server) -> Peer:
        graph, key = self._context.graph, value.identity.key
        groups = value.security_groups or _default_groups(self._context, key)
        return Peer(value.identity.logical_id, groups, ranges_of(graph, subnets_of(self._context, key)))


def subnets_of(context: Context, key: str) -> tuple[str, ...]:
    """The ids of the subnets that a resource is in."""
    properties = Properties.of(context.graph.resolved(key))
    kind = context.graph.resource(key).type
    if kind == "AWS::ECS::Service":
        return properties.object("NetworkConfiguration").object("AwsvpcConfiguration").strings("Subnets")
    if kind == "AWS::Lambda::Function":
        return properties.object("VpcConfig").strings("SubnetIds")
    if kind == "AWS::ElasticLoadBalancingV2::LoadBalancer":
        mapped = tuple(mapping.string("SubnetId") for mapping in properties.objects("SubnetMappings"))
        return properties.strings("Subnets") or mapped
    if kind in {"AWS::RDS::DBInstance", "AWS::RDS::DBCluster"}:
        return _grouped(
            context, properties.where.stack, "AWS::RDS::DBSubnetGroup", properties.optional("DBSubnetGroupName")
        )
    if kind == "AWS::ElastiCache::ServerlessCache":
        return properties.strings("SubnetIds")
    return _grouped(
        context, properties.where.stack, "AWS::ElastiCache::SubnetGroup", properties.optional("CacheSubnetGroupName")
    )


def _grouped(context: Context, stack: str, type_name: str, name: str | None) -> tuple[str, ...]:
    group = context.find(type_name, name, stack) if name else None
    return Properties.of(group).strings("SubnetIds") if group else ()


def _default_groups(context: Context, key: str) -> tuple[str, ...]:
    """The default group of the VPC: what EC2 uses where a resource names no group."""
    subnets = set(subnets_of(context, key))
    for subnet in context.graph.readable("AWS::EC2::Subnet"):
        if context.graph.described(subnet.resource.key).ref in subnets:
            vpc = context.find("AWS::EC2::VPC", str(subnet.properties.get("VpcId")), subnet.resource.stack)
            return _default_group(context.graph, vpc.resource.key) if vpc else ()
    return ()


def _default_group(graph: Graph, vpc: str) -> tuple[str, ...]:
    return (str(graph.described(vpc).attributes["DefaultSecurityGroup"]),)


def _port(server: Server) -> int:
    endpoint = server.endpoint
    return endpoint.port_on_aws


def _behind(balancer: LoadBalancer, groups: Mapping[str, TargetGroup]) -> list[tuple[str, int]]:
    """The services behind a load balancer and the ports it needs, that of a health check included."""
    found: dict[tuple[str, int], None] = {}
    for listener in balancer.listeners:
        for action in (listener.default_action, *(rule.action for rule in listener.rules)):
            for weighted in action.target_groups if isinstance(action, Forward) else ():
                group = groups.get(weighted.target_group)
                for target in group.targets if group else ():
                    found[target.service, target.container_port] = None
                    if group and group.health_check.port:
                        found[target.service, group.health_check.port] = None
    return list(found)
