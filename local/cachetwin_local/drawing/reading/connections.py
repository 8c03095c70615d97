"""Who calls whom without a security group between them: APIs, rules, subscriptions, event sources, replication."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.drawing.architecture import Edge, EdgeKind

from .graph_reading import Reading
from .values import text_at

_INVOKED: Final = frozenset(
    {
        "AWS::Lambda::Function",
        "AWS::StepFunctions::StateMachine",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGatewayV2::Api",
        "AWS::S3::Bucket",
        "AWS::ECS::Cluster",
        "AWS::SQS::Queue",
        "AWS::SNS::Topic",
    }
)


@dataclass(frozen=True, slots=True)
class Connector:
    """A type that connects two others: properties that refer to the caller and to the called; None is the type itself."""

    caller: str | None
    called: str
    label: str


CONNECTORS: Final[Mapping[str, Connector]] = {
    "AWS::ApiGateway::Method": Connector("RestApiId", "Integration", "invokes"),
    "AWS::ApiGatewayV2::Integration": Connector("ApiId", "IntegrationUri", "invokes"),
    "AWS::AppSync::DataSource": Connector("ApiId", "LambdaConfig", "invokes"),
    "AWS::CloudFront::Distribution": Connector(None, "DistributionConfig", "origin"),
    "AWS::Events::Rule": Connector(None, "Targets", "invokes"),
    "AWS::Scheduler::Schedule": Connector(None, "Target", "invokes"),
    "AWS::Lambda::EventSourceMapping": Connector("EventSourceArn", "FunctionName", "invokes"),
    "AWS::SNS::Subscription": Connector("TopicArn", "Endpoint", "delivers"),
    "AWS::StepFunctions::StateMachine": Connector(None, "DefinitionString", "invokes"),
    "AWS::RDS::DBProxyTargetGroup": Connector("DBProxyName", "DBClusterIdentifiers", "connects"),
}


def connections(reading: Reading, owner: Callable[[str], str | None]) -> list[Edge]:
    """The edges that connectors make. `owner` gives the box that a resource belongs to, None where there is none."""
    found: dict[tuple[str, str], Edge] = {}
    for resolved in reading.all():
        connector = CONNECTORS.get(resolved.resource.type)
        if connector is not None:
            for source, target in _pairs(reading, resolved, connector, owner):
                reason = f"{resolved.resource.logical_id} ({resolved.resource.type})"
                found.setdefault((source, target), Edge(source, target, "invoke", connector.label, reason))
    for edge in [*_global_datastores(reading), *_targets_of_listeners(reading, owner)]:
        found.setdefault((edge.source, edge.target), edge)
    return list(found.values())


def _pairs(
    reading: Reading, resolved: Resolved, connector: Connector, owner: Callable[[str], str | None]
) -> Iterator[tuple[str, str]]:
    callers = [resolved.resource.key]
    if connector.caller is not None:
        callers = [r.target for r in resolved.references if r.path[:1] == (connector.caller,)]
    called = [
        r.target
        for r in resolved.references
        if r.path[:1] == (connector.called,) and reading.type_of(r.target) in _INVOKED
    ]
    for source in dict.fromkeys(filter(None, map(owner, callers))):
        for target in dict.fromkeys(filter(None, map(owner, called))):
            if source != target:
                yield source, target


def _targets_of_listeners(reading: Reading, owner: Callable[[str], str | None]) -> Iterator[Edge]:
    """Functions behind a load balancer: a target group may name one."""
    for group in reading.of_type("AWS::ElasticLoadBalancingV2::TargetGroup"):
        functions = [r.target for r in group.references if r.path[:1] == ("Targets",)]
        for balancer in balancers_of(reading, reading.ref(group.resource.key)):
            for function in dict.fromkeys(functions):
                target = owner(function)
                if target is not None and reading.type_of(function) == "AWS::Lambda::Function":
                    yield Edge(balancer, target, "invoke", "invokes", group.resource.logical_id)


def balancers_of(reading: Reading, target_group: str) -> list[str]:
    """The load balancers whose listeners or rules forward to a target group (its ARN), by key."""
    found: dict[str, None] = {}
    for kind in ("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"):
        for resolved in reading.of_type(kind):
            if target_group in str(resolved.properties.get("DefaultActions", resolved.properties.get("Actions", ""))):
                listener: Resolved | None = resolved
                if kind.endswith("Rule"):
                    name = text_at(resolved.properties, "ListenerArn")
                    listener = reading.find("AWS::ElasticLoadBalancingV2::Listener", name)
                arn = text_at(listener.properties, "LoadBalancerArn") if listener else ""
                balancer = reading.find("AWS::ElasticLoadBalancingV2::LoadBalancer", arn)
                if balancer is not None:
                    found[balancer.resource.key] = None
    return list(found)


def _global_datastores(reading: Reading) -> Iterator[Edge]:
    """From the primary of a global datastore to each secondary that the app defines."""
    secondaries = [
        group
        for group in reading.of_type("AWS::ElastiCache::ReplicationGroup")
        if text_at(group.properties, "GlobalReplicationGroupId")
    ]
    kind: EdgeKind = "replication"
    for datastore in reading.of_type("AWS::ElastiCache::GlobalReplicationGroup"):
        primaries = [r.target for r in datastore.references if r.path[:1] == ("Members",)]
        for primary in dict.fromkeys(primaries):
            for secondary in secondaries:
                if primary != secondary.resource.key:
                    yield Edge(primary, secondary.resource.key, kind, "replicates", datastore.resource.logical_id)
