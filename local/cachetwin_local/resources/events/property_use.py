"""What is done with each property of AWS::Events::Rule and AWS::Scheduler types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_TAGS = "nothing here reads tags"
_OTHER_TARGETS = "targets of this kind do not run here"


def _below(prefix: str, names: str) -> str:
    return " ".join(f"{prefix}.{name}" for name in names.split())


RULE = PropertyUse.of(
    "Description EventBusName EventPattern EventPattern.* Name RoleArn ScheduleExpression State Targets Targets.*",
    {
        **recorded(_TAGS, "Tags"),
    },
    refused(
        _OTHER_TARGETS,
        _below(
            "Targets",
            "AppSyncParameters BatchParameters HttpParameters KinesisParameters RedshiftDataParameters "
            "RunCommandParameters SageMakerPipelineParameters",
        ),
    ),
)

SCHEDULE = PropertyUse.of(
    "Description EndDate GroupName Name ScheduleExpression ScheduleExpressionTimezone StartDate State Target Target.*",
    {
        **recorded("nothing is encrypted at rest here", "KmsKeyArn"),
        **recorded("a schedule is due at the beginning of its window", "FlexibleTimeWindow"),
    },
    refused(_OTHER_TARGETS, _below("Target", "KinesisParameters SageMakerPipelineParameters")),
)

SCHEDULE_GROUP = PropertyUse.of("Name", recorded(_TAGS, "Tags"))
