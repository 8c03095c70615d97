"""Whether what a stack says it created is there, by an API call of the service itself: one line per resource type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Created:
    """A resource as the stack describes it: its physical id, and its properties with every Ref followed."""

    physical_id: str
    properties: dict[str, Any]


Check = Callable[[Client, Created], object]


def exists(client: Client, resource_type: str, created: Created) -> bool:
    """Whether the service knows the resource. An answer that it does not may come as an error: to the caller."""
    return bool(CHECKS[resource_type](client, created))


def _rules(client: Client, created: Created, direction: str, peer: str) -> list[Any]:
    """The security group's rules for the same peer."""
    (found,) = client("ec2").describe_security_groups(GroupIds=[created.properties["GroupId"]])["SecurityGroups"]
    pairs = [pair for rule in found[direction] for pair in rule.get("UserIdGroupPairs", [])]
    return [pair for pair in pairs if pair.get("GroupId") == created.properties[peer]]


def _association(client: Client, created: Created) -> list[Any]:
    table = created.properties["RouteTableId"]
    (found,) = client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return [one for one in found["Associations"] if one.get("SubnetId") == created.properties["SubnetId"]]


def _route(client: Client, created: Created) -> list[Any]:
    (found,) = client("ec2").describe_route_tables(RouteTableIds=[created.properties["RouteTableId"]])["RouteTables"]
    wanted = created.properties["DestinationCidrBlock"]
    return [route for route in found["Routes"] if route.get("DestinationCidrBlock") == wanted]


def _attachment(client: Client, created: Created) -> list[Any]:
    gateway = created.properties["InternetGatewayId"]
    (found,) = client("ec2").describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    return [one for one in found["Attachments"] if one["VpcId"] == created.properties["VpcId"]]


