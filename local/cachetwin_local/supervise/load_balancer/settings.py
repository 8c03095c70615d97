"""What the process of a load balancer is told at its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetwin_local.supervise.project.key_pair import KeyPair
from cachetwin_local.topology.values import Listener, TargetGroup

__all__ = ["Front", "LoadBalancerSettings"]


@dataclass(frozen=True, slots=True)
class Front:
    """A listener, the descriptor of its listening socket, and its certificate where it speaks HTTPS."""

    listener: Listener
    descriptor: int
    pair: KeyPair | None


@dataclass(frozen=True, slots=True)
class LoadBalancerSettings:
    """The listeners, and by their keys the target groups with the addresses of their targets.

    `functions` are the sockets of the functions that run, by key. `refusals` say by target group why no policy lets the
    load balancer call its function.
    """

    fronts: tuple[Front, ...]
    groups: Mapping[str, tuple[TargetGroup, tuple[tuple[str, int], ...]]]
    functions: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, str | None] = field(default_factory=dict)
