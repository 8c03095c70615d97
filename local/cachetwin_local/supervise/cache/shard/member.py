"""A node of a shard."""

from dataclasses import dataclass

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache_endpoints import SpreadEndpoint
from cachetwin_local.supervise.cache.node import NodeProcess
from cachetwin_local.supervise.events import State
from cachetwin_local.topology.values import CacheNode

__all__ = ["Member"]


@dataclass(slots=True, eq=False)
class Member:
    """A node of the shard, by the id of its cache cluster, and the process that it has now.

    `available` is true from the moment that a node serves (a primary) or was in step with its primary (a replica).
    """

    node: CacheNode
    role: str
    process: NodeProcess
    own: SpreadEndpoint
    available: bool = False
    state: State = "waiting"
    detail: str = ""
    restarts: int = 0

    def row(self, cache: str, primary: "Member") -> dict[str, object]:
        """As a row of `status`. The lag is in bytes of the replication stream, as the last answers have it."""
        node, state = self.node, self.process.state
        primary_state = primary.process.state
        lag = primary_state.offset - state.offset if primary_state and state and self is not primary else 0
        return {
            "resource": cache,
            "node": node.member_id,
            "shard": node.shard,
            "role": self.role,
            "availability_zone": node.availability_zone,
            "node_type": node.node_type,
            "state": self.state,
            "detail": self.detail,
            "endpoint": f"{node.endpoint.address}:{node.endpoint.port}",
            "pid": self.process.pid,
            "offset": state.offset if state else None,
            "lag_bytes": max(0, lag),
            "clients": state.clients if state else None,
            **({"metrics": dict(state.metrics)} if state and state.metrics else {}),
        }

    async def set_parameter(self, name: str, value: str) -> None:
        """Set a parameter of the node. Raises UserError with the engine's reason where it refuses."""
        try:
            await self.process.ask("parameters", parameters={name: value})
        except UserError as error:
            reason = str(error).rpartition("parameters: ")[2].removeprefix("ERR ")
            raise UserError(f"{name} cannot be set to {value}: {reason}") from error
