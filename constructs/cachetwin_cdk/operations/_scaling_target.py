"""What all scaling of caches shares: the scalable target and its schedules."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_iam as iam
from constructs import Construct

from cachetwin_cdk.checks._validate import ValidationError, known, refuse, require_between, require_match

_SERVICE = "elasticache.application-autoscaling.amazonaws.com"
_ROLE = "AWSServiceRoleForApplicationAutoScaling_ElastiCacheRG"
_COOLDOWN_MINUTES = 10


class Scaled:
    """A cache that may scale, once in each dimension."""

    _scaled_dimensions: tuple[str, ...] = ()

    def _add_scaling(self, dimension: str) -> None:
        """Raise ValidationError for a second scaling of a dimension, which would change the bounds of the first."""
        if dimension in self._scaled_dimensions:
            refuse(
                "cache",
                "scale once in each dimension",
                dimension.rsplit(":", maxsplit=1)[-1],
                "add the policies and schedules to the one scaling",
            )
        self._scaled_dimensions = (*self._scaled_dimensions, dimension)


class ScalingTarget(Construct):
    """The base of ShardScaling, ReplicaScaling and NodeScaling: one scalable target."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: Scaled,
        resource_id: str,
        dimension: str,
        min_capacity: int,
        max_capacity: int,
        most: int,
    ) -> None:
        require_order(min_capacity, max_capacity)
        cache._add_scaling(dimension)
        super().__init__(scope, construct_id)
        self._most = most
        self._tracked: set[appscaling.PredefinedMetric] = set()
        self._target = appscaling.ScalableTarget(
            self,
            "Target",
            service_namespace=appscaling.ServiceNamespace.ELASTICACHE,
            resource_id=resource_id,
            scalable_dimension=f"elasticache:{dimension}",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            role=self._service_role(),
        )

    def scale_on_schedule(
        self,
        construct_id: str,
        *,
        schedule: appscaling.Schedule,
        min_capacity: int | None = None,
        max_capacity: int | None = None,
        time_zone: cdk.TimeZone | None = None,
    ) -> None:
        """Change the bounds at a time: ``Schedule.cron(hour="7", minute="30")``, in UTC unless ``time_zone`` is given."""
        if min_capacity is None and max_capacity is None:
            raise ValidationError("min_capacity or max_capacity must be given for a schedule, got neither; give one")
        for name, value in (("min_capacity", min_capacity), ("max_capacity", max_capacity)):
            require_between(name, value, 1, self._most)
        require_order(min_capacity, max_capacity)
        require_match(
            "schedule",
            schedule.expression_string,
            r"(at|rate|cron)\(.+\)",
            "be written as at(...), rate(...) or cron(...)",
            remedy="make it with Schedule.cron(), rate() or at()",
        )
        self._target.scale_on_schedule(
            construct_id,
            schedule=schedule,
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            time_zone=time_zone,
        )

    def _track(self, construct_id: str, target_value: float, **metric: Any) -> None:  # noqa: ANN401  (one or the other)
        """Keep a metric near the target: ``predefined_metric=`` or ``custom_metric=``."""
        predefined = metric.get("predefined_metric")
        if predefined is not None:
            if predefined in self._tracked:
                refuse("metric", "be tracked by one policy", predefined.name, "change the target of that policy")
            self._tracked.add(predefined)
        self._target.scale_to_track_metric(
            construct_id,
            target_value=target_value,
            scale_in_cooldown=cdk.Duration.minutes(_COOLDOWN_MINUTES),
            scale_out_cooldown=cdk.Duration.minutes(_COOLDOWN_MINUTES),
            **metric,
        )

    def _service_role(self) -> iam.IRole:
        """The service-linked role of Application Auto Scaling; CDK would define a role that nothing uses."""
        arn = cdk.Stack.of(self).format_arn(
            service="iam", region="", resource="role", resource_name=f"aws-service-role/{_SERVICE}/{_ROLE}"
        )
        return iam.Role.from_role_arn(self, "Role", arn, mutable=False)


def require_order(min_capacity: int | None, max_capacity: int | None) -> None:
    """Raise ValidationError for a least capacity above the most."""
    if min_capacity is None or max_capacity is None or not known(min_capacity, max_capacity):
        return
    if min_capacity > max_capacity:
        refuse("min_capacity", f"be at most max_capacity, {max_capacity}", min_capacity, "swap or change them")
