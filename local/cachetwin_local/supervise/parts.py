"""The state of a resource from the states of its parts: processes, background tasks, health checks."""

from dataclasses import dataclass
from typing import Final

from cachetwin_local.supervise.events import State

__all__ = ["Part", "Parts"]

_SEVERITY: Final[dict[State, int]] = {"ready": 0, "unhealthy": 1, "restarting": 2, "failed": 3}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a resource: `name` says which, `detail` is one line or empty."""

    resource: str
    name: str
    state: State
    detail: str


class Parts:
    """The parts of every resource of a run, as they were last reported."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[str, Part]] = {}

    def report(self, part: Part) -> Part:
        """Record a part's state. Returns the part that stands for the resource: the one in the worst state."""
        parts = self._parts.setdefault(part.resource, {})
        parts[part.name] = part
        worst = max(parts.values(), key=_severity)
        return part if _severity(worst) == 0 else worst

    def forget(self, resource: str, name: str) -> None:
        """A part that is no more."""
        self._parts.get(resource, {}).pop(name, None)

    def forget_resource(self, resource: str) -> None:
        """Forget the parts of a resource that is gone, or is made anew."""
        self._parts.pop(resource, None)

    def all(self) -> list[Part]:
        """Every part that was reported."""
        return [part for parts in self._parts.values() for part in parts.values()]


def _severity(part: Part) -> int:
    return _SEVERITY.get(part.state, 0)
