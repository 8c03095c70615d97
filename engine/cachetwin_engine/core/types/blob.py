"""Small collections in one ``bytes``: the form in which the values of most keys are short.

A dict, a list or a tree of a few short elements takes some hundred bytes in Python, however little is in it. So a small
collection is one immutable blob: each element after a byte with its length. A search skips from length to length, a
change makes a new blob; up to the limits below this costs a compiled engine about as much as the structure would
(measured by ``benchmarks/memory_per_key.py`` and by HGET, HSET, LPUSH and ZADD at the limits). A collection beyond them
is unpacked into its structure and never packed again. Interpreted, a step of a search costs twenty times as much as
compiled, so the limits are lower there.

Clients do not see this form: the reported encoding and size follow Valkey's own thresholds.
"""

from typing import Final

from mypy_extensions import i64

from cachetwin_engine.core import BUILD

_COMPILED: Final = BUILD == "compiled"
ENTRIES_MAX: Final = 128 if _COMPILED else 16  # elements, or members with their scores: as many as Valkey's listpacks
PAIRS_MAX: Final = 128 if _COMPILED else 8  # of fields and values
BYTES_MAX: Final = 3584 if _COMPILED else 475  # in a listpack at most 4,096: Valkey's smallest limit of a node
ELEMENT_MAX: Final = 255  # what the byte in front can say

LENGTHS: Final[list[bytes]] = [bytes([length]) for length in range(ELEMENT_MAX + 1)]
"""The byte in front of an element, by its length."""


def blob_of(elements: list[bytes]) -> bytes:
    """``elements``, each at most ``ELEMENT_MAX`` long, as a blob."""
    parts: list[bytes] = []
    for element in elements:
        parts.append(LENGTHS[len(element)])
        parts.append(element)
    return b"".join(parts)


def fits(elements: list[bytes], entries_max: int) -> bool:
    """Whether ``elements`` make a blob of at most ``entries_max`` elements."""
    count = len(elements)
    if count > entries_max:
        return False
    size: i64 = count
    for element in elements:
        if len(element) > ELEMENT_MAX:
            return False
        size += len(element)
    return size <= BYTES_MAX


def count_in(data: bytes, at: i64) -> i64:
    """Elements from ``at`` to the end."""
    end: i64 = len(data)
    count: i64 = 0
    while at < end:
        length: i64 = data[at]
        at += length + 1
        count += 1
    return count


def elements_in(data: bytes, at: i64) -> list[bytes]:
    """The elements from ``at`` to the end."""
    found: list[bytes] = []
    end: i64 = len(data)
    while at < end:
        length: i64 = data[at]
        behind = at + 1 + length
        found.append(data[at + 1 : behind])
        at = behind
    return found


def element_at(data: bytes, at: i64) -> bytes:
    """The element whose length is at ``at``."""
    length: i64 = data[at]
    return data[at + 1 : at + 1 + length]


def behind(data: bytes, at: i64) -> i64:
    """Where the element at ``at`` ends."""
    length: i64 = data[at]
    return at + 1 + length


def place_of_index(data: bytes, index: i64) -> i64:
    """Where the ``index``-th element begins, which exists."""
    at: i64 = 0
    for _ in range(index):
        length: i64 = data[at]
        at += length + 1
    return at


def find_element(data: bytes, element: bytes, at: i64) -> i64:
    """Where the first ``element`` from ``at`` on begins, or -1 - the number of elements that were passed."""
    size: i64 = len(element)
    last: i64 = element[size - 1] if size else 0
    end: i64 = len(data)
    passed: i64 = 0
    while at < end:
        length: i64 = data[at]
        if length == size:
            if size == 0:
                return at
            final: i64 = data[at + size]
            if final == last and data[at + 1 : at + 1 + size] == element:
                return at
        at += length + 1
        passed += 1
    return -1 - passed


def find_field(data: bytes, field: bytes) -> i64:
    """Where ``field`` begins in a blob of fields and values in turn, or -1 - the number of fields."""
    size: i64 = len(field)
    last: i64 = field[size - 1] if size else 0
    end: i64 = len(data)
    passed: i64 = 0
    at: i64 = 0
    while at < end:
        length: i64 = data[at]
        if length == size:
            if size == 0:
                return at
            final: i64 = data[at + size]
            if final == last and data[at + 1 : at + 1 + size] == field:
                return at
        at += length + 1
        length = data[at]
        at += length + 1
        passed += 1
    return -1 - passed
