"""Scaling of a worker's tasks by the backlog per task.

ECS has no metric of jobs per task, so the policy divides the backlog, which the meter publishes, by the number of running
tasks. The target tracking of aws-cdk-lib takes no metric math, so the policy is an L1.
"""

from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from .service import MessagingService

_SCALE_OUT_COOLDOWN_S = 60  # the period of the metric: earlier there is no new value
_SCALE_IN_COOLDOWN_S = 300  # jobs come in waves, and starting a task again takes a minute
_Policy = autoscaling.CfnScalingPolicy


def scale_on_backlog(
    scope: Construct,
    *,
    definition: MessagingService,
    queue: str,
    service: ecs.FargateService,
    cluster: ecs.ICluster,
    backlog: cloudwatch.Metric,
) -> None:
    """Run between ``count`` and ``count_max`` tasks, so many that each has at most ``backlog_per_task`` jobs."""
    count = service.auto_scale_task_count(min_capacity=definition.count, max_capacity=definition.count_max)
    target = count.node.find_child("Target")
    assert isinstance(target, autoscaling.ScalableTarget)  # noqa: S101  (the id and the kind are aws-cdk-lib's API)
    metrics = [
        _Policy.TargetTrackingMetricDataQueryProperty(id="backlog", metric_stat=_stat(backlog), return_data=False),
        _Policy.TargetTrackingMetricDataQueryProperty(
            id="tasks", metric_stat=_stat(_running_tasks(cluster, service)), return_data=False
        ),
        _Policy.TargetTrackingMetricDataQueryProperty(
            id="perTask", expression="backlog / tasks", label=f"Jobs of {queue} per task", return_data=True
        ),
    ]
    _Policy(
        scope,
        "Backlog",
        policy_name=f"{scope.node.path}/Backlog",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.scalable_target_id,
        target_tracking_scaling_policy_configuration=_Policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=definition.backlog_per_task,
            customized_metric_specification=_Policy.CustomizedMetricSpecificationProperty(metrics=metrics),
            scale_out_cooldown=_SCALE_OUT_COOLDOWN_S,
            scale_in_cooldown=_SCALE_IN_COOLDOWN_S,
        ),
    )


def _running_tasks(cluster: ecs.ICluster, service: ecs.FargateService) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="ECS/ContainerInsights",
        metric_name="RunningTaskCount",
        dimensions_map={"ClusterName": cluster.cluster_name, "ServiceName": service.service_name},
        statistic=cloudwatch.Stats.AVERAGE,
    )


def _stat(metric: cloudwatch.Metric) -> _Policy.TargetTrackingMetricStatProperty:
    dimensions = [
        _Policy.TargetTrackingMetricDimensionProperty(name=name, value=value)
        for name, value in (metric.dimensions or {}).items()
    ]
    return _Policy.TargetTrackingMetricStatProperty(
        metric=_Policy.TargetTrackingMetricProperty(
            namespace=metric.namespace, metric_name=metric.metric_name, dimensions=dimensions
        ),
        stat=metric.statistic,
    )
