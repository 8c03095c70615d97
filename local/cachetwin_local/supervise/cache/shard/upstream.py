"""What the primary of a shard follows: nobody, or the primary of the same shard in another region.

In a secondary region of a global datastore the shard's primary is a replica itself: it takes no writes, and the shard's
replicas follow it. The link between regions is a socket pair, as the links within a shard are.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.node import NodeProcess
from cachetwin_local.supervise.cache.shard.member import Member
from cachetwin_local.supervise.cache.shard.replication import follow

__all__ = ["Upstream"]

_POLL_S: Final = 0.02
_SYNC_S: Final = 60.0


class Upstream:
    """The link of one shard.

    `is_secondary` tells whether it has one now, `source` the node that it leads to, if it runs.
    """

    def __init__(
        self, is_secondary: Callable[[], bool] = lambda: False, source: Callable[[], Member | None] = lambda: None
    ) -> None:
        self.is_secondary = is_secondary
        self.source = source
        self._linked: tuple[NodeProcess, NodeProcess] | None = None
        self._follows = False

    @property
    def is_outdated(self) -> bool:
        """Whether the shard has another role than it should: the global datastore's members have changed."""
        return self._follows != self.is_secondary()

    async def lead(self, member: Member) -> None:
        """Make a node the primary of its shard. Raises as `NodeProcess.ask`."""
        if not self.is_secondary():
            await member.process.ask("lead")
            self._follows = False
            return
        endpoint = member.node.endpoint
        # first of all it takes no writes, also while the other region is away
        await member.process.ask("follow", host=endpoint.address, port=endpoint.port)
        self._follows = True
        await self._attach(member)

    async def renew(self, member: Member) -> None:
        """Connect the shard's primary again where the link is down, or another node leads there. Raises as `ask`."""
        source = self.source()
        if source is None or not source.available or not member.process.pid:
            return
        is_down = (await member.process.ask_state()).link == "connect"
        if is_down or self._linked != (member.process, source.process):
            await self._attach(member)

    async def in_step(self, member: Member) -> None:
        """Return when the shard's primary has the data of the other region, or does not get it within a minute."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SYNC_S):
                while self.is_secondary() and self.source() is not None:
                    if (await member.process.ask_state()).is_linked:
                        return
                    await asyncio.sleep(_POLL_S)
                    await self.renew(member)

    async def _attach(self, member: Member) -> None:
        source = self.source()
        if source is None or not source.process.pid:
            return
        with suppress(OSError, UserError):  # it is gone: the link is made when another one leads
            await follow(member, source)
            self._linked = (member.process, source.process)
