"""The resource types that are boxes of a picture: one row of `BOX_TYPES` each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.drawing.architecture import Kind, NodeGrid

from .cache_nodes import cluster_grid, replication_grid
from .graph_reading import Reading
from .network import Attachment, listener_ports, subnets_of_group
from .values import flag_at, items_at, number_at, objects_at, strings_at, text_at

Details = Callable[[Reading, Resolved], list[str]]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoxType:
    """How a type becomes a box.

    `groups` and `subnets` are the paths of its security groups and subnets; `subnet_group` is the type of the subnet
    group that it names and the property that does. `port` is the port that it opens unless its property ``Port`` says
    another, 0 for none.
    """

    kind: Kind
    label: str
    details: Details = lambda _reading, _resolved: []
    groups: Path = ()
    subnets: Path = ()
    subnet_group: tuple[str, Path] | None = None
    port: int = 0
    grid: Callable[[Reading, Resolved, tuple[str, ...]], NodeGrid | None] | None = None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _balancer(reading: Reading, resolved: Resolved) -> list[str]:
    scheme = text_at(resolved.properties, "Scheme") or "internet-facing"
    listeners = [f"{protocol} {port}" for port, protocol in listener_ports(reading, resolved.resource.key).items()]
    return [scheme, *([f"listens on {', '.join(listeners)}"] if listeners else [])]


def _service(reading: Reading, resolved: Resolved) -> list[str]:
    properties = resolved.properties
    tasks = _count(number_at(properties, "DesiredCount", default=1), "task")
    name = reading.physical_name(resolved.resource.key)
    for target in reading.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        if text_at(target.properties, "ResourceId").rpartition("/")[2] == name:
            low, high = text_at(target.properties, "MinCapacity"), text_at(target.properties, "MaxCapacity")
            tasks = f"scales from {low} to {high} tasks"
    launch = {"FARGATE": "Fargate", "EC2": "EC2"}.get(text_at(properties, "LaunchType"), "its cluster's capacity")
    return [f"{tasks} on {launch}"]


def _function(_reading: Reading, resolved: Resolved) -> list[str]:
    runtime = text_at(resolved.properties, "Runtime") or "container image"
    memory = text_at(resolved.properties, "MemorySize")
    return [runtime + (f", {memory} MB" if memory else "")]


def _replication_group(reading: Reading, resolved: Resolved) -> list[str]:
    properties = resolved.properties
    if text_at(properties, "GlobalReplicationGroupId"):
        lines = ["secondary of a global datastore, engine and encryption are those of its primary"]
    else:
        engine = " ".join(filter(None, [_engine(properties, "redis"), text_at(properties, "CacheNodeType")]))
        lines = [engine, _encryption(properties)]
    users = [name for name in strings_at(properties, "UserGroupIds") if name]
    lines += _users(reading, users, properties)
    return lines


def _encryption(properties: Mapping[str, object]) -> str:
    if not flag_at(properties, "TransitEncryptionEnabled"):
        return "no TLS"
    return "TLS preferred" if text_at(properties, "TransitEncryptionMode") == "preferred" else "TLS required"


def _users(reading: Reading, group_ids: list[str], properties: Mapping[str, object]) -> list[str]:
    if text_at(properties, "AuthToken"):
        return ["AUTH token"]
    names: list[str] = []
    for group_id in group_ids:
        group = reading.find("AWS::ElastiCache::UserGroup", group_id)
        for user_id in strings_at(group.properties, "UserIds") if group else ():
            user = reading.find("AWS::ElastiCache::User", user_id)
            name = text_at(user.properties, "UserName") if user else user_id
            names.append(reading.title(user.resource.key) if user and len(name) > _USER_NAME_MAX else name)
    return [f"users: {', '.join(dict.fromkeys(names))}"] if names else []


def _serverless_cache(reading: Reading, resolved: Resolved) -> list[str]:
    properties = resolved.properties
    engine, major = text_at(properties, "Engine"), text_at(properties, "MajorEngineVersion")
    limits = []
    storage = text_at(properties, "CacheUsageLimits", "DataStorage", "Maximum")
    if storage:
        limits.append(f"up to {storage} {text_at(properties, 'CacheUsageLimits', 'DataStorage', 'Unit') or 'GB'}")
    power = text_at(properties, "CacheUsageLimits", "ECPUPerSecond", "Maximum")
    if power:
        limits.append(f"{power} ECPU/s")
    lines = [" ".join(filter(None, [_ENGINES.get(engine, engine), major])) + ", TLS required"]
    lines += [", ".join(limits)] if limits else []
    group = text_at(properties, "UserGroupId")
    return [*lines, *_users(reading, [group] if group else [], properties)]


_ENGINES: Final = {
    "valkey": "Valkey",
    "redis": "Redis OSS",
    "memcached": "Memcached",
    "postgres": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "aurora-postgresql": "Aurora PostgreSQL",
    "aurora-mysql": "Aurora MySQL",
}


def _engine(properties: Mapping[str, object], default: str = "") -> str:
    engine = text_at(properties, "Engine").lower() or default
    return " ".join(filter(None, [_ENGINES.get(engine, engine), text_at(properties, "EngineVersion")]))


def _cache_cluster(_reading: Reading, resolved: Resolved) -> list[str]:
    properties = resolved.properties
    secure = "TLS required" if flag_at(properties, "TransitEncryptionEnabled") else "no TLS"
    return [f"{_engine(properties)} {text_at(properties, 'CacheNodeType')}".strip(), secure]


def _db_instance(_reading: Reading, resolved: Resolved) -> list[str]:
    properties = resolved.properties
    place = "standby in another zone" if flag_at(properties, "MultiAZ") else "one zone"
    storage = text_at(properties, "AllocatedStorage")
    size = [f"{storage} GB"] if storage else []
    return [
        ", ".join([" ".join(filter(None, [_engine(properties), text_at(properties, "DBInstanceClass")])), *size]),
        place,
    ]


def _db_cluster(reading: Reading, resolved: Resolved) -> list[str]:
    name = reading.ref(resolved.resource.key)
    members = [
        one for one in reading.of_type("AWS::RDS::DBInstance") if text_at(one.properties, "DBClusterIdentifier") == name
    ]
    instances = [f"{_count(len(members), 'instance')}"] if members else []
    return [_engine(resolved.properties), *instances]


def _property(*names: str) -> Details:
    """Details that are the values of these properties."""

    def details(_reading: Reading, resolved: Resolved) -> list[str]:
        found = [text_at(resolved.properties, name) for name in names]
        return [", ".join(filter(None, found))] if any(found) else []

    return details


def _http_api(reading: Reading, resolved: Resolved) -> list[str]:
    ref = reading.ref(resolved.resource.key)
    routes = reading.of_type("AWS::ApiGatewayV2::Route")
    keys = [text_at(r.properties, "RouteKey") for r in routes if text_at(r.properties, "ApiId") == ref]
    return _listed(keys)


def _rest_api(reading: Reading, resolved: Resolved) -> list[str]:
    ref = reading.ref(resolved.resource.key)
    paths: dict[str, str] = {}
    resources = [r for r in reading.of_type("AWS::ApiGateway::Resource") if text_at(r.properties, "RestApiId") == ref]
    for resource in resources:
        parent = paths.get(text_at(resource.properties, "ParentId"), "")
        paths[reading.ref(resource.resource.key)] = f"{parent}/{text_at(resource.properties, 'PathPart')}"
    keys = []
    for method in reading.of_type("AWS::ApiGateway::Method"):
        if text_at(method.properties, "RestApiId") == ref and text_at(method.properties, "HttpMethod") != "OPTIONS":
            path = paths.get(text_at(method.properties, "ResourceId"), "/")
            keys.append(f"{text_at(method.properties, 'HttpMethod')} {path}")
    return _listed(keys)


def _listed(names: list[str], most: int = 5) -> list[str]:
    """The first names, one a line, and how many more there are."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return [*names[:most], *more]


