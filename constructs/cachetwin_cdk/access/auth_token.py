"""AUTH tokens: the one password of a cache without users."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cachetwin_cdk.checks._findings import AWS_KEY_FOR_SECRETS, excuse
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import require_between

from ._generated_secret import LENGTH, NOT_IN_TOKENS, require_usable

_FIELD = "token"


@checked_arguments
@dataclass(frozen=True)
class AuthToken:
    """An AUTH token stored in Secrets Manager. It cannot be given as text, which would be readable in the template.

    Prefer users: they have names, rights, and can be changed one by one. A token is for clients that know nothing else
    and for Redis before version 6.
    """

    secret: secretsmanager.ISecret
    json_field: str | None = _FIELD
    """The JSON field that contains the token, or None when the whole secret is the token."""

    @classmethod
    def generate(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        length: int = 64,
        encryption_key: kms.IKey | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
    ) -> "AuthToken":
        """A new secret with the JSON field ``token``: letters and digits, ``length`` of them."""
        require_between("length", length, *LENGTH, unit="characters")
        secret = secretsmanager.Secret(
            scope,
            construct_id,
            description=f"AUTH token of a cache in {scope.node.path}",
            encryption_key=encryption_key,
            removal_policy=removal_policy,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106  (an empty object, which the token is put into)
                generate_string_key=_FIELD,
                password_length=length,
                exclude_punctuation=True,
            ),
        )
        if encryption_key is None:
            excuse(secret, "AWS::SecretsManager::Secret", AWS_KEY_FOR_SECRETS)
        cdk.Validations.of(secret).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="The cache takes its token from this secret when the stack is deployed; AuthTokenRotation changes "
                "both, which no schedule on the secret alone does.",
            )
        )
        return cls(secret)

    @classmethod
    def from_secret(cls, secret: secretsmanager.ISecret, *, json_field: str | None = None) -> "AuthToken":
        """An existing secret: the whole text is the token, or the text of ``json_field`` is.

        The token must hold 16 to 128 printable characters, and of the punctuation only ``! & # $ ^ < > -``.
        """
        require_usable(secret, json_field, NOT_IN_TOKENS)
        return cls(secret, json_field)

    def render(self) -> str:
        """The dynamic reference that the template contains in place of the token."""
        value = (
            self.secret.secret_value if self.json_field is None else self.secret.secret_value_from_json(self.json_field)
        )
        return value.unsafe_unwrap()
