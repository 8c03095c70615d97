"""The outside of the types that the endpoint has, and which of their properties it takes.

``{endpoint}`` in a shape is the endpoint's URL. A new type is an entry here, one of `property_use`, and a seeder in
`supervise/aws_api/seeds`. Sources: as those of `resources/shape`.
"""

from collections.abc import Mapping
from typing import Final

from cachetwin_local.resources.shape import Shape

__all__ = ["SHAPES", "TAKEN"]

_ARN: Final = "arn:{partition}:{service}:{region}:{account}:"
_BY_MOTO: Final = "by moto at {endpoint}"

SHAPES: Final[Mapping[str, Shape]] = {
    "AWS::CloudWatch::Alarm": Shape(
        "twinned",
        f"kept {_BY_MOTO}; the runner evaluates it and does what it says",
        name_property="AlarmName",
        arn=_ARN + "alarm:{name}",
        attributes={"Arn": "{arn}"},
    ),
    "AWS::CloudWatch::CompositeAlarm": Shape(
        "twinned",
        f"kept {_BY_MOTO}; the runner evaluates it and does what it says",
        name_property="AlarmName",
        arn=_ARN + "alarm:{name}",
        attributes={"Arn": "{arn}"},
    ),
    "AWS::DynamoDB::GlobalTable": Shape(
        "twinned",
        f"run {_BY_MOTO}; its replicas are one table",
        name_property="TableName",
        arn=_ARN + "table/{name}",
        attributes={
            "Arn": "{arn}",
            "StreamArn": "{arn}/stream/2026-01-01T00:00:00.000",
            "TableId": "{uuid}",
        },
    ),
    "AWS::DynamoDB::Table": Shape(
        "twinned",
        f"run {_BY_MOTO}",
        name_property="TableName",
        arn=_ARN + "table/{name}",
        attributes={"Arn": "{arn}", "StreamArn": "{arn}/stream/2026-01-01T00:00:00.000"},
    ),
    "AWS::Events::EventBus": Shape(
        "twinned",
        f"run {_BY_MOTO}",
        name_property="Name",
        arn=_ARN + "event-bus/{name}",
        attributes={"Arn": "{arn}", "Name": "{name}"},
    ),
    "AWS::KMS::Alias": Shape("twinned", f"kept {_BY_MOTO}", name_property="AliasName"),
    "AWS::KMS::Key": Shape(
        "twinned",
        f"run {_BY_MOTO}; nothing else is encrypted with it here",
        name="{uuid}",
        arn=_ARN + "key/{name}",
        attributes={"Arn": "{arn}", "KeyId": "{name}"},
    ),
    "AWS::Logs::LogGroup": Shape(
        "twinned",
        f"run {_BY_MOTO}, which gets the lines of its functions and services",
        name_property="LogGroupName",
        arn=_ARN + "log-group:{name}:*",
        attributes={"Arn": "{arn}"},
    ),
    "AWS::S3::Bucket": Shape(
        "twinned",
        f"run {_BY_MOTO}; logs meant for it are not written",
        name="{lower}-{hex12}",
        name_property="BucketName",
        arn="arn:{partition}:s3:::{name}",
        attributes={
            "Arn": "{arn}",
            "DomainName": "{name}.s3.amazonaws.com",
            "RegionalDomainName": "{name}.s3.{region}.amazonaws.com",
            "DualStackDomainName": "{name}.s3.dualstack.{region}.amazonaws.com",
            "WebsiteURL": "http://{name}.s3-website-{region}.amazonaws.com",
        },
    ),
    "AWS::SNS::Subscription": Shape(
        "twinned",
        f"run {_BY_MOTO}",
        name="{uuid}",
        ref="{arn}",
        arn=_ARN + "{name}",
        attributes={"Arn": "{arn}"},
    ),
    "AWS::SNS::Topic": Shape(
        "twinned",
        f"run {_BY_MOTO}",
        name_property="TopicName",
        ref="{arn}",
        arn=_ARN + "{name}",
        attributes={"TopicArn": "{arn}", "TopicName": "{name}"},
    ),
    "AWS::SQS::Queue": Shape(
        "twinned",
        f"run {_BY_MOTO}",
        name_property="QueueName",
        ref="{endpoint}/{account}/{name}",
        arn=_ARN + "{name}",
        attributes={"Arn": "{arn}", "QueueName": "{name}", "QueueUrl": "{endpoint}/{account}/{name}"},
    ),
    "AWS::SSM::Parameter": Shape(
        "twinned",
        f"run {_BY_MOTO}, and used where the app's templates ask for it",
        name_property="Name",
        arn=_ARN + "parameter{slashed}",
        attributes={"Type": "=Type", "Value": "=Value"},
    ),
}

TAKEN: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::CloudWatch::Alarm": (
        "ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator", "DatapointsToAlarm",
        "Dimensions", "EvaluateLowSampleCountPercentile", "EvaluationPeriods", "ExtendedStatistic",
        "InsufficientDataActions", "MetricName", "Metrics", "Namespace", "OKActions", "Period", "Statistic", "Threshold",
        "ThresholdMetricId", "TreatMissingData", "Unit",
    ),
    "AWS::CloudWatch::CompositeAlarm": (
        "ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmName", "AlarmRule", "InsufficientDataActions",
        "OKActions",
    ),
    "AWS::DynamoDB::GlobalTable": (
        "AttributeDefinitions", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes", "StreamSpecification",
        "TableName", "TimeToLiveSpecification",
    ),
    "AWS::DynamoDB::Table": (
        "AttributeDefinitions", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes", "ProvisionedThroughput",
        "StreamSpecification", "TableName", "TimeToLiveSpecification",
    ),
    "AWS::Events::EventBus": ("Name",),
    "AWS::KMS::Alias": ("AliasName", "TargetKeyId"),
    "AWS::KMS::Key": ("Description", "Enabled", "KeySpec", "KeyUsage", "MultiRegion"),
    "AWS::Logs::LogGroup": ("LogGroupName", "RetentionInDays"),
    "AWS::S3::Bucket": ("BucketName", "VersioningConfiguration"),
    "AWS::SNS::Subscription": (
        "Endpoint", "FilterPolicy", "FilterPolicyScope", "Protocol", "RawMessageDelivery", "RedrivePolicy", "TopicArn",
    ),
    "AWS::SNS::Topic": (
        "ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId", "Subscription", "TopicName",
    ),
    "AWS::SQS::Queue": (
        "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
        "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod", "QueueName",
        "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled",
        "VisibilityTimeout",
    ),
    "AWS::SSM::Parameter": ("AllowedPattern", "DataType", "Description", "Name", "Tier", "Type", "Value"),
}  # fmt: skip
"""The properties of each type that the endpoint is given."""
