"""The actors of a topology: one for each resource that runs, and the changes that they can take without a restart."""

from collections.abc import Sequence

from cachetwin_local.supervise.actor import Actor
from cachetwin_local.supervise.api.http_api import HttpApiActor
from cachetwin_local.supervise.aws_api.actor import AwsApiActor
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.global_datastores import GlobalDatastores
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.function.function import FunctionActor
from cachetwin_local.supervise.load_balancer.load_balancer import LoadBalancerActor
from cachetwin_local.supervise.mysql.server import MySqlActor
from cachetwin_local.supervise.postgres.server import PostgresActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.reconcile import Specification, specifications
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.supervise.service.virtual_environment import VirtualEnvironments
from cachetwin_local.topology.values import Topology

__all__ = ["become", "make_actors"]


def make_actors(run_context: RunContext, topology: Topology, regions: GlobalDatastores) -> list[Actor]:
    """An actor for everything in the topology that runs."""
    environments = VirtualEnvironments(run_context)
    actors: list[Actor] = [
        PostgresActor(run_context, database) if database.engine == "postgres" else MySqlActor(run_context, database)
        for database in topology.databases
    ]
    actors += [
        CacheActor(run_context, group, upstream=regions.upstream(group.identity.key))
        for group in topology.replication_groups
    ]
    actors += [MemcachedActor(run_context, cluster) for cluster in topology.memcached_clusters]
    actors += [AwsApiActor(run_context, topology.aws_api, topology)] if topology.aws_api is not None else []
    actors += [ServiceActor(run_context, service, topology, environments) for service in topology.services]
    actors += [FunctionActor(run_context, function, topology, environments) for function in topology.functions]
    actors += [HttpApiActor(run_context, api, topology) for api in topology.http_apis]
    actors += [LoadBalancerActor(run_context, balancer, topology) for balancer in topology.load_balancers]
    return actors


async def become(actors: Sequence[Actor], topology: Topology, running: dict[str, Specification]) -> frozenset[str]:
    """Let each actor that can become what `topology` wants do so while it runs. Returns their names.

    `running` is what runs, which those that changed are entered in.
    """
    wanted = specifications(topology)
    clusters = {cluster.identity.key: cluster for cluster in topology.memcached_clusters}
    groups = {group.identity.key: group for group in topology.replication_groups}
    changed: set[str] = set()
    differing = {name for name, specification in running.items() if name in wanted and specification != wanted[name]}
    for actor in actors:
        match actor:
            case AwsApiActor() if actor.name in differing:
                if topology.aws_api is not None and await actor.become(topology.aws_api, topology):
                    changed.add(actor.name)
            case MemcachedActor() if actor.name in differing:
                if await actor.become(clusters[actor.name]):
                    changed.add(actor.name)
            case CacheActor() if actor.name in differing and await actor.become(groups[actor.name]):
                changed.add(actor.name)
            case ServiceActor() if actor.name in differing and running[actor.name][1:] == wanted[actor.name][1:]:
                if await actor.become(topology):
                    changed.add(actor.name)
            case LoadBalancerActor() if actor.name in differing and running[actor.name][:2] == wanted[actor.name][:2]:
                changed.add(actor.name)  # it follows the tasks of its services by itself
            case CacheActor() if actor.name in running:  # roles and secrets may be others
                await actor.set_logins()
            case PostgresActor() if actor.name in running:
                actor.set_logins()
            case _:
                pass
    running |= {name: wanted[name] for name in changed}
    return frozenset(changed)
