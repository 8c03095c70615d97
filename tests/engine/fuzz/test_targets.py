"""Bent bytes from outside: a clear refusal or a whole value, in bounded time and memory (``targets`` says which).

``CACHETWIN_FUZZ_EXAMPLES=20000`` looks longer. An input that found a bug is kept in ``corpus``, in its target's folder.
"""

import os
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.fuzz.targets import CORPUS, TARGETS, seeds

EXAMPLES = int(os.environ.get("CACHETWIN_FUZZ_EXAMPLES", "25"))
MEMORY_BYTES_MAX = 48 * 2**20  # of one input, all of which are below 40 KiB
LONG = [
    b"\x81" + b"\xff" * 8,
    b"\x81\x7f" + b"\xff" * 7,
    b"\x80\xff\xff\xff\xff",
    b"\x80\x7f\xff\xff\xff",
    b"\xc3",
    b"\xff",
]
WORDS = [
    b"*1000000000\r\n", b"$536870912\r\n", b"*-5\r\n", b"$-1\r\n", b"*2\r\n$", b"+FULLRESYNC x 9\r\n", b"+CONTINUE\r\n",
    b" \r\n", b"$EOF:", b"$99999999999999999999\r\n", b"#TS:1\r\n", b"\r", b"\n", b"\x00" * 20, b"REDIS0011",
    b"*1\r\n$4\r\nEXEC\r\n", b"*1\r\n$5\r\nMULTI\r\n", b"file x seq 1 type i\n",
]  # fmt: skip
PLACES = st.floats(0, 1, exclude_max=True)
BENDS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), PLACES, st.sampled_from(LONG + WORDS) | st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("overwrite"), PLACES, st.sampled_from(LONG) | st.binary(min_size=1, max_size=4)),
        st.tuples(st.just("remove"), PLACES, st.binary(min_size=1, max_size=8)),
        st.tuples(st.just("cut"), PLACES, st.just(b"")),
    ),
    min_size=1,
    max_size=4,
)


def bent(data: bytes, bends: list[tuple[str, float, bytes]]) -> bytes:
    """``data`` with pieces inserted, overwritten, removed (as many bytes as the piece has) or cut off."""
    changed = bytearray(data)
    for how, place, piece in bends:
        at = int(place * (len(changed) + 1))
        if how == "insert":
            changed[at:at] = piece
        elif how == "overwrite":
            changed[at : at + len(piece)] = piece
        elif how == "remove":
            del changed[at : at + len(piece)]
        else:
            del changed[at:]
    return bytes(changed)


def checked(target: str, data: bytes) -> None:
    """Call the target, and look at how much memory it took at most."""
    tracemalloc.start()
    try:
        TARGETS[target](data)
        assert tracemalloc.get_traced_memory()[1] < MEMORY_BYTES_MAX
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("target", TARGETS)
def test_right_bytes_and_what_is_kept_are_taken_or_refused(target: str) -> None:
    for data in seeds(target):
        TARGETS[target](data)
    for kept in sorted((CORPUS / target).glob("*")):
        checked(target, kept.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CACHETWIN_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(which=st.integers(0, 99), bends=BENDS)
def test_bent_bytes_are_taken_or_refused(target: str, which: int, bends: list[tuple[str, float, bytes]]) -> None:
    known = seeds(target)
    checked(target, bent(known[which % len(known)], bends))
