"""A Memcached cluster as it is deployed: nodes in several zones, TLS, alarms and a dashboard."""

import aws_cdk as cdk
from constructs import Construct
from stacks.foundation import alarm_topic, private_network

from cachetwin_cdk import CacheAlarms, CacheDashboard, MemcachedCluster


class MemcachedStack(cdk.Stack):
    """Two nodes, in a network of its own."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="Memcached over TLS, with alarms")
        cache = MemcachedCluster(self, "Cache", vpc=private_network(self))
        alarms = CacheAlarms(self, "Alarms", cache=cache, topic=alarm_topic(self))
        CacheDashboard(self, "Dashboard", caches=[cache], alarms=[alarms])
        cdk.CfnOutput(self, "Endpoint", value=cache.configuration_endpoint.socket_address)
