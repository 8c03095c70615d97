"""Differences of counters that only grow, from round to round. Pure."""

from collections.abc import Mapping

__all__ = ["Counters"]


class Counters:
    """The last values of counters, by whose they are."""

    def __init__(self) -> None:
        self._last: dict[str, Mapping[str, float]] = {}

    def since(self, owner: str, now: Mapping[str, float]) -> dict[str, float]:
        """How much each counter of `owner` has grown since the last time; nothing the first time.

        One that has fallen began anew, with a process.
        """
        before = self._last.get(owner)
        self._last[owner] = dict(now)
        if before is None:
            return {}
        return {
            name: value - before.get(name, 0) if value >= before.get(name, 0) else value for name, value in now.items()
        }

    def owners(self) -> list[str]:
        """Whose values are known."""
        return list(self._last)

    def keep_only(self, owners: set[str]) -> None:
        """Forget the others."""
        self._last = {owner: values for owner, values in self._last.items() if owner in owners}
