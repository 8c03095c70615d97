"""How wide text is, and how it wraps, without a font at hand.

Widths are those of DejaVu Sans, the widest of the fonts that browsers substitute for Helvetica and Arial, in rounded
groups; so text never takes more room than is reckoned here.
"""

from typing import Final

_GROUPS: Final = (
    ("ijl.,:;'|!I ", 0.34),
    ('ftrJ()[]{}/\\-"`*', 0.46),
    ("mwMW@%&+<>=~#", 1.0),
    ("ABCDEFGHKLNOPQRSTUVXYZ", 0.76),
)
_WIDTHS: Final = {character: width for characters, width in _GROUPS for character in characters}
_OTHER: Final = 0.64
_WIDE: Final = 1.0
_BOLD: Final = 1.09


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """The greatest width that `text` takes at a font size, in pixels."""
    total = sum(_WIDTHS.get(character, _OTHER if ord(character) < 0x2000 else _WIDE) for character in text)
    return total * size * (_BOLD if bold else 1.0)


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """`text` in lines of at most `width` pixels; a word that is wider is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        for piece in _pieces(word, width, size, bold=bold):
            joined = f"{line} {piece}" if line else piece
            if line and width_of(joined, size, bold=bold) > width:
                lines.append(line)
                line = piece
            else:
                line = joined
    return [*lines, line] if line else lines


def _pieces(word: str, width: float, size: float, *, bold: bool) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and width_of(pieces[-1] + character, size, bold=bold) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces
