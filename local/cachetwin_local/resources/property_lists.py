"""The lists of properties of the types that run here, by type, and those of types that others read."""

from collections.abc import Mapping, Sequence
from typing import Final

from cachetwin_local.assembly.where import Step

from .apigateway import property_use as apigateway
from .apigatewayv2 import property_use as apigatewayv2
from .applicationautoscaling import property_use as applicationautoscaling
from .aws_api.property_use import AWS_API_LISTS
from .cloudformation import property_use as cloudformation
from .ecs import property_use as ecs
from .elasticache import property_use as elasticache
from .elbv2 import property_use as elbv2
from .events import property_use as events
from .lambda_ import property_use as lambda_
from .property_use import PropertyUse
from .rds import property_use as rds
from .secretsmanager import property_use as secretsmanager

__all__ = ["PROPERTY_LISTS", "is_needed"]

PROPERTY_LISTS: Final[Mapping[str, PropertyUse]] = {
    **AWS_API_LISTS,
    "AWS::ApiGateway::ApiKey": apigateway.API_KEY,
    "AWS::ApiGateway::Authorizer": apigateway.AUTHORIZER,
    "AWS::ApiGateway::Deployment": apigateway.DEPLOYMENT,
    "AWS::ApiGateway::GatewayResponse": apigateway.GATEWAY_RESPONSE,
    "AWS::ApiGateway::Method": apigateway.METHOD,
    "AWS::ApiGateway::Model": apigateway.MODEL,
    "AWS::ApiGateway::RequestValidator": apigateway.REQUEST_VALIDATOR,
    "AWS::ApiGateway::Resource": apigateway.RESOURCE,
    "AWS::ApiGateway::RestApi": apigateway.REST_API,
    "AWS::ApiGateway::Stage": apigateway.STAGE,
    "AWS::ApiGateway::UsagePlan": apigateway.USAGE_PLAN,
    "AWS::ApiGateway::UsagePlanKey": apigateway.USAGE_PLAN_KEY,
    "AWS::ApiGatewayV2::Api": apigatewayv2.API,
    "AWS::ApiGatewayV2::Authorizer": apigatewayv2.AUTHORIZER,
    "AWS::ApiGatewayV2::Integration": apigatewayv2.INTEGRATION,
    "AWS::ApiGatewayV2::Route": apigatewayv2.ROUTE,
    "AWS::ApiGatewayV2::Stage": apigatewayv2.STAGE,
    "AWS::ApplicationAutoScaling::ScalableTarget": applicationautoscaling.SCALABLE_TARGET,
    "AWS::ApplicationAutoScaling::ScalingPolicy": applicationautoscaling.SCALING_POLICY,
    "AWS::CloudFormation::Stack": cloudformation.STACK,
    "AWS::ECS::Service": ecs.SERVICE,
    "AWS::ECS::TaskDefinition": ecs.TASK_DEFINITION,
    "AWS::ElastiCache::CacheCluster": elasticache.CACHE_CLUSTER,
    "AWS::ElastiCache::GlobalReplicationGroup": elasticache.GLOBAL_REPLICATION_GROUP,
    "AWS::ElastiCache::ParameterGroup": elasticache.PARAMETER_GROUP,
    "AWS::ElastiCache::ReplicationGroup": elasticache.REPLICATION_GROUP,
    "AWS::ElastiCache::ServerlessCache": elasticache.SERVERLESS_CACHE,
    "AWS::ElastiCache::User": elasticache.USER,
    "AWS::ElastiCache::UserGroup": elasticache.USER_GROUP,
    "AWS::ElasticLoadBalancingV2::Listener": elbv2.LISTENER,
    "AWS::ElasticLoadBalancingV2::ListenerRule": elbv2.LISTENER_RULE,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": elbv2.LOAD_BALANCER,
    "AWS::ElasticLoadBalancingV2::TargetGroup": elbv2.TARGET_GROUP,
    "AWS::Events::Rule": events.RULE,
    "AWS::Lambda::Alias": lambda_.ALIAS,
    "AWS::Lambda::EventSourceMapping": lambda_.EVENT_SOURCE_MAPPING,
    "AWS::Lambda::Function": lambda_.FUNCTION,
    "AWS::Lambda::Url": lambda_.URL,
    "AWS::Lambda::Version": lambda_.VERSION,
    "AWS::RDS::DBCluster": rds.DB_CLUSTER,
    "AWS::RDS::DBInstance": rds.DB_INSTANCE,
    "AWS::Scheduler::Schedule": events.SCHEDULE,
    "AWS::Scheduler::ScheduleGroup": events.SCHEDULE_GROUP,
    "AWS::SecretsManager::Secret": secretsmanager.SECRET,
    "AWS::SecretsManager::SecretTargetAttachment": secretsmanager.SECRET_TARGET_ATTACHMENT,
}
_READ_BY_OTHERS: Final = frozenset(
    {
        ("AWS::RDS::DBClusterParameterGroup", "Parameters"),
        ("AWS::RDS::DBParameterGroup", "Parameters"),
        *(
            (f"AWS::ServiceDiscovery::{kind}", name)
            for kind in ("HttpNamespace", "PrivateDnsNamespace", "Service")
            for name in ("DnsConfig", "Name", "NamespaceId")
        ),
        ("AWS::EC2::SecurityGroupIngress", "GroupId"),
        ("AWS::EC2::SecurityGroupEgress", "GroupId"),
        ("AWS::Lambda::EventInvokeConfig", "FunctionName"),
        ("AWS::Lambda::LayerVersion", "Content"),
        *(("AWS::Lambda::Permission", name) for name in ("Action", "FunctionName", "Principal", "SourceArn")),
        *(("AWS::SNS::TopicPolicy", name) for name in ("PolicyDocument", "Topics")),
        *(("AWS::SQS::QueuePolicy", name) for name in ("PolicyDocument", "Queues")),
    }
)
"""Properties, by type and name, of types of which nothing runs that decide what runs for another."""


_CAN_BE_MISSING: Final = frozenset(
    {
        ("AWS::ECS::TaskDefinition", "TaskRoleArn"),
        *(
            (f"AWS::ElastiCache::{name}", path)
            for name in ("CacheCluster", "ReplicationGroup")
            for path in (
                "LogDeliveryConfigurations.DestinationDetails.CloudWatchLogsDetails.LogGroup",
                "LogDeliveryConfigurations.DestinationDetails.KinesisFirehoseDetails.DeliveryStream",
                "NotificationTopicArn",
            )
        ),
    }
)
"""Properties that decide something for a resource that runs without them as well."""


def is_needed(type_name: str, path: Sequence[Step]) -> bool:
    """Whether what runs here depends on the property at `path` of a resource of this type, or on the type at all."""
    names = [step for step in path if isinstance(step, str)]
    known = PROPERTY_LISTS.get(type_name)
    if known is None and not path:
        return False
    if known is None:
        return (type_name, names[0] if names else "") in _READ_BY_OTHERS
    if (type_name, ".".join(names)) in _CAN_BE_MISSING:
        return False
    return known.of_path(".".join(names)) in {"used", None} if names else True
