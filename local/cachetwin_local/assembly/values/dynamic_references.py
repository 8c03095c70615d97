"""Dynamic references, ``{{resolve:service:...}}``, in strings whose intrinsic functions are resolved.

Secrets Manager's are kept as `SecretRef`; SSM's are answered by the app's own ``AWS::SSM::Parameter`` resources.
The form is ``{{resolve:secretsmanager:secret-id:SecretString:json-key:version-stage:version-id}}``, everything after
the id optional, the id a name or an ARN (which itself holds six colons).
"""

import re
from collections.abc import Callable

from cachetwin_local.assembly.where import Where

from .text import SecretRef, Text

REFERENCE = re.compile(r"\{\{resolve:([a-z-]+):(.*?)\}\}")
ARN = re.compile(r"(arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]+)(?::(.*))?$", re.DOTALL)

SsmLookup = Callable[[str, Where], str]


def parse_text(text: str, where: Where, ssm: SsmLookup) -> Text:
    """`text` with its dynamic references to secrets as `SecretRef` and those to parameters as their values."""
    parts: list[str | SecretRef] = []
    end = 0
    for match in REFERENCE.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        service, rest = match.groups()
        if service == "secretsmanager":
            parts.append(_secret(rest, where))
        elif service == "ssm":
            parts.append(ssm(rest, where))
        else:
            raise where.error(
                f"dynamic reference {match.group()} must name secretsmanager or ssm, got {service}; "
                "put the value in a secret of this app"
            )
    if end == 0:
        return text
    parts.append(text[end:])
    return join(parts)


def join(parts: list[str | SecretRef]) -> Text:
    """The concatenation: a plain string where no secret is in it, neighbouring strings merged where one is."""
    merged: list[str | SecretRef] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    if any(isinstance(part, SecretRef) for part in merged):
        return tuple(merged)
    return "".join(part for part in merged if isinstance(part, str))


def parse_value_from(value: str, where: Where) -> SecretRef:
    """A task definition's ``ValueFrom``: the ARN (or name) of a secret, then ``:json-key:version-stage:version-id``."""
    secret_id, rest = _secret_id(value)
    key, stage, version = _fields(rest, 3)
    if version:
        raise where.error(f"a secret's version id is not supported here, only its stage is, got {version}")
    return SecretRef(secret_id, key or None, stage or "AWSCURRENT")


def _secret(rest: str, where: Where) -> SecretRef:
    secret_id, tail = _secret_id(rest)
    kind, key, stage, version = _fields(tail, 4)
    if kind not in {"", "SecretString"}:
        raise where.error(
            "a dynamic reference to a secret must have the form "
            f"{{{{resolve:secretsmanager:id:SecretString:json-key:version-stage:version-id}}}}, got {rest}"
        )
    if version:
        raise where.error(f"a secret's version id is not supported here, only its stage is, got {version}")
    if not secret_id:
        raise where.error("a dynamic reference to a secret must name one, got none")
    return SecretRef(secret_id, key or None, stage or "AWSCURRENT")


def _secret_id(text: str) -> tuple[str, str]:
    """The id of a secret, ARN or name, and what follows it."""
    arn = ARN.match(text)
    if arn:
        return arn[1], arn[2] or ""
    name, _, rest = text.partition(":")
    return name, rest


def _fields(text: str, count: int) -> list[str]:
    """The first `count` fields between colons, empty where there are fewer."""
    fields = text.split(":")
    return [*fields, *[""] * count][:count]
