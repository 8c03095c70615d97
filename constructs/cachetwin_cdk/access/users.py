"""Users of a cache: names, authentication and permissions."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.checks._claims import claim_name
from cachetwin_cdk.checks._findings import AWS_KEY_FOR_SECRETS, excuse
from cachetwin_cdk.checks._names import generated_id, require_existing_id, require_id
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import (
    ValidationError,
    WarningId,
    known,
    refuse,
    require_between,
    require_match,
    warn,
)
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.monitoring._events import ApiEvents

from ._generated_secret import NOT_IN_PASSWORDS, require_usable
from ._permissions import Permissions
from .access_string import AccessString

_PASSWORD_LENGTH = 32  # within the service's 16 to 128; 62 letters and digits give 190 bits
_PASSWORDS_MAX = 2
_USER_NAME_LENGTH_MAX = 120


@jsii.implements(refs.IUserRef)
class UserBase(ApiEvents, Permissions, cdk.Resource):
    """A user of a cache, defined in this app or imported."""

    user_id: str
    user_name: str
    engine: Engine

    @property
    def user_arn(self) -> str:
        """The ARN that IAM policies name."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="user",
            resource_name=self.user_id,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "userId", self.user_id

    @property
    def _arn(self) -> str:
        return self.user_arn

    @property
    def user_ref(self) -> refs.UserReference:
        """The reference that constructs of aws-cdk-lib accept for a user."""
        return refs.UserReference(user_arn=self.user_arn, user_name=self.user_name)

    @property
    def connects_with_iam(self) -> bool:
        """Whether this user logs in with a token that IAM grants."""
        return False

    @property
    def needs_no_password(self) -> bool:
        """Whether anybody who knows the name can log in."""
        return False

    def grant_connect(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let ``grantee`` log in as this user, once it may also connect to the cache.

        ``ReplicationGroup.grant_connect`` grants both at once.
        """
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["elasticache:Connect"], resource_arns=[self.user_arn]
        )


IUser = UserBase
"""The type of a user in signatures, defined in this app or imported."""


class _ImportedUser(UserBase):
    def __init__(
        self, scope: Construct, construct_id: str, *, user_id: str, user_name: str, engine: Engine, iam_user: bool
    ) -> None:
        require_existing_id("user_id", user_id)
        _require_engine(engine)
        super().__init__(scope, construct_id)
        self.user_id, self.user_name, self.engine = user_id.lower() if known(user_id) else user_id, user_name, engine
        self._iam_user = iam_user

    @property
    def connects_with_iam(self) -> bool:
        return self._iam_user


class User(UserBase):
    """The base of IamUser, PasswordUser and NoPasswordUser.

    Defines one AWS::ElastiCache::User.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access_string: AccessString,
        user_id: str | None,
        user_name: str | None,
        engine: Engine,
        authentication_mode: dict[str, Any] | None,
    ) -> None:
        require_id("user_id", user_id)
        if user_id is not None and known(user_id) and user_id.lower() == "default":
            refuse(
                "user_id",
                "not be default, which is ElastiCache's own user",
                user_id,
                "choose another id; user_name='default' makes it the default user of its group",
            )
        require_match(
            "user_name",
            user_name,
            rf"\S{{1,{_USER_NAME_LENGTH_MAX}}}",
            f"hold 1 to {_USER_NAME_LENGTH_MAX} characters and no space",
            remedy="choose such a name",
        )
        _require_engine(engine)
        super().__init__(scope, construct_id)
        claim_name("user_id", self, "user", user_id)
        given_id = user_id or generated_id(self, user_name)
        self.user_name = user_name or given_id
        self.engine = engine
        self.access_string = access_string
        if not access_string.says_on_or_off:
            warn(
                self,
                WarningId.USER_OFF,
                "access_string says neither 'on' nor 'off', so ElastiCache turns the user off; start it with on",
            )
        if access_string.restricted_subcommands:
            warn(
                self,
                WarningId.RESTRICTED_SUBCOMMAND,
                f"access_string allows {', '.join(access_string.restricted_subcommands)}, which ElastiCache keeps to "
                "itself and may refuse; leave it out",
            )
        resource = elasticache.CfnUser(
            self,
            "Resource",
            engine=engine.value,
            user_id=given_id.lower() if known(given_id) else given_id,
            user_name=self.user_name,
            access_string=str(access_string),
            authentication_mode=authentication_mode,
        )
        self.user_id = resource.ref

    @staticmethod
    def from_user_attributes(
        scope: Construct,
        construct_id: str,
        *,
        user_id: str,
        user_name: str | None = None,
        engine: Engine = Engine.VALKEY,
        iam_authentication: bool = False,
    ) -> IUser:
        """A user that exists already, imported. Its ``user_name`` is taken to be its id unless given."""
        return _ImportedUser(
            scope,
            construct_id,
            user_id=user_id,
            user_name=_imported_name(user_id, user_name, iam=iam_authentication),
            engine=engine,
            iam_user=iam_authentication,
        )


def _require_engine(engine: Engine) -> None:
    if engine is Engine.MEMCACHED:
        refuse("engine", "be valkey or redis", engine, "Memcached has no users; guard it by security groups")


def _imported_name(user_id: str, user_name: str | None, *, iam: bool) -> str:
    """The name given, or else the id; with IAM authentication it is the id as the service stores it."""
    name = user_name or user_id
    return name.lower() if iam and known(name) else name


