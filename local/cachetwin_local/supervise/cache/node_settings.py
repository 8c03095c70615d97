"""The settings that every node of a cache receives: engine, parameters, logins, time and certificate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cachetwin_local.supervise.cache.logins import Logins
from cachetwin_local.supervise.project.clock import Clock
from cachetwin_local.supervise.project.key_pair import KeyPair
from cachetwin_local.topology.values import CacheNode, Endpoint

__all__ = ["NodeSettings"]

Document = dict[str, object]


@dataclass(slots=True)
class NodeSettings:
    """What the nodes of one cache have in common.

    `program` is the engine's command line up to its options. `pair` is the certificate of all endpoints, `ca_file` the
    CA that signed it. `topology` is the cluster's for one node, None without cluster mode.
    `shared_endpoints` are the cache's own.
    """

    program: tuple[str, ...]
    profile: str
    parameters: Mapping[str, str]
    ca_file: str
    clock: Clock
    logins: Logins | None = None
    pair: KeyPair | None = None
    options: tuple[str, ...] = ()
    topology: Callable[[CacheNode], Document | None] = lambda _node: None
    shared_endpoints: tuple[Endpoint, ...] = ()

    def _announced(self, node: CacheNode) -> dict[str, str]:
        """Where clients of the cluster find a node, whichever endpoint they asked at.

        That is its address, unless cachetwin.toml asks for host names: these do not resolve for every program here.
        """
        by_name = self.parameters.get("cluster-preferred-endpoint-type") == "hostname"
        return {
            "cluster-preferred-endpoint-type": "hostname" if by_name else "ip",
            "cluster-announce-ip": node.endpoint.address,
            "cluster-announce-port": str(node.endpoint.port),
        }

    def is_shared(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is the cache's, so that a node has none of its own."""
        return any((one.address, one.port) == (endpoint.address, endpoint.port) for one in self.shared_endpoints)

    def parameters_of(self, node: CacheNode) -> dict[str, str]:
        """The parameters of one node: the group's, its memory, and where other nodes see it."""
        return {
            **self.parameters,
            "maxmemory": str(node.maxmemory_bytes),
            "replica-announce-ip": node.endpoint.address,
            "replica-announce-port": str(node.endpoint.port),
            **(self._announced(node) if self.options else {}),
        }
