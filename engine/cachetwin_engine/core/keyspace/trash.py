"""What was deleted and still takes memory: large values and whole tables, freed a little at a time.

To free a collection of a million elements takes 100 ms. A value is taken apart into its containers, which are emptied one
element after the other, in the slices that the engine has for work in the background.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from .value import Value

_ELEMENTS_PER_LOOK: Final = 256  # freed between two looks at the clock


class Trash:
    """Containers that nobody uses any more."""

    def __init__(self) -> None:
        self._containers: list[object] = []  # lists, dicts and deques of bytes, values and containers

    def is_empty(self) -> bool:
        """Whether all is freed."""
        return len(self._containers) == 0

    def add(self, containers: list[object]) -> None:
        """Empty ``containers`` by and by."""
        self._containers += containers

    def work(self, clock: Callable[[], int], until_us: int) -> None:
        """Free until the clock reaches ``until_us``, or everything."""
        while self._containers:
            self._empty(self._containers.pop())
            if clock() >= until_us:
                return

    def _empty(self, container: object) -> None:
        """Free some elements of a container, and keep it if there are more."""
        count = 0
        if isinstance(container, list):
            while container and count < _ELEMENTS_PER_LOOK:
                self._free(container.pop())
                count += 1
        elif isinstance(container, dict):
            while container and count < _ELEMENTS_PER_LOOK:
                _key, value = container.popitem()
                self._free(value)
                count += 1
        elif isinstance(container, deque):
            while container and count < _ELEMENTS_PER_LOOK:
                container.pop()
                count += 1
        if count == _ELEMENTS_PER_LOOK:
            self._containers.append(container)

    def _free(self, element: object) -> None:
        if isinstance(element, bytes):
            return
        if isinstance(element, Value):
            self._containers += element.take_apart()
        elif isinstance(element, (list, dict, deque)):
            self._containers.append(element)
