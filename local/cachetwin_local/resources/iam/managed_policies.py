"""AWS's own managed policies, as far as they can decide what this machine checks.

Source: AWS managed policy reference guide. The others of `ABOUT_OTHER_SERVICES` name no action of ElastiCache.
"""

from collections.abc import Mapping
from typing import Final

from cachetwin_local.identity.policies import Policy, Statement

KNOWN: Final[Mapping[str, tuple[Statement, ...]]] = {
    "AdministratorAccess": (Statement("", allows=True, actions=("*",), resources=("*",)),),
    "PowerUserAccess": (
        Statement(
            "",
            allows=True,
            actions=("iam:*", "organizations:*", "account:*"),
            resources=("*",),
            excludes_actions=True,
        ),
    ),
    "AmazonElastiCacheFullAccess": (Statement("", allows=True, actions=("elasticache:*",), resources=("*",)),),
    "AmazonElastiCacheReadOnlyAccess": (
        Statement("", allows=True, actions=("elasticache:Describe*",), resources=("*",)),
    ),
}
ABOUT_OTHER_SERVICES: Final = frozenset(
    {
        "AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaDynamoDBExecutionRole",
        "AWSLambdaKinesisExecutionRole", "AWSLambdaSQSQueueExecutionRole", "AWSXRayDaemonWriteAccess",
        "AmazonECSTaskExecutionRolePolicy", "AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy",
        "CloudWatchLambdaInsightsExecutionRolePolicy", "AmazonSQSFullAccess", "AmazonSNSFullAccess",
        "AmazonS3FullAccess", "AmazonS3ReadOnlyAccess", "AmazonDynamoDBFullAccess", "SecretsManagerReadWrite",
        "AmazonAPIGatewayPushToCloudWatchLogs",
    }
)  # fmt: skip


def managed_policy(arn: str) -> Policy | None:
    """One of AWS's managed policies by its ARN; None for one whose content is not known here."""
    name = arn.rpartition("/")[2]
    if name in KNOWN:
        return Policy(name, KNOWN[name])
    return Policy(name, ()) if name in ABOUT_OTHER_SERVICES else None
