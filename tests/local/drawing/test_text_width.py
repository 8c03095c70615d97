"""Wrapping of text to a width."""

from hypothesis import given
from hypothesis import strategies as st

from cachetwin_local.drawing.layout.text_width import width_of, wrap

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=60)


@given(WORDS, st.floats(20, 300))
def test_lines_fit_and_no_character_is_lost(text: str, width: float) -> None:
    lines = wrap(text, width, 11)
    assert all(width_of(line, 11) <= width or len(line) == 1 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_words_stay_together_where_they_fit() -> None:
    assert wrap("Application Load Balancer", 120, 11) == ["Application Load", "Balancer"]
