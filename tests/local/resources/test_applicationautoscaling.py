"""Scalable targets and scaling policies, as the plan has them."""

import pytest
from tests.local.resources.templates import CACHE, one, plan_of

from cachetwin_local.assembly.template import Json
from cachetwin_local.topology.scaling import StepAdjustment, StepScaling, TargetTracking
from cachetwin_local.topology.values import Topology

SERVICE_ID = {"Fn::Join": ["/", ["service", {"Ref": "Cluster"}, {"Fn::GetAtt": ["Service", "Name"]}]]}
TASKS = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
SHARDS = {"ServiceNamespace": "elasticache", "ScalableDimension": "elasticache:replication-group:NodeGroups"}


def app(policy: Json | None = None, **target: Json) -> Topology:
    image = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/assets:" + "f" * 64}
    resources: dict[str, Json] = {
        "Cluster": one("ECS::Cluster"),
        "Task": one(
            "ECS::TaskDefinition", Cpu="512", Memory="1 GB", ContainerDefinitions=[{"Name": "web", "Image": image}]
        ),
        "Service": one("ECS::Service", Cluster={"Ref": "Cluster"}, TaskDefinition={"Ref": "Task"}),
        "Target": one(
            "ApplicationAutoScaling::ScalableTarget",
            **{"ResourceId": SERVICE_ID, "MinCapacity": 1, "MaxCapacity": 5, **TASKS, **target},
        ),
    }
    if policy is not None:
        named = {"PolicyName": "p", "ScalingTargetId": {"Ref": "Target"}}
        resources["Policy"] = one("ApplicationAutoScaling::ScalingPolicy", **named, **policy)
    return plan_of(**resources)


def notes(topology: Topology) -> dict[str, str]:
    return {one.identity.logical_id: f"{one.status}: {one.note}" for one in topology.coverage}


def tracking(**configuration: Json) -> Json:
    configuration.setdefault("TargetValue", 50)
    return {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration}


def test_a_target_finds_its_service_and_a_policy_finds_its_target() -> None:
    topology = app(tracking(PredefinedMetricSpecification={"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}))
    (target,), (policy,) = topology.scalable_targets, topology.scaling_policies
    (service,) = topology.services
    assert (target.resource, target.min_capacity, target.max_capacity) == (service.identity.key, 1, 5)
    assert (service.cpu_units, service.memory_mb) == (512, 1024)
    assert policy.target == target.target
    assert isinstance(policy.rule, TargetTracking)
    assert (policy.rule.target_value, policy.rule.scale_in_cooldown_s) == (50, 300)
    (query,) = policy.rule.queries
    dimensions = [
        {"Name": "ClusterName", "Value": service.cluster},
        {"Name": "ServiceName", "Value": service.identity.physical_name},
    ]
    metric = {"Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Dimensions": dimensions}
    assert query["MetricStat"] == {"Metric": metric, "Period": 60, "Stat": "Average"}
    assert notes(topology)["Target"] == "twinned: 1 to 5 tasks of App/Service"
    assert notes(app(MaxCapacity=100))["Target"] == "twinned: 1 to 100 tasks of App/Service; here at most 50"


def test_steps_and_scheduled_actions_are_read() -> None:
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": "15", "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 15, "ScalingAdjustment": 3},
    ]
    configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "Cooldown": 60}
    action = {
        "ScheduledActionName": "morning",
        "Schedule": "cron(0 8 * * ? *)",
        "ScalableTargetAction": {"MinCapacity": 2},
    }
    topology = app(
        {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": configuration}, ScheduledActions=[action]
    )
    rule = topology.scaling_policies[0].rule
    assert rule == StepScaling("ChangeInCapacity", (StepAdjustment(0, 15, 1), StepAdjustment(15, None, 3)), 60)
    (scheduled,) = topology.scalable_targets[0].scheduled_actions
    assert (scheduled.name, scheduled.min_capacity, scheduled.max_capacity) == ("morning", 2, None)


def test_the_metric_of_a_cache_is_that_of_its_group() -> None:
    kind = "ElastiCachePrimaryEngineCPUUtilization"
    topology = plan_of(
        Cache=one("ElastiCache::ReplicationGroup", ReplicationGroupId="shop", NumCacheClusters=2, **CACHE),
        Target=one(
            "ApplicationAutoScaling::ScalableTarget",
            ResourceId="replication-group/shop",
            MinCapacity=1,
            MaxCapacity=3,
            **SHARDS,
        ),
        Policy=one(
            "ApplicationAutoScaling::ScalingPolicy",
            PolicyName="p",
            ResourceId="replication-group/shop",
            **SHARDS,
            **tracking(PredefinedMetricSpecification={"PredefinedMetricType": kind}),
        ),
    )
    assert topology.scalable_targets[0].resource == "App/Cache"
    rule = topology.scaling_policies[0].rule
    assert isinstance(rule, TargetTracking)
    assert rule.scale_out_cooldown_s == 600
    stat = rule.queries[0]["MetricStat"]
    assert isinstance(stat, dict)
    assert stat["Metric"]["Dimensions"] == [
        {"Name": "ReplicationGroupId", "Value": "shop"},
        {"Name": "Role", "Value": "Primary"},
    ]


@pytest.mark.parametrize(
    ("target", "policy", "name", "said"),
    [
        ({"ResourceId": "service/other/web"}, None, "Target", "not supported: service/other/web is none of this app"),
        (
            {"ServiceNamespace": "dynamodb", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"},
            None,
            "Target",
            "not supported: dynamodb:table:ReadCapacityUnits does not scale here",
        ),
        ({"MinCapacity": 6}, None, "Target", "MinCapacity: must be between 0 and MaxCapacity (5), got 6"),
        (
            {},
            tracking(PredefinedMetricSpecification={"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"}),
            "Policy",
            "not supported: nothing here measures LambdaProvisionedConcurrencyUtilization",
        ),
        ({}, {"PolicyType": "PredictiveScaling"}, "Policy", "not supported: policies here are StepScaling or"),
    ],
)
def test_what_does_not_scale_here_is_named(target: Json, policy: Json | None, name: str, said: str) -> None:
    assert said in notes(app(policy, **target))[name]