@checked_arguments
class IamUser(User):
    """A user that logs in with a token that IAM signs and that is valid for 15 minutes, so that no password is stored.

    Defines one AWS::ElastiCache::User, whose name is its id, as IAM authentication requires. Needs TLS and Valkey
    7.2 or Redis 7.0.

    Args:
        access_string: What the user may do.
        user_id: The id and name, in lower case. By default it is derived from the path of the construct. Changing
            it replaces the user.
        engine: The engine of the user groups that the user can be in: Valkey groups accept users of both engines,
            Redis groups only those of Redis. Valkey by default.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access_string: AccessString,
        user_id: str | None = None,
        engine: Engine = Engine.VALKEY,
    ) -> None:
        if user_id is not None and known(user_id) and user_id != user_id.lower():
            # The service stores the id in lower case and demands that the name be the same.
            refuse("user_id", "be lower case for IAM authentication", user_id, f"write {user_id.lower()!r}")
        super().__init__(
            scope,
            construct_id,
            access_string=access_string,
            user_id=user_id,
            user_name=None,
            engine=engine,
            authentication_mode={"Type": "iam"},
        )

    @property
    def connects_with_iam(self) -> bool:
        """True: this user logs in with a token that IAM grants."""
        return True


@checked_arguments
class PasswordUser(User):
    """A user that logs in with a password from Secrets Manager.

    Defines one AWS::ElastiCache::User and, unless ``secrets`` are given, one secret with the JSON fields
    ``username`` and ``password`` (32 letters and digits).

    Args:
        access_string: What the user may do.
        user_id: The id, which ElastiCache stores in lower case. By default it is derived from the path of the
            construct. Changing it replaces the user.
        user_name: The name to log in with. By default the id. Changing it replaces the user.
        engine: The engine of the user groups that the user can be in: Valkey groups accept users of both engines,
            Redis groups only those of Redis. Valkey by default.
        secrets: One or two existing secrets with the JSON field ``password``; with two, both passwords are valid.
            By default one secret is created.
        secret_encryption_key: The KMS key of the secret created here. By default the key of AWS for Secrets
            Manager.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access_string: AccessString,
        user_id: str | None = None,
        user_name: str | None = None,
        engine: Engine = Engine.VALKEY,
        secrets: Sequence[secretsmanager.ISecret] | None = None,
        secret_encryption_key: kms.IKey | None = None,
    ) -> None:
        if secrets is not None:
            require_between(
                "secrets", len(secrets), 1, _PASSWORDS_MAX, remedy="give one or two, or none to have one generated"
            )
            if len({secret.secret_arn for secret in secrets}) < len(secrets):
                refuse("secrets", "be two different ones", "one twice", "give one, or another for the second password")
            if secret_encryption_key is not None:
                raise ValidationError(
                    "secret_encryption_key must be left out when secrets are given, got both; encrypt the given "
                    "secrets where they are made"
                )
            for secret in secrets:
                require_usable(secret, "password", NOT_IN_PASSWORDS)
        super().__init__(
            scope,
            construct_id,
            access_string=access_string,
            user_id=user_id,
            user_name=user_name,
            engine=engine,
            authentication_mode=None,
        )
        chosen = list(secrets) if secrets is not None else [self._generated_secret(secret_encryption_key)]
        passwords = [secret.secret_value_from_json("password").unsafe_unwrap() for secret in chosen]
        self._resource.authentication_mode = {"Type": "password", "Passwords": passwords}
        self.secret = chosen[0]
        """The secret with the password; the first one where two are given."""
        self.secrets: Sequence[secretsmanager.ISecret] = tuple(chosen)
        self._rotated_by: str | None = None

    @property
    def _resource(self) -> elasticache.CfnUser:
        resource = self.node.default_child
        assert isinstance(resource, elasticache.CfnUser)  # noqa: S101  (made by the base class under this id)
        return resource

    def _generated_secret(self, encryption_key: kms.IKey | None) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "Secret",
            description=f"Password of the cache user {self.user_name}",
            encryption_key=encryption_key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=cdk.Stack.of(self).to_json_string({"username": self.user_name}),
                generate_string_key="password",
                password_length=_PASSWORD_LENGTH,
                exclude_punctuation=True,
            ),
        )
        if encryption_key is None:
            excuse(secret, "AWS::SecretsManager::Secret", AWS_KEY_FOR_SECRETS)
        cdk.Validations.of(secret).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="The user takes its password from this secret when the stack is deployed; a rotation has to "
                "change the user as well, which no schedule on the secret alone does.",
            )
        )
        return secret


@checked_arguments
class NoPasswordUser(User):
    """A user that logs in without a password, for Redis only: meant for a default user that is off.

    Defines one AWS::ElastiCache::User. Valkey user groups refuse such users.

    Args:
        access_string: What the user may do. By default nothing: the user is off.
        user_id: The id, which ElastiCache stores in lower case. By default it is derived from the path of the
            construct. Changing it replaces the user.
        user_name: The name to log in with, such as ``default``. By default the id. Changing it replaces the user.
        engine: The engine of the user groups that the user can be in. Redis by default.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access_string: AccessString | None = None,
        user_id: str | None = None,
        user_name: str | None = None,
        engine: Engine = Engine.REDIS,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            access_string=access_string or AccessString.off(),
            user_id=user_id,
            user_name=user_name,
            engine=engine,
            authentication_mode={"Type": "no-password-required"},
        )
        if self.access_string.is_on:
            warn(
                self,
                WarningId.NO_PASSWORD,
                f"anybody who reaches the cache can log in as {self.user_name}; give it a password or turn it off",
            )

    @property
    def needs_no_password(self) -> bool:
        """True: anybody who knows the name can log in."""
        return True
