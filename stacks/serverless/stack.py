"""A serverless cache as it is deployed: users, limits, alarms and a dashboard."""

import aws_cdk as cdk
from aws_cdk import aws_events_targets as targets
from constructs import Construct
from stacks.foundation import alarm_topic, private_network

from cachetwin_cdk import (
    Backups,
    CacheAlarms,
    CacheDashboard,
    ServerlessCache,
    SnapshotWindow,
    UsageLimits,
)


class ServerlessStack(cdk.Stack):
    """A Valkey cache without nodes, in a network of its own."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Serverless Valkey cache with limits and alarms")
        topic = alarm_topic(self)
        cache = ServerlessCache(
            self,
            "Cache",
            vpc=private_network(self),
            usage_limits=UsageLimits(data_storage_gb_max=10, ecpu_per_second_max=10_000),
            backups=Backups.daily(window=SnapshotWindow.of("03:00-04:00")),
        )
        cache.on_limit_approaching("LimitApproaching", target=targets.SnsTopic(topic))
        alarms = CacheAlarms(self, "Alarms", cache=cache, topic=topic)
        CacheDashboard(self, "Dashboard", caches=[cache], alarms=[alarms])
        cdk.CfnOutput(self, "Endpoint", value=cache.endpoint.socket_address)
