"""The environment variables of a pattern's process: its own and the user's, and numbers as their text.

A number may be a token, whose digits mean nothing.
"""

from collections.abc import Collection, Mapping

import aws_cdk as cdk

from cachetwin_cdk.checks._validate import known, refuse


def number_text(number: float) -> str:
    """The digits of a number, or the reference that a token stands for."""
    return cdk.Tokenization.stringify_number(number)


def seconds_text(duration: cdk.Duration) -> str:
    """Whole seconds."""
    seconds = duration.to_seconds(integral=False)
    return number_text(int(seconds) if known(seconds) else seconds)


def merged(own: Mapping[str, str], given: Mapping[str, str], secret: Collection[str]) -> dict[str, str]:
    """Both sets of variables. Raises ValidationError for a given one that the pattern sets itself, `secret` ones too."""
    for name in given:
        if name in own or name in secret:
            refuse("environment", "not set what the pattern sets", name, "leave it out")
    return {**own, **given}
