"""Numbers as the text of environment variables: a number may be a token, whose digits mean nothing."""

import aws_cdk as cdk

from cachetwin_cdk.checks._validate import known


def number_text(number: float) -> str:
    """The digits of a number, or the reference that a token stands for."""
    return cdk.Tokenization.stringify_number(number)


def seconds_text(duration: cdk.Duration) -> str:
    """Whole seconds."""
    seconds = duration.to_seconds(integral=False)
    return number_text(int(seconds) if known(seconds) else seconds)
