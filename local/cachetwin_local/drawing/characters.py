"""Text of templates, in characters that a picture may hold."""

import re
from typing import Final

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """The text with U+FFFD for each character that XML 1.0 forbids: control characters and halves of surrogate pairs."""
    return _NOT_IN_XML.sub("\ufffd", text)
