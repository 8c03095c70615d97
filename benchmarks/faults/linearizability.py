"""Whether a history of reads and writes of one register has an order that explains it.

The search of Wing and Gong (1993), with the memory of Lowe: take an operation that began before every other one ended,
apply it to the register, go on with the rest, and come back where a read does not fit. What was tried with the same
operations left and the same value is not tried again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Operation", "linearizable", "protected_history"]


@dataclass(frozen=True, slots=True)
class Operation:
    """A read that returned `value`, or a write of it; `began` and `ended` are times of one clock.

    A write is `protected` when a replica had acknowledged it before it ended.
    """

    kind: Literal["read", "write"]
    value: str | None
    began: float
    ended: float
    protected: bool = True


def protected_history(operations: Iterable[Operation]) -> list[Operation]:
    """The protected writes, and the reads that saw one of them or nothing.

    Writes that no replica acknowledged may be lost by asynchronous replication, whether they were seen or not.
    """
    operations = list(operations)
    values = {one.value for one in operations if one.kind == "write" and one.protected} | {None}
    return [one for one in operations if (one.protected if one.kind == "write" else one.value in values)]


def linearizable(history: Sequence[Operation]) -> bool:
    """Whether the operations, all of which have ended, happened in some order that their times allow. Values are unique."""
    ordered = sorted(history, key=lambda one: one.began)
    tried: set[tuple[int, frozenset[int], str | None]] = set()
    stack: list[tuple[int, frozenset[int], str | None]] = [(0, frozenset(), None)]
    while stack:
        state = stack.pop()
        if state in tried:
            continue
        tried.add(state)
        first, done, value = state  # all before `first` are done, and of the later ones `done`
        if first == len(ordered):
            return True
        deadline = ordered[first].ended
        at = first
        while at < len(ordered) and ordered[at].began <= deadline:
            one = ordered[at]
            if at not in done:
                deadline = min(deadline, one.ended)
                if one.kind == "write" or one.value == value:
                    stack.append(_without(first, done, at, one.value if one.kind == "write" else value))
            at += 1
    return False


def _without(first: int, done: frozenset[int], at: int, value: str | None) -> tuple[int, frozenset[int], str | None]:
    """The state after the operation `at`."""
    done |= {at}
    while first in done:
        done -= {first}
        first += 1
    return first, done, value
