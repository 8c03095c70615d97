"""Secrets that this app has Secrets Manager generate: whether the service takes what comes out as a password or token.

The API reference of CreateUser and CreateReplicationGroup: 16 to 128 printable characters, with less punctuation than
Secrets Manager uses unless told otherwise.
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from cachetwin_cdk.checks._validate import known, refuse, require_between

LENGTH = (16, 128)
NOT_IN_PASSWORDS = ',"/@ '
NOT_IN_TOKENS = "\"%'()*+,./:;=?@[\\]_`{|}~ "
_LENGTH_BY_DEFAULT = 32


def require_usable(secret: secretsmanager.ISecret, field: str | None, forbidden: str) -> None:
    """Raise ValidationError unless ``field`` of a secret that is generated here suits; None means the whole secret.

    Secrets that were imported, or have a value already, pass.
    """
    settings = _settings(secret)
    if settings is None:
        return
    generated = settings.get("generateStringKey")
    is_in_template = field is not None and f'"{field}"' in str(settings.get("secretStringTemplate", ""))
    if known(generated or "") and generated != field and not is_in_template:
        wanted = f"generate the JSON field {field}" if field is not None else "be generated as one text"
        refuse("secret", wanted, generated or "one text", f"set generate_string_key={field!r}")
    if is_in_template:
        return
    require_between("password_length", settings.get("passwordLength", _LENGTH_BY_DEFAULT), *LENGTH, unit="characters")
    excluded = str(settings.get("excludeCharacters", ""))
    if settings.get("excludePunctuation") is True or not known(excluded):
        forbidden = " "
    possible = [
        one for one in forbidden if one not in excluded and (one != " " or settings.get("includeSpace") is True)
    ]
    if possible:
        refuse(
            "secret",
            "be generated without characters that ElastiCache refuses",
            "".join(possible),
            "set exclude_punctuation=True",
        )


def _settings(secret: secretsmanager.ISecret) -> dict[str, Any] | None:
    """How the secret is generated, where this app defines that."""
    if not isinstance(secret, secretsmanager.Secret):
        return None
    resource = secret.node.default_child
    if not isinstance(resource, secretsmanager.CfnSecret):
        return None
    found = cdk.Stack.of(secret).resolve(resource.generate_secret_string)
    return found if isinstance(found, dict) else None
