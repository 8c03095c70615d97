"""What is done with each property of AWS::ApplicationAutoScaling types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

SCALABLE_TARGET = PropertyUse.of(
    "MaxCapacity MinCapacity ResourceId ScalableDimension ScheduledActions.* ServiceNamespace SuspendedState.*",
    {
        **recorded("the runner scales with rights of its own", "RoleARN"),
        **recorded("nothing here reads tags", "Tags"),
    },
)
_TRACKING = "TargetTrackingScalingPolicyConfiguration."
SCALING_POLICY = PropertyUse.of(
    "PolicyName PolicyType ResourceId ScalableDimension ScalingTargetId ServiceNamespace "
    "StepScalingPolicyConfiguration.AdjustmentType StepScalingPolicyConfiguration.Cooldown "
    "StepScalingPolicyConfiguration.MinAdjustmentMagnitude StepScalingPolicyConfiguration.StepAdjustments.* "
    f"{_TRACKING}CustomizedMetricSpecification.* {_TRACKING}DisableScaleIn "
    f"{_TRACKING}PredefinedMetricSpecification.* {_TRACKING}ScaleInCooldown {_TRACKING}ScaleOutCooldown "
    f"{_TRACKING}TargetValue",
    recorded("the alarm's own statistic counts", "StepScalingPolicyConfiguration.MetricAggregationType"),
    refused("nothing here forecasts", "PredictiveScalingPolicyConfiguration"),
)
