"""A cluster as it is deployed: shards and replicas that scale, alarms, a dashboard and a password that rotates."""

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as appscaling
from constructs import Construct
from stacks.foundation import alarm_topic, private_network

from cachetwin_cdk import (
    CacheAlarms,
    CacheDashboard,
    NodeType,
    ReplicaScaling,
    ReplicationGroup,
    ShardScaling,
    Topology,
    UserPasswordRotation,
)


class ClusterStack(cdk.Stack):
    """Two shards with two replicas each, in a network of its own."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Valkey cluster that scales, with alarms")
        cache = ReplicationGroup(
            self,
            "Cache",
            vpc=private_network(self),
            node_type=NodeType.M7G_LARGE,
            topology=Topology.cluster(2, replicas=2),
        )
        shards = ShardScaling(self, "Shards", cache=cache, min_capacity=2, max_capacity=8)
        shards.scale_on_memory("Memory")
        shards.scale_on_schedule("Morning", schedule=appscaling.Schedule.cron(hour="6", minute="0"), min_capacity=4)
        shards.scale_on_schedule("Evening", schedule=appscaling.Schedule.cron(hour="20", minute="0"), min_capacity=2)
        ReplicaScaling(self, "Replicas", cache=cache, min_capacity=2).scale_on_engine_cpu("Cpu")
        alarms = CacheAlarms(self, "Alarms", cache=cache, topic=alarm_topic(self))
        CacheDashboard(self, "Dashboard", caches=[cache], alarms=[alarms])
        assert cache.user is not None  # noqa: S101  (made by the cache, since no users were given)
        UserPasswordRotation(self, "Rotation", user=cache.user)
        cdk.CfnOutput(self, "Endpoint", value=cache.configuration_endpoint.socket_address)
