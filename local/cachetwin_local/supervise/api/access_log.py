"""The line of an access log: a format with ``$context`` variables, filled in. Pure."""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["access_log_line"]

_VARIABLE: Final = re.compile(r"\$context\.([A-Za-z0-9_.]*[A-Za-z0-9_])")


def access_log_line(template: str, values: Mapping[str, str]) -> str:
    """The line of one request; a variable without a value is a hyphen."""
    return _VARIABLE.sub(lambda match: values.get(match[1]) or "-", template)
