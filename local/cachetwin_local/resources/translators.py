"""The CloudFormation types that run here, by name. A new one is a module and a row."""

from collections.abc import Mapping
from typing import Final

from cachetwin_local.assembly.graph import Describe, Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.topology.address_plan import AddressPlan

from .apigateway import parts as apigateway_parts
from .apigateway import rest_api as apigateway_rest_api
from .apigatewayv2 import api as apigatewayv2_api
from .apigatewayv2 import route as apigatewayv2_route
from .apigatewayv2 import stage as apigatewayv2_stage
from .applicationautoscaling import scalable_target as applicationautoscaling_scalable_target
from .applicationautoscaling import scaling_policy as applicationautoscaling_scaling_policy
from .aws_api.shapes import SHAPES as AWS_API_SHAPES
from .aws_api.translator import AwsApiTranslator
from .cloudformation import cross_region as cloudformation_cross_region
from .cloudformation import stack as cloudformation_stack
from .context import Translator
from .ecs import on_demand as ecs_on_demand
from .ecs import service as ecs_service
from .elasticache import cache_cluster as elasticache_cache_cluster
from .elasticache import parameter_group as elasticache_parameter_group
from .elasticache import replication_group as elasticache_replication_group
from .elasticache import serverless_cache as elasticache_serverless_cache
from .elasticache import user as elasticache_user
from .elasticache import user_group as elasticache_user_group
from .elasticache.global_datastore import global_replication_group as elasticache_global_replication_group
from .elbv2 import listener as elbv2_listener
from .elbv2 import listener_rule as elbv2_listener_rule
from .elbv2 import load_balancer as elbv2_load_balancer
from .elbv2 import target_group as elbv2_target_group
from .events import rule as events_rule
from .events import schedule as scheduler_schedule
from .events import schedule_group as scheduler_schedule_group
from .lambda_ import alias as lambda_alias
from .lambda_ import event_source_mapping as lambda_event_source_mapping
from .lambda_ import function as lambda_function
from .lambda_ import url as lambda_url
from .lambda_ import version as lambda_version
from .modelled import shape_of
from .rds import db_cluster as rds_db_cluster
from .rds import db_instance as rds_db_instance
from .secretsmanager import secret as secretsmanager_secret
from .secretsmanager import secret_target_attachment as secretsmanager_secret_target_attachment
from .shape import describe_shape

TRANSLATORS: Final[Mapping[str, Translator]] = {
    **{name: AwsApiTranslator(name) for name in AWS_API_SHAPES},
    "AWS::ApiGateway::ApiKey": apigateway_parts,
    "AWS::ApiGateway::Authorizer": apigateway_parts,
    "AWS::ApiGateway::Deployment": apigateway_parts,
    "AWS::ApiGateway::GatewayResponse": apigateway_parts,
    "AWS::ApiGateway::Method": apigateway_parts,
    "AWS::ApiGateway::Model": apigateway_parts,
    "AWS::ApiGateway::RequestValidator": apigateway_parts,
    "AWS::ApiGateway::Resource": apigateway_parts,
    "AWS::ApiGateway::RestApi": apigateway_rest_api,
    "AWS::ApiGateway::Stage": apigateway_parts,
    "AWS::ApiGateway::UsagePlan": apigateway_parts,
    "AWS::ApiGateway::UsagePlanKey": apigateway_parts,
    "AWS::ApiGatewayV2::Api": apigatewayv2_api,
    "AWS::ApiGatewayV2::Authorizer": apigatewayv2_route,
    "AWS::ApiGatewayV2::Integration": apigatewayv2_route,
    "AWS::ApiGatewayV2::Route": apigatewayv2_route,
    "AWS::ApiGatewayV2::Stage": apigatewayv2_stage,
    "AWS::ApplicationAutoScaling::ScalableTarget": applicationautoscaling_scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": applicationautoscaling_scaling_policy,
    "AWS::CloudFormation::Stack": cloudformation_stack,
    "AWS::ECS::Service": ecs_service,
    "AWS::ECS::TaskDefinition": ecs_on_demand,
    "AWS::ElastiCache::CacheCluster": elasticache_cache_cluster,
    "AWS::ElastiCache::GlobalReplicationGroup": elasticache_global_replication_group,
    "AWS::ElastiCache::ParameterGroup": elasticache_parameter_group,
    "AWS::ElastiCache::ReplicationGroup": elasticache_replication_group,
    "AWS::ElastiCache::ServerlessCache": elasticache_serverless_cache,
    "AWS::ElastiCache::User": elasticache_user,
    "AWS::ElastiCache::UserGroup": elasticache_user_group,
    "AWS::ElasticLoadBalancingV2::Listener": elbv2_listener,
    "AWS::ElasticLoadBalancingV2::ListenerRule": elbv2_listener_rule,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": elbv2_load_balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": elbv2_target_group,
    "AWS::Events::Rule": events_rule,
    "AWS::Lambda::Alias": lambda_alias,
    "AWS::Lambda::EventSourceMapping": lambda_event_source_mapping,
    "AWS::Lambda::Function": lambda_function,
    "AWS::Lambda::Url": lambda_url,
    "AWS::Lambda::Version": lambda_version,
    "AWS::RDS::DBCluster": rds_db_cluster,
    "AWS::RDS::DBInstance": rds_db_instance,
    "AWS::Scheduler::Schedule": scheduler_schedule,
    "AWS::Scheduler::ScheduleGroup": scheduler_schedule_group,
    "AWS::SecretsManager::Secret": secretsmanager_secret,
    "AWS::SecretsManager::SecretTargetAttachment": secretsmanager_secret_target_attachment,
}
_OF_CDK: Final[Mapping[str, Translator]] = {
    "Custom::CrossRegionExportReader": cloudformation_cross_region,
    "Custom::CrossRegionExportWriter": cloudformation_cross_region,
}


def translator_of(type_name: str) -> Translator | None:
    """The translator of a type, CDK's own custom resources included."""
    return TRANSLATORS.get(type_name) or _OF_CDK.get(type_name)


def describer(address_plan: AddressPlan) -> Describe:
    """Describes resources for a graph: by the translator of their type, or by its shape."""

    def describe(graph: Graph, resolved: Resolved, stack: Stack) -> Description:
        translator = translator_of(resolved.resource.type)
        if translator is None:
            return describe_shape(shape_of(resolved.resource.type), resolved, stack)
        return translator.describe(address_plan, graph, resolved, stack)

    return describe