def _policy(client: Client, created: Created) -> object:
    role, name = created.properties["Roles"][0], created.properties["PolicyName"]
    return client("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def _permission(client: Client, created: Created) -> object:
    return (
        "lambda:InvokeFunction"
        in client("lambda").get_policy(FunctionName=created.properties["FunctionName"])["Policy"]
    )


def _attached(client: Client, created: Created) -> bool:
    return "host" in client("secretsmanager").get_secret_value(SecretId=created.properties["SecretId"])["SecretString"]


def _service(client: Client, created: Created) -> object:
    cluster = created.properties["Cluster"]
    return client("ecs").describe_services(cluster=cluster, services=[created.physical_id])["services"]


def _of_api(operation: str) -> Check:
    """A part of an HTTP API, listed by the API: emulators differ in what they call its physical id."""
    return lambda client, created: getattr(client("apigatewayv2"), operation)(ApiId=created.properties["ApiId"])[
        "Items"
    ]


def _by_name(operation: str, argument: str, result: str) -> Check:
    return lambda client, created: getattr(client("elasticache"), operation)(**{argument: created.physical_id})[result]


CHECKS: dict[str, Check] = {
    "AWS::ApiGatewayV2::Api": lambda c, r: c("apigatewayv2").get_api(ApiId=r.physical_id)["ApiEndpoint"],
    "AWS::ApiGatewayV2::Integration": _of_api("get_integrations"),
    "AWS::ApiGatewayV2::Route": _of_api("get_routes"),
    "AWS::ApiGatewayV2::Stage": _of_api("get_stages"),
    "AWS::ApplicationAutoScaling::ScalableTarget": lambda c, r: c("application-autoscaling").describe_scalable_targets(
        ServiceNamespace=r.properties["ServiceNamespace"]
    )["ScalableTargets"],
    "AWS::ApplicationAutoScaling::ScalingPolicy": lambda c, r: c("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="ecs"
    )["ScalingPolicies"],
    "AWS::CloudWatch::Alarm": lambda c, r: c("cloudwatch").describe_alarms(AlarmNames=[r.physical_id])["MetricAlarms"],
    "AWS::EC2::EIP": lambda c, r: c("ec2").describe_addresses(PublicIps=[r.physical_id])["Addresses"],
    "AWS::EC2::FlowLog": lambda c, r: c("ec2").describe_flow_logs(FlowLogIds=[r.physical_id])["FlowLogs"],
    "AWS::EC2::InternetGateway": lambda c, r: c("ec2").describe_internet_gateways(InternetGatewayIds=[r.physical_id])[
        "InternetGateways"
    ],
    "AWS::EC2::NatGateway": lambda c, r: c("ec2").describe_nat_gateways(NatGatewayIds=[r.physical_id])["NatGateways"],
    "AWS::EC2::Route": _route,
    "AWS::EC2::RouteTable": lambda c, r: c("ec2").describe_route_tables(RouteTableIds=[r.physical_id])["RouteTables"],
    "AWS::EC2::SecurityGroup": lambda c, r: c("ec2").describe_security_groups(GroupIds=[r.physical_id])[
        "SecurityGroups"
    ],
    "AWS::EC2::SecurityGroupEgress": lambda c, r: _rules(c, r, "IpPermissionsEgress", "DestinationSecurityGroupId"),
    "AWS::EC2::SecurityGroupIngress": lambda c, r: _rules(c, r, "IpPermissions", "SourceSecurityGroupId"),
    "AWS::EC2::Subnet": lambda c, r: c("ec2").describe_subnets(SubnetIds=[r.physical_id])["Subnets"],
    "AWS::EC2::SubnetRouteTableAssociation": _association,
    "AWS::EC2::VPC": lambda c, r: c("ec2").describe_vpcs(VpcIds=[r.physical_id])["Vpcs"],
    "AWS::EC2::VPCGatewayAttachment": _attachment,
    "AWS::ECS::Cluster": lambda c, r: c("ecs").describe_clusters(clusters=[r.physical_id])["clusters"],
    "AWS::ECS::Service": _service,
    "AWS::ECS::TaskDefinition": lambda c, r: c("ecs").describe_task_definition(taskDefinition=r.physical_id)[
        "taskDefinition"
    ],
    "AWS::ElastiCache::ParameterGroup": _by_name(
        "describe_cache_parameter_groups", "CacheParameterGroupName", "CacheParameterGroups"
    ),
    "AWS::ElastiCache::ReplicationGroup": _by_name(
        "describe_replication_groups", "ReplicationGroupId", "ReplicationGroups"
    ),
    "AWS::ElastiCache::ServerlessCache": _by_name(
        "describe_serverless_caches", "ServerlessCacheName", "ServerlessCaches"
    ),
    "AWS::ElastiCache::SubnetGroup": _by_name(
        "describe_cache_subnet_groups", "CacheSubnetGroupName", "CacheSubnetGroups"
    ),
    "AWS::ElastiCache::User": _by_name("describe_users", "UserId", "Users"),
    "AWS::ElastiCache::UserGroup": _by_name("describe_user_groups", "UserGroupId", "UserGroups"),
    "AWS::ElasticLoadBalancingV2::Listener": lambda c, r: c("elbv2").describe_listeners(ListenerArns=[r.physical_id])[
        "Listeners"
    ],
    "AWS::ElasticLoadBalancingV2::LoadBalancer": lambda c, r: c("elbv2").describe_load_balancers(
        LoadBalancerArns=[r.physical_id]
    )["LoadBalancers"],
    "AWS::ElasticLoadBalancingV2::TargetGroup": lambda c, r: c("elbv2").describe_target_groups(
        TargetGroupArns=[r.physical_id]
    )["TargetGroups"],
    "AWS::Events::Rule": lambda c, r: c("events").describe_rule(Name=r.physical_id.rsplit("/", 1)[-1])["Arn"],
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::Role": lambda c, r: c("iam").get_role(RoleName=r.physical_id)["Role"],
    "AWS::KMS::Key": lambda c, r: c("kms").describe_key(KeyId=r.physical_id)["KeyMetadata"],
    "AWS::Lambda::Function": lambda c, r: c("lambda").get_function(FunctionName=r.physical_id)["Configuration"],
    "AWS::Lambda::Permission": _permission,
    "AWS::Logs::LogGroup": lambda c, r: c("logs").describe_log_groups(logGroupNamePrefix=r.physical_id)["logGroups"],
    "AWS::RDS::DBInstance": lambda c, r: c("rds").describe_db_instances(DBInstanceIdentifier=r.physical_id)[
        "DBInstances"
    ],
    "AWS::RDS::DBParameterGroup": lambda c, r: c("rds").describe_db_parameter_groups(
        DBParameterGroupName=r.physical_id
    )["DBParameterGroups"],
    "AWS::RDS::DBSubnetGroup": lambda c, r: c("rds").describe_db_subnet_groups(DBSubnetGroupName=r.physical_id)[
        "DBSubnetGroups"
    ],
    "AWS::S3::Bucket": lambda c, r: c("s3").get_bucket_location(Bucket=r.physical_id)["ResponseMetadata"],
    "AWS::S3::BucketPolicy": lambda c, r: c("s3").get_bucket_policy(Bucket=r.properties["Bucket"])["Policy"],
    "AWS::SecretsManager::Secret": lambda c, r: c("secretsmanager").describe_secret(SecretId=r.physical_id)["ARN"],
    "AWS::SecretsManager::SecretTargetAttachment": _attached,
}
