"""Strategies from which the comparisons draw their requests."""

from hypothesis import strategies as st
from tests.engine.compat.conftest import Word


def words(*parts: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[Word, ...]]:
    """Commands whose words come from ``parts``; a tuple or list among them gives several words."""

    def flat(drawn: tuple[object, ...]) -> tuple[Word, ...]:
        found: list[Word] = []
        for item in drawn:
            if isinstance(item, tuple | list):
                found.extend(flat(tuple(item)))
            elif isinstance(item, bytes | str | int | float):
                found.append(item)
        return tuple(found)

    return st.tuples(*parts).map(flat)


def name(*names: str) -> st.SearchStrategy[str]:
    """One of ``names``."""
    return st.sampled_from(names)
