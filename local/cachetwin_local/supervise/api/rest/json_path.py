"""The part of JSONPath that mapping templates use: names, indexes and ``*``, as in ``$.items[0]['a b']``. Pure."""

import re
from typing import Any, Final

__all__ = ["find"]

_STEP: Final = re.compile(r"\.?\*|\.([^.\[\]]+)|\[\s*(?:'([^']*)'|\"([^\"]*)\"|(-?\d+)|(\*))\s*\]")


def find(path: str, document: Any) -> Any:  # noqa: ANN401  (JSON)
    """What a path finds, None for nothing; a list where it has a ``*``. Raises ValueError for what is no such path."""
    text = path.strip()
    if not text.startswith("$"):
        text = f"$.{text}"
    position, found, several = 1, [document], False
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"a path must have names and indexes, such as $.items[0].name, got {path}")
        name = next((one for one in match.groups()[:3] if one is not None), None)
        if name is not None:
            found = [one[name] for one in found if isinstance(one, dict) and name in one]
        elif match[4] is not None:
            index = int(match[4])
            found = [one[index] for one in found if isinstance(one, list) and -len(one) <= index < len(one)]
        else:
            several = True
            found = [inner for one in found for inner in _inner(one)]
        position = match.end()
    if several:
        return found
    return found[0] if found else None


def _inner(value: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    if isinstance(value, list):
        return value
    return list(value.values()) if isinstance(value, dict) else []
