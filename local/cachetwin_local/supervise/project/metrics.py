"""The metrics of the resources, as their processes report them: by resource, by CloudWatch's names."""

from collections.abc import Mapping

__all__ = ["Metrics"]


class Metrics:
    """Sums of events since the start of the run, and the last value of what is a level."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, int]] = {}

    def add(self, resource: str, counts: Mapping[str, int], levels: Mapping[str, int]) -> None:
        """Add new events of `resource` to its sums, and set its levels."""
        values = self._values.setdefault(resource, {})
        for name, count in counts.items():
            values[name] = values.get(name, 0) + count
        values.update(levels)

    def all(self) -> Mapping[str, Mapping[str, int]]:
        """The metrics of every resource that has some."""
        return self._values
