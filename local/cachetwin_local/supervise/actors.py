"""The actors of a topology: one for each resource that runs."""

from cachetwin_local.supervise.actor import Actor
from cachetwin_local.supervise.api.http_api import HttpApiActor
from cachetwin_local.supervise.aws_api.actor import AwsApiActor
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.function.function import FunctionActor
from cachetwin_local.supervise.load_balancer.load_balancer import LoadBalancerActor
from cachetwin_local.supervise.postgres.server import PostgresActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import Topology

__all__ = ["make_actors"]


def make_actors(run_context: RunContext, topology: Topology) -> list[Actor]:
    """An actor for everything in the topology that runs."""
    environments = VirtualEnvironments(run_context)
    actors: list[Actor] = [PostgresActor(run_context, database) for database in topology.databases]
    actors += [CacheActor(run_context, group) for group in topology.replication_groups]
    actors += [MemcachedActor(run_context, cluster) for cluster in topology.memcached_clusters]
    actors += [AwsApiActor(run_context, topology.aws_api, topology)] if topology.aws_api is not None else []
    actors += [ServiceActor(run_context, service, topology, environments) for service in topology.services]
    actors += [FunctionActor(run_context, function, topology, environments) for function in topology.functions]
    actors += [HttpApiActor(run_context, api, topology) for api in topology.http_apis]
    actors += [LoadBalancerActor(run_context, balancer, topology) for balancer in topology.load_balancers]
    return actors
