"""The CloudFormation types that run here, by name. A new one is a module and a row."""

from collections.abc import Mapping
from typing import Final

from cachetwin_local.assembly.graph import Describe, Description, Graph, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.plan.places import Places

from . import (
    cloudformation_stack,
    ecs_service,
    ecs_task_definition,
    elasticache_parameter_group,
    elasticache_replication_group,
    elasticache_user,
    elasticache_user_group,
    elbv2_listener,
    elbv2_listener_rule,
    elbv2_load_balancer,
    elbv2_target_group,
    rds_db_instance,
    secretsmanager_secret,
    secretsmanager_secret_target_attachment,
)
from .context import Translator
from .modelled import shape_of
from .shape import describe_shape

TRANSLATORS: Final[Mapping[str, Translator]] = {
    "AWS::CloudFormation::Stack": cloudformation_stack,
    "AWS::ECS::Service": ecs_service,
    "AWS::ECS::TaskDefinition": ecs_task_definition,
    "AWS::ElastiCache::ParameterGroup": elasticache_parameter_group,
    "AWS::ElastiCache::ReplicationGroup": elasticache_replication_group,
    "AWS::ElastiCache::User": elasticache_user,
    "AWS::ElastiCache::UserGroup": elasticache_user_group,
    "AWS::ElasticLoadBalancingV2::Listener": elbv2_listener,
    "AWS::ElasticLoadBalancingV2::ListenerRule": elbv2_listener_rule,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": elbv2_load_balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": elbv2_target_group,
    "AWS::RDS::DBInstance": rds_db_instance,
    "AWS::SecretsManager::Secret": secretsmanager_secret,
    "AWS::SecretsManager::SecretTargetAttachment": secretsmanager_secret_target_attachment,
}


def describer(places: Places) -> Describe:
    """Describes resources for a graph: by the translator of their type, or by its shape."""

    def describe(graph: Graph, resolved: Resolved, stack: Stack) -> Description:
        translator = TRANSLATORS.get(resolved.resource.type)
        if translator is None:
            return describe_shape(shape_of(resolved.resource.type), resolved, stack)
        return translator.describe(places, graph, resolved, stack)

    return describe
