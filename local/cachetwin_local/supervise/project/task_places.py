"""Where the tasks of the services are now, and how the load balancers find them.

A service publishes the places of its tasks, which change as it scales. A load balancer follows them, and tells for each
place whether it is healthy there, and which places it has let go of.
"""

import asyncio
from collections.abc import Callable, Mapping, Set

from cachetwin_local.topology.values import TaskAddress

__all__ = ["TaskPlaces"]

_POLL_S = 0.05


class TaskPlaces:
    """The tasks of every service of a run. Places are written ``address:port``."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[TaskAddress, ...]] = {}
        self._health: dict[str, dict[str, bool]] = {}
        self._used: dict[str, frozenset[str]] = {}
        self._followers: list[Callable[[str], None]] = []

    def set(self, service: str, tasks: tuple[TaskAddress, ...]) -> None:
        """The tasks of `service` are now these."""
        if self._tasks.get(service) != tasks:
            self._tasks[service] = tasks
            for follower in list(self._followers):
                follower(service)

    def of(self, service: str) -> tuple[TaskAddress, ...] | None:
        """The tasks of `service`, or None where it has not said."""
        return self._tasks.get(service)

    def follow(self, follower: Callable[[str], None]) -> None:
        """Call `follower` with the name of each service whose tasks change."""
        self._followers.append(follower)

    def unfollow(self, follower: Callable[[str], None]) -> None:
        """Call `follower` no more."""
        if follower in self._followers:
            self._followers.remove(follower)

    def take_report(self, balancer: str, health: Mapping[str, bool], draining: Set[str]) -> None:
        """What `balancer` says of its targets; `draining` are places that it still has requests at."""
        self._health[balancer] = dict(health)
        self._used[balancer] = frozenset(health) | draining

    def forget(self, balancer: str) -> None:
        """A load balancer that is gone."""
        self._health.pop(balancer, None)
        self._used.pop(balancer, None)

    def is_unhealthy(self, place: str) -> bool:
        """Whether a load balancer finds the target at `place` unhealthy."""
        return any(health.get(place) is False for health in self._health.values())

    async def let_go(self, places: Set[str], deadline_s: float) -> bool:
        """Return when no load balancer uses these places, or after `deadline_s`. Returns whether none does."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + deadline_s
        while any(used & places for used in self._used.values()):
            if loop.time() >= end_s:
                return False
            await asyncio.sleep(_POLL_S)
        return True
