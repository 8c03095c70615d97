"""Delivery of the slow log and the engine log of a cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from cachetwin_cdk.checks._places import require_account, require_region
from cachetwin_cdk.checks._types import checked_arguments, checked_function
from cachetwin_cdk.checks._validate import refuse, require_match
from cachetwin_cdk.engine.engine_version import EngineVersion

_SHARED_KEY = "CachetwinLogKey"


class LogType(StrEnum):
    """The logs of a cache."""

    SLOW = "slow-log"
    ENGINE = "engine-log"


class LogFormat(StrEnum):
    """The format of a log line."""

    JSON = "json"
    TEXT = "text"


@checked_arguments
@dataclass(frozen=True)
class LogDelivery:
    """One log and its destination."""

    log_type: LogType
    log_format: LogFormat
    destination_type: str
    """``cloudwatch-logs`` or ``kinesis-firehose``."""
    destination_name: str
    """The name of the log group or of the delivery stream."""
    log_group: logs.ILogGroup | None = None
    """The log group, where it is one."""

    def __post_init__(self) -> None:
        if self.destination_type == "kinesis-firehose":
            require_match(
                "delivery_stream_name",
                self.destination_name,
                r"[a-zA-Z0-9_.-]{1,64}",
                "hold 1 to 64 letters, digits, underscores, dots and hyphens",
                remedy="write the name of the stream, not its ARN",
            )

    @classmethod
    def to_log_group(
        cls, log_type: LogType, log_group: logs.ILogGroup, *, log_format: LogFormat = LogFormat.JSON
    ) -> "LogDelivery":
        """Deliver to a CloudWatch Logs group."""
        return cls(log_type, log_format, "cloudwatch-logs", log_group.log_group_name, log_group)

    @classmethod
    def to_firehose(
        cls, log_type: LogType, delivery_stream_name: str, *, log_format: LogFormat = LogFormat.JSON
    ) -> "LogDelivery":
        """Deliver to a Firehose delivery stream, given by its name."""
        return cls(log_type, log_format, "kinesis-firehose", delivery_stream_name)

    def render(self) -> elasticache.CfnReplicationGroup.LogDeliveryConfigurationRequestProperty:
        """The entry of the template."""
        group = elasticache.CfnReplicationGroup
        if self.destination_type == "cloudwatch-logs":
            details = group.DestinationDetailsProperty(
                cloud_watch_logs_details=group.CloudWatchLogsDestinationDetailsProperty(log_group=self.destination_name)
            )
        else:
            details = group.DestinationDetailsProperty(
                kinesis_firehose_details=group.KinesisFirehoseDestinationDetailsProperty(
                    delivery_stream=self.destination_name
                )
            )
        return group.LogDeliveryConfigurationRequestProperty(
            destination_details=details,
            destination_type=self.destination_type,
            log_format=self.log_format.value,
            log_type=self.log_type.value,
        )


@checked_arguments
@dataclass(frozen=True, kw_only=True)
class Logging:
    """Where the slow log and the engine log of a cache go: made by ``to_log_groups()``, ``to()`` or ``off()``.

    Args:
        deliveries: The logs and their destinations. By default each log goes to a log group that is created.
        retention: How long the log groups created here keep their entries.
        encryption_key: The KMS key of the log groups created here.
    """

    deliveries: Sequence[LogDelivery] | None = None
    retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH
    encryption_key: kms.IKey | None = None

    @staticmethod
    @checked_function
    def to_log_groups(
        *, retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH, encryption_key: kms.IKey | None = None
    ) -> "Logging":
        """Each log goes to an encrypted CloudWatch log group that is created.

        Args:
            retention: How long the log groups keep their entries.
            encryption_key: Their KMS key; it has to allow CloudWatch Logs. By default the logs of a stack share a key
                that is created.
        """
        return Logging(retention=retention, encryption_key=encryption_key)

    @staticmethod
    @checked_function
    def to(*deliveries: LogDelivery) -> "Logging":
        """The logs go to destinations that exist.

        Args:
            deliveries: One for each log; a log that is not named is off.
        """
        return Logging(deliveries=deliveries)

    @staticmethod
    @checked_function
    def off() -> "Logging":
        """Both logs are off."""
        return Logging(deliveries=())


def require_deliverable(scope: Construct, deliveries: Sequence[LogDelivery], engine_version: EngineVersion) -> None:
    """Require at most one delivery per log, a log that the engine version writes, and log groups of the cache's region."""
    for delivery in deliveries:
        require_region("logging", scope, delivery.log_group)
        require_account("logging", scope, delivery.log_group)
    types = [delivery.log_type for delivery in deliveries]
    if len(types) != len(set(types)):
        refuse("logging", "name each log at most once", ", ".join(types), "remove the second delivery of it")
    least = {LogType.SLOW: "6.0", LogType.ENGINE: "6.2"}
    for log_type in types:
        if not engine_version.at_least(valkey="7.2", redis=least[log_type]):
            refuse(
                "logging",
                f"name {log_type} only for Valkey or Redis from {least[log_type]}",
                engine_version,
                "choose a newer engine_version or leave that log out",
            )


def create_log_deliveries(
    scope: Construct,
    logging: Logging,
    engine_version: EngineVersion,
    *,
    data_key: kms.IKey | None,
    removal_policy: cdk.RemovalPolicy,
) -> list[LogDelivery]:
    """The given deliveries, or else deliveries to new log groups, encrypted with a given key or with ``data_key``."""
    if logging.deliveries is not None:
        return list(logging.deliveries)
    wanted = [LogType.SLOW] if engine_version.at_least(valkey="7.2", redis="6.0") else []
    if engine_version.at_least(valkey="7.2", redis="6.2"):
        wanted.append(LogType.ENGINE)
    if not wanted:
        return []
    key = logging.encryption_key or data_key or shared_log_key(scope, removal_policy=removal_policy)
    ids = {LogType.SLOW: "SlowLog", LogType.ENGINE: "EngineLog"}
    return [
        LogDelivery.to_log_group(
            log_type,
            logs.LogGroup(
                scope, ids[log_type], encryption_key=key, retention=logging.retention, removal_policy=removal_policy
            ),
        )
        for log_type in wanted
    ]


def shared_log_key(scope: Construct, *, removal_policy: cdk.RemovalPolicy) -> kms.Key:
    """The key for the logs of all caches of a stack: a key costs a dollar a month, and logs of a stack have one owner.

    It is kept unless each of those who use it asks for its deletion.
    """
    stack = cdk.Stack.of(scope)
    existing = stack.node.try_find_child(_SHARED_KEY)
    if existing is None:
        return log_key(stack, _SHARED_KEY, removal_policy=removal_policy)
    assert isinstance(existing, kms.Key)  # noqa: S101  (made here)
    if removal_policy is not cdk.RemovalPolicy.DESTROY:
        existing.apply_removal_policy(removal_policy)
    return existing


def log_key(scope: Construct, construct_id: str, *, removal_policy: cdk.RemovalPolicy) -> kms.Key:
    """A rotating key that CloudWatch Logs may use for the log groups of this account and region, only."""
    key = kms.Key(
        scope,
        construct_id,
        description=f"Encrypts the logs of {scope.node.path}",
        enable_key_rotation=True,
        removal_policy=removal_policy,
    )
    stack = cdk.Stack.of(scope)
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.{stack.url_suffix}")],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": stack.format_arn(
                        service="logs",
                        resource="log-group",
                        resource_name="*",
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                }
            },
        )
    )
    return key
