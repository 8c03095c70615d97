"""How a pattern keeps its logs: under one key, for the same time, with the same removal policy."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


@dataclass(frozen=True)
class LogSettings:
    """What the log groups of one pattern have in common."""

    encryption_key: kms.IKey
    retention: logs.RetentionDays
    removal_policy: cdk.RemovalPolicy

    def create_group(self, scope: Construct, construct_id: str) -> logs.LogGroup:
        """A log group with these settings."""
        return logs.LogGroup(
            scope,
            construct_id,
            encryption_key=self.encryption_key,
            retention=self.retention,
            removal_policy=self.removal_policy,
        )
