"""AWS's own managed policies, as far as they can decide what this machine checks.

Source: AWS managed policy reference guide. Of the policies of `ABOUT_OTHER_SERVICES` no action is checked here.
"""

from collections.abc import Mapping
from typing import Final

from cachetwin_local.identity.policies import Policy, Statement

__all__ = ["managed_policy"]


def _all_of(*actions: str) -> tuple[Statement, ...]:
    return (Statement("", allows=True, actions=actions, resources=("*",)),)


_WRITES_LOGS: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_READS_STREAMS: Final = (
    "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
)  # fmt: skip
_READS_QUEUES: Final = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
_DYNAMODB_READS: Final = (
    "dynamodb:BatchGet*", "dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:PartiQLSelect",
    "dynamodb:Query", "dynamodb:Scan",
)  # fmt: skip

KNOWN: Final[Mapping[str, tuple[Statement, ...]]] = {
    "AdministratorAccess": _all_of("*"),
    "PowerUserAccess": (
        Statement(
            "",
            allows=True,
            actions=("iam:*", "organizations:*", "account:*"),
            resources=("*",),
            excludes_actions=True,
        ),
    ),
    "AmazonDynamoDBFullAccess": _all_of("dynamodb:*"),
    "AmazonDynamoDBFullAccess_v2": _all_of("dynamodb:*"),
    "AmazonDynamoDBReadOnlyAccess": _all_of(*_DYNAMODB_READS),
    "AmazonECSTaskExecutionRolePolicy": _all_of("logs:CreateLogStream", "logs:PutLogEvents"),
    "AmazonElastiCacheFullAccess": _all_of("elasticache:*"),
    "AmazonElastiCacheReadOnlyAccess": _all_of("elasticache:Describe*"),
    "AmazonEventBridgeFullAccess": _all_of("events:*", "scheduler:*"),
    "AmazonS3FullAccess": _all_of("s3:*"),
    "AmazonS3ReadOnlyAccess": _all_of("s3:Get*", "s3:List*", "s3:Describe*"),
    "AmazonSNSFullAccess": _all_of("sns:*"),
    "AmazonSNSReadOnlyAccess": _all_of("sns:Get*", "sns:List*"),
    "AmazonSQSFullAccess": _all_of("sqs:*"),
    "AmazonSQSReadOnlyAccess": _all_of(
        "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues", "sqs:ListQueues"
    ),
    "AmazonSSMFullAccess": _all_of("ssm:*", "cloudwatch:PutMetricData"),
    "AmazonSSMReadOnlyAccess": _all_of("ssm:Describe*", "ssm:Get*", "ssm:List*"),
    "AWSLambdaBasicExecutionRole": _all_of(*_WRITES_LOGS),
    "AWSLambdaDynamoDBExecutionRole": _all_of(*_WRITES_LOGS, *_READS_STREAMS),
    "AWSLambdaSQSQueueExecutionRole": _all_of(*_WRITES_LOGS, *_READS_QUEUES),
    "AWSLambdaVPCAccessExecutionRole": _all_of(*_WRITES_LOGS),
    "CloudWatchFullAccess": _all_of("cloudwatch:*", "logs:*", "sns:*"),
    "CloudWatchFullAccessV2": _all_of("cloudwatch:*", "logs:*"),
    "CloudWatchLogsFullAccess": _all_of("logs:*"),
    "CloudWatchReadOnlyAccess": _all_of(
        "cloudwatch:Describe*",
        "cloudwatch:Get*",
        "cloudwatch:List*",
        "logs:Get*",
        "logs:List*",
        "logs:Describe*",
        "logs:FilterLogEvents",
    ),
    "SecretsManagerReadWrite": _all_of("secretsmanager:*"),
}
ABOUT_OTHER_SERVICES: Final = frozenset(
    {
        "AWSLambdaKinesisExecutionRole", "AWSXRayDaemonWriteAccess", "AmazonSSMManagedInstanceCore",
        "CloudWatchAgentServerPolicy", "CloudWatchLambdaInsightsExecutionRolePolicy",
        "AmazonAPIGatewayPushToCloudWatchLogs",
    }
)  # fmt: skip


def managed_policy(arn: str) -> Policy | None:
    """One of AWS's managed policies by its ARN; None for one whose content is not known here."""
    name = arn.rpartition("/")[2]
    if name in KNOWN:
        return Policy(name, KNOWN[name])
    return Policy(name, ()) if name in ABOUT_OTHER_SERVICES else None