def _rule(_reading: Reading, resolved: Resolved) -> list[str]:
    schedule = text_at(resolved.properties, "ScheduleExpression")
    sources = strings_at(resolved.properties, "EventPattern", "source")
    return [schedule] if schedule else [f"events of {', '.join(sources)}"] if sources else []


def _instance(_reading: Reading, resolved: Resolved) -> list[str]:
    return [text_at(resolved.properties, "InstanceType")] if text_at(resolved.properties, "InstanceType") else []


def _scaling_group(_reading: Reading, resolved: Resolved) -> list[str]:
    low, high = text_at(resolved.properties, "MinSize"), text_at(resolved.properties, "MaxSize")
    return [f"{low} to {high} instances"] if low and high else []


_USER_NAME_MAX: Final = 16
_ELASTICACHE_SUBNETS: Final = ("AWS::ElastiCache::SubnetGroup", ("CacheSubnetGroupName",))
_RDS_SUBNETS: Final = ("AWS::RDS::DBSubnetGroup", ("DBSubnetGroupName",))

BOX_TYPES: Final[Mapping[str, BoxType]] = {
    "AWS::CloudFront::Distribution": BoxType("distribution", "Amazon CloudFront"),
    "AWS::ApiGateway::RestApi": BoxType("api", "Amazon API Gateway, REST API", _rest_api),
    "AWS::ApiGatewayV2::Api": BoxType("api", "Amazon API Gateway, HTTP API", _http_api),
    "AWS::AppSync::GraphQLApi": BoxType("api", "AWS AppSync"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": BoxType(
        "load-balancer", "Application Load Balancer", _balancer, ("SecurityGroups",), ("Subnets",)
    ),
    "AWS::ElasticLoadBalancing::LoadBalancer": BoxType(
        "load-balancer", "Classic Load Balancer", _property("Scheme"), ("SecurityGroups",), ("Subnets",)
    ),
    "AWS::Events::Rule": BoxType("event", "Amazon EventBridge rule", _rule),
    "AWS::Scheduler::Schedule": BoxType("event", "Amazon EventBridge Scheduler", _rule),
    "AWS::StepFunctions::StateMachine": BoxType("workflow", "AWS Step Functions"),
    "AWS::ECS::Service": BoxType(
        "service",
        "Amazon ECS service",
        _service,
        ("NetworkConfiguration", "AwsvpcConfiguration", "SecurityGroups"),
        ("NetworkConfiguration", "AwsvpcConfiguration", "Subnets"),
    ),
    "AWS::EKS::Cluster": BoxType(
        "service",
        "Amazon EKS cluster",
        _property("Version"),
        ("ResourcesVpcConfig", "SecurityGroupIds"),
        ("ResourcesVpcConfig", "SubnetIds"),
    ),
    "AWS::AppRunner::Service": BoxType("service", "AWS App Runner"),
    "AWS::Lambda::Function": BoxType(
        "function", "AWS Lambda function", _function, ("VpcConfig", "SecurityGroupIds"), ("VpcConfig", "SubnetIds")
    ),
    "AWS::EC2::Instance": BoxType("instance", "Amazon EC2 instance", _instance, ("SecurityGroupIds",), ("SubnetId",)),
    "AWS::AutoScaling::AutoScalingGroup": BoxType(
        "instance", "Amazon EC2 Auto Scaling group", _scaling_group, (), ("VPCZoneIdentifier",)
    ),
    "AWS::ElastiCache::ReplicationGroup": BoxType(
        "cache",
        "Amazon ElastiCache",
        _replication_group,
        ("SecurityGroupIds",),
        subnet_group=_ELASTICACHE_SUBNETS,
        port=6379,
        grid=replication_grid,
    ),
    "AWS::ElastiCache::CacheCluster": BoxType(
        "cache",
        "Amazon ElastiCache",
        _cache_cluster,
        ("VpcSecurityGroupIds",),
        subnet_group=_ELASTICACHE_SUBNETS,
        port=11211,
        grid=cluster_grid,
    ),
    "AWS::ElastiCache::ServerlessCache": BoxType(
        "cache", "Amazon ElastiCache Serverless", _serverless_cache, ("SecurityGroupIds",), ("SubnetIds",), port=6379
    ),
    "AWS::MemoryDB::Cluster": BoxType(
        "cache",
        "Amazon MemoryDB",
        _property("NodeType"),
        ("SecurityGroupIds",),
        subnet_group=("AWS::MemoryDB::SubnetGroup", ("SubnetGroupName",)),
        port=6379,
    ),
    "AWS::DAX::Cluster": BoxType(
        "cache",
        "Amazon DynamoDB Accelerator",
        _property("NodeType"),
        ("SecurityGroupIds",),
        subnet_group=("AWS::DAX::SubnetGroup", ("SubnetGroupName",)),
        port=8111,
    ),
    "AWS::RDS::DBInstance": BoxType(
        "database", "Amazon RDS", _db_instance, ("VPCSecurityGroups",), subnet_group=_RDS_SUBNETS, port=5432
    ),
    "AWS::RDS::DBCluster": BoxType(
        "database", "Amazon Aurora", _db_cluster, ("VpcSecurityGroupIds",), subnet_group=_RDS_SUBNETS, port=5432
    ),
    "AWS::RDS::DBProxy": BoxType(
        "database",
        "Amazon RDS Proxy",
        _property("EngineFamily"),
        ("VpcSecurityGroupIds",),
        ("VpcSubnetIds",),
        port=5432,
    ),
    "AWS::DocDB::DBCluster": BoxType(
        "database",
        "Amazon DocumentDB",
        groups=("VpcSecurityGroupIds",),
        subnet_group=("AWS::DocDB::DBSubnetGroup", ("DBSubnetGroupName",)),
        port=27017,
    ),
    "AWS::Neptune::DBCluster": BoxType(
        "database",
        "Amazon Neptune",
        groups=("VpcSecurityGroupIds",),
        subnet_group=("AWS::Neptune::DBSubnetGroup", ("DBSubnetGroupName",)),
        port=8182,
    ),
    "AWS::Redshift::Cluster": BoxType(
        "database", "Amazon Redshift", _property("NodeType"), ("VpcSecurityGroupIds",), port=5439
    ),
    "AWS::OpenSearchService::Domain": BoxType(
        "database",
        "Amazon OpenSearch Service",
        _property("EngineVersion"),
        ("VPCOptions", "SecurityGroupIds"),
        ("VPCOptions", "SubnetIds"),
        port=443,
    ),
    "AWS::DynamoDB::Table": BoxType("database", "Amazon DynamoDB table", _property("BillingMode")),
    "AWS::DynamoDB::GlobalTable": BoxType("database", "Amazon DynamoDB global table", _property("BillingMode")),
    "AWS::EFS::FileSystem": BoxType("storage", "Amazon EFS"),
}

