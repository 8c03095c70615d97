"""Strings of a plan: a known string is a `str`, a secret stays a reference.

A plan never carries a generated secret. Where a template writes ``{{resolve:secretsmanager:...}}`` or a task
definition names a secret, the plan holds a `SecretRef` in the place of the value, and `supervise` puts the value in
when it starts the child.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A value that lives in a secret: the whole string, or one key of the JSON object it holds.

    `json_key` is None for the whole string. `version_stage` is Secrets Manager's label (``AWSCURRENT`` unless the
    template says otherwise).
    """

    secret_arn: str
    json_key: str | None = None
    version_stage: str = "AWSCURRENT"

    def __str__(self) -> str:
        """The dynamic reference that stands for the value; safe to print."""
        stage = "" if self.version_stage == "AWSCURRENT" else f":{self.version_stage}"
        return f"{{{{resolve:secretsmanager:{self.secret_arn}:SecretString:{self.json_key or ''}{stage}}}}}"


Text = str | tuple[str | SecretRef, ...]
"""A resolved string. A tuple is the concatenation of its parts and holds at least one `SecretRef`."""


def show(text: Text) -> str:
    """The text for people and for JSON: secrets appear as the references they are."""
    return text if isinstance(text, str) else "".join(str(part) for part in text)


def secrets_in(text: Text) -> tuple[SecretRef, ...]:
    """The references to secrets that `text` holds, in order."""
    return () if isinstance(text, str) else tuple(part for part in text if isinstance(part, SecretRef))
