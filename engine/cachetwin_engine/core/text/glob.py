r"""Glob patterns as KEYS, SCAN, PSUBSCRIBE and ACL rules use them: ``*``, ``?``, ``[abc]``, ``[^a-z]``, ``\`` escapes.

One backtracking point is enough: when a later ``*`` is reached, what an earlier one swallowed need not change. So the
cost is at most pattern times text, for any pattern. (Valkey recurses at each ``*`` and gives up, without a match, at a
depth of 1000; so does this, to answer the same.)
"""

from typing import Final

from mypy_extensions import i64

_STARS_MAX: Final = 1000


def glob_match(pattern: bytes, text: bytes) -> bool:
    """Whether the whole of ``text`` matches."""
    p: i64 = 0
    t: i64 = 0
    p_end: i64 = len(pattern)
    t_end: i64 = len(text)
    star: i64 = -1  # place behind the last * seen
    retry: i64 = 0  # text position from which that * swallows one byte more
    width: i64 = 0
    stars: i64 = 0
    while t < t_end:
        if p < p_end and pattern[p] == 42:
            if star != p:
                stars += 1
            p += 1
            if stars > _STARS_MAX and p < p_end:
                return False
            star = p
            retry = t
            continue
        width = _matches_one(pattern, p, p_end, text[t]) if p < p_end else 0
        if width > 0:
            p += width
            t += 1
            continue
        if star < 0:
            return False
        retry += 1
        t = retry
        p = star
    while p < p_end and pattern[p] == 42:
        p += 1
    return p >= p_end


def glob_match_nocase(pattern: bytes, text: bytes) -> bool:
    """Like ``glob_match``, ASCII letters in either case."""
    return glob_match(pattern.lower(), text.lower())


def _matches_one(pattern: bytes, p: i64, p_end: i64, byte: int) -> i64:
    """How many bytes of the pattern the element at ``p`` takes if it matches ``byte``, else 0."""
    head: i64 = pattern[p]
    b: i64 = byte
    if head == 63:
        return 1
    if head == 92 and p + 1 < p_end:
        return 2 if pattern[p + 1] == b else 0
    if head != 91:
        return 1 if head == b else 0
    return _matches_class(pattern, p, p_end, b)


def _matches_class(pattern: bytes, p: i64, p_end: i64, b: i64) -> i64:
    """The same for ``[...]``. A class that is not closed reaches to the end of the pattern."""
    at: i64 = p + 1
    low: i64 = 0
    high: i64 = 0
    negated = at < p_end and pattern[at] == 94
    if negated:
        at += 1
    found = False
    while at < p_end and pattern[at] != 93:
        if pattern[at] == 92 and at + 1 < p_end:
            at += 1
            found = found or pattern[at] == b
            at += 1
        elif at + 2 < p_end and pattern[at + 1] == 45:
            low = pattern[at]
            high = pattern[at + 2]
            if low > high:
                low, high = high, low
            found = found or low <= b <= high
            at += 3
        else:
            found = found or pattern[at] == b
            at += 1
    if found == negated:
        return 0
    return (at + 1 if at < p_end else at) - p
