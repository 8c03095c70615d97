"""Glob patterns: what they match, and that no pattern takes long."""

import fnmatch
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachetwin_engine.core.text.glob import glob_match, glob_match_nocase


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (b"", [b""], [b"a"]),
        (b"*", [b"", b"abc"], []),
        (b"h?llo", [b"hello", b"hallo"], [b"hllo", b"heello"]),
        (b"h*llo", [b"hllo", b"heeeello"], [b"hell"]),
        (b"h[ae]llo", [b"hello", b"hallo"], [b"hillo"]),
        (b"h[^e]llo", [b"hallo"], [b"hello"]),
        (b"h[a-c]llo", [b"hallo", b"hbllo"], [b"hdllo"]),
        (b"h[c-a]llo", [b"hbllo"], [b"hdllo"]),  # turned round
        (rb"h\?llo", [b"h?llo"], [b"hello"]),
        (rb"[\]x]", [b"]", b"x"], [b"\\"]),
        (b"a[bc", [b"ab", b"ac"], [b"ad", b"a"]),  # a class that is not closed
        (b"a\\", [b"a\\"], [b"a"]),
        (b"*a*b*", [b"ab", b"xaxbx"], [b"ba"]),
        (b"a**b", [b"ab", b"axb"], [b"a"]),
        (b"[]", [], [b"", b"]"]),
        (b"[^]", [b"x"], [b""]),
        (b"\xff?", [b"\xff\x00"], [b"\xfe\x00"]),
    ],
)
def test_what_a_pattern_matches(pattern: bytes, matching: list[bytes], other: list[bytes]) -> None:
    assert [text for text in matching if not glob_match(pattern, text)] == []
    assert [text for text in other if glob_match(pattern, text)] == []


def test_either_case_may_be_asked_for() -> None:
    assert glob_match_nocase(b"MaxMem*", b"maxmemory")
    assert not glob_match(b"MaxMem*", b"maxmemory")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=8))
def test_stars_and_question_marks_are_those_of_a_shell(pattern: str, text: str) -> None:
    assert glob_match(pattern.encode(), text.encode()) == fnmatch.fnmatchcase(text, pattern)


def test_many_stars_do_not_take_long() -> None:
    began = time.monotonic()
    assert not glob_match(b"*a" * 300 + b"b", b"a" * 5000)
    assert time.monotonic() - began < 20
    assert not glob_match(b"*a" * 1001, b"a" * 2000)  # more stars than Valkey goes into