_ENGINE_PORTS: Final = {"mysql": 3306, "mariadb": 3306, "aurora-mysql": 3306, "redis": 6379, "valkey": 6379}
_HELPERS: Final = ("Custom", "LogRetention", "AWS679f53fac002430cb0da5b7982bd2287", "AWSCDK")


def is_box(reading: Reading, resolved: Resolved) -> bool:
    """Whether a resource is a box: of a type above, not a function of the CDK's own, not part of another box."""
    if resolved.resource.type not in BOX_TYPES:
        return False
    if resolved.resource.type == "AWS::Lambda::Function":
        return not resolved.resource.logical_id.startswith(_HELPERS)
    if resolved.resource.type == "AWS::RDS::DBInstance":
        cluster = text_at(resolved.properties, "DBClusterIdentifier")
        return not (cluster and reading.is_a(cluster, "AWS::RDS::DBCluster"))
    return True


def label_of(resolved: Resolved) -> str:
    """The AWS name of what a box is."""
    label = BOX_TYPES[resolved.resource.type].label
    if resolved.resource.type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
        kind = text_at(resolved.properties, "Type") or "application"
        return f"{kind.capitalize()} Load Balancer"
    if text_at(resolved.properties, "ProtocolType") == "WEBSOCKET":
        return "Amazon API Gateway, WebSocket API"
    if resolved.resource.type == "AWS::ElastiCache::ReplicationGroup":
        return f"{label}, cluster mode {'enabled' if is_sharded(resolved) else 'disabled'}"
    return label


