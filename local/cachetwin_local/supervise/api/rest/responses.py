"""What mapped answers and gateway responses have in common: the template that is chosen, and header fields. Pure."""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["chosen_media_type", "sendable"]

_FIELD_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def chosen_media_type(templates: Mapping[str, str], accept: str | None) -> str | None:
    """The media type whose template a client gets: the first that it accepts, or else the first; None without any."""
    asked = [one.partition(";")[0].strip() for one in (accept or "").split(",")]
    return next((one for one in asked if one in templates), next(iter(templates), None))


def sendable(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Header fields without line ends in their values, and without those whose names are none."""
    return tuple(
        (name, re.sub(r"[\r\n]", " ", value)) for name, value in headers.items() if _FIELD_NAME.fullmatch(name)
    )
