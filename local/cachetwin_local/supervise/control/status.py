"""What a status tells of the topology itself."""

from cachetwin_local.topology.values import Identity, Topology, show

__all__ = ["outputs", "paths"]


def paths(topology: Topology) -> dict[str, str]:
    """The construct path of each resource that runs, by its name."""
    return {one.key: one.path.removesuffix("/Resource").removesuffix("/Service") for one in _identities(topology)}


def outputs(topology: Topology) -> dict[str, str]:
    """The outputs of the stacks, by stack and name."""
    return {
        f"{output.stack}.{output.name}": show(output.value)
        for output in topology.outputs
        if not output.name.startswith("ExportsOutput")  # between stacks, not for people
    }


def _identities(topology: Topology) -> list[Identity]:
    return [
        *(one.identity for one in topology.services),
        *(one.identity for one in topology.functions),
        *(one.identity for one in topology.http_apis),
        *(one.identity for one in topology.replication_groups),
        *(one.identity for one in topology.memcached_clusters),
        *(one.identity for one in topology.databases),
        *(one.identity for one in topology.load_balancers),
    ]