def is_sharded(resolved: Resolved) -> bool:
    """Whether a replication group has cluster mode enabled (or compatible)."""
    properties = resolved.properties
    return (
        text_at(properties, "ClusterMode") in {"enabled", "compatible"}
        or number_at(properties, "NumNodeGroups", default=1) > 1
        or len(items_at(properties, "NodeGroupConfiguration")) > 1
        or ".cluster.on" in text_at(properties, "CacheParameterGroupName")
    )


def attachment_of(reading: Reading, resolved: Resolved) -> Attachment:
    """How a box is attached to the network."""
    properties, kind = resolved.properties, BOX_TYPES[resolved.resource.type]
    groups = strings_at(properties, *kind.groups) if kind.groups else ()
    subnets = strings_at(properties, *kind.subnets) if kind.subnets else ()
    if kind.subnet_group is not None:
        type_name, path = kind.subnet_group
        subnets = subnets_of_group(reading, type_name, text_at(properties, *path))
    subnets += tuple(text_at(mapping, "SubnetId") for mapping in objects_at(properties, "SubnetMappings"))
    if resolved.resource.type == "AWS::AutoScaling::AutoScalingGroup":
        groups = _launched_groups(reading, resolved)
    return Attachment(groups, subnets, _ports(reading, resolved, kind))


