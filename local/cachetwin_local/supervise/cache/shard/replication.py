"""The replication between nodes of a shard: who follows whom, and how far they are."""

import asyncio
import socket
from collections.abc import Sequence

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.node import NodeState
from cachetwin_local.supervise.cache.shard.member import Member

__all__ = ["drained", "follow", "furthest"]

_POLL_S = 0.005
_DRAIN_S = 1.0


async def follow(member: Member, primary: Member) -> None:
    """Connect a replica to its primary, each with one end of a socket pair. Raises UserError or OSError."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other:
        await primary.process.ask("replica", descriptor=one.fileno())
        endpoint = primary.node.endpoint
        await member.process.ask("follow", descriptor=other.fileno(), host=endpoint.address, port=endpoint.port)


async def furthest(candidates: Sequence[Member], offset: int | None) -> Member | None:
    """The one with the highest offset, once each has read what the primary sent (up to `offset` if known)."""
    states = await asyncio.gather(*(drained(member, offset) for member in candidates))
    reached = [(state.offset, member) for member, state in zip(candidates, states, strict=True) if state is not None]
    return max(reached, key=lambda pair: pair[0])[1] if reached else None


async def drained(member: Member, offset: int | None) -> NodeState | None:
    """The state of a replica that has read everything, or what it could in a second; None where it failed."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _DRAIN_S
    try:
        while True:
            state = await member.process.ask_state()
            read_all = not state.is_linked if offset is None else state.offset >= offset
            if read_all or loop.time() > end:
                return state
            await asyncio.sleep(_POLL_S)
    except (OSError, UserError):
        return None  # it failed too: its own watch sees to it
