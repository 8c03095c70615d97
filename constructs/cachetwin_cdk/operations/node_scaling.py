"""Automatic scaling of the nodes of a Memcached cluster, by load or on a schedule.

Application Auto Scaling changes the number of nodes after the deployment. The template keeps the first number: a deployment
that changes ``topology`` resets it, so do not change that once the cluster scales. Its guide says that Memcached clusters
scale with target tracking and schedules, and names no predefined metric for them; so the metric of the cluster is given.
"""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import refuse, require_between
from cachetwin_cdk.memcached_cluster import IMemcachedCluster
from cachetwin_cdk.memcached_topology import NODES_MAX, warn_of_many_nodes

from ._scaling_target import ScalingTarget


@checked_arguments
class NodeScaling(ScalingTarget):
    """Automatic scaling of the number of nodes of a Memcached cluster, by CPU, by another metric or on a schedule.

    Defines one AWS::ApplicationAutoScaling::ScalableTarget, to which the methods add policies and schedules. Clients with
    auto discovery find the new nodes. The keys that move to another node are missed once, and the items of a node that is
    taken away are lost: scale in when the load is low.

    Args:
        cache: The Memcached cluster to scale.
        max_capacity: The largest number of nodes, up to 60.
        min_capacity: The smallest number of nodes. One by default.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: IMemcachedCluster,
        max_capacity: int,
        min_capacity: int = 1,
    ) -> None:
        for name, value in (("min_capacity", min_capacity), ("max_capacity", max_capacity)):
            require_between(name, value, 1, NODES_MAX, unit="nodes")
        super().__init__(
            scope,
            construct_id,
            cache=cache,
            resource_id=f"cache-cluster/{cache.cluster_name}",
            dimension="cache-cluster:Nodes",
            min_capacity=min_capacity,
            max_capacity=max_capacity,
            most=NODES_MAX,
        )
        warn_of_many_nodes(self, max_capacity)
        self._cache = cache

    def scale_on_cpu(self, construct_id: str, *, target_percent: float = 60) -> None:
        """Keep the average CPU of the nodes near the target, which is below 90, where Memcached is called busy."""
        require_between("target_percent", target_percent, 10, 90, unit="percent")
        self._track(construct_id, target_percent, custom_metric=self._cache.metric_cpu_utilization())

    def scale_on_metric(self, construct_id: str, *, metric: cloudwatch.IMetric, target_value: float) -> None:
        """Keep a metric near the target that falls when nodes are added, such as connections for each node."""
        if target_value <= 0:
            refuse("target_value", "be above 0", target_value, "choose the value at which the cluster should settle")
        self._track(construct_id, target_value, custom_metric=metric)