def _launched_groups(reading: Reading, resolved: Resolved) -> tuple[str, ...]:
    """The security groups of the instances that an Auto Scaling group launches."""
    template = reading.find(
        "AWS::EC2::LaunchTemplate", text_at(resolved.properties, "LaunchTemplate", "LaunchTemplateId")
    )
    if template is not None:
        return strings_at(template.properties, "LaunchTemplateData", "SecurityGroupIds")
    name = text_at(resolved.properties, "LaunchConfigurationName")
    configuration = reading.find("AWS::AutoScaling::LaunchConfiguration", name)
    return strings_at(configuration.properties, "SecurityGroups") if configuration else ()


def _ports(reading: Reading, resolved: Resolved, kind: BoxType) -> tuple[int, ...]:
    properties = resolved.properties
    if kind.kind == "load-balancer":
        return tuple(listener_ports(reading, resolved.resource.key))
    if resolved.resource.type == "AWS::ECS::Service":
        definition = reading.find("AWS::ECS::TaskDefinition", text_at(properties, "TaskDefinition"))
        containers = list(objects_at(definition.properties, "ContainerDefinitions")) if definition else []
        mappings = [mapping for container in containers for mapping in objects_at(container, "PortMappings")]
        return tuple(sorted({number_at(mapping, "ContainerPort") for mapping in mappings} - {0}))
    if not kind.port:
        return ()
    engine = text_at(properties, "Engine")
    standard = _ENGINE_PORTS.get(engine, kind.port)
    port = number_at(properties, "Port", default=standard)
    return (port, port + 1) if resolved.resource.type == "AWS::ElastiCache::ServerlessCache" else (port,)
