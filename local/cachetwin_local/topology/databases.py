"""Databases and secrets as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.assembly.values.text import Text

from .identity import Endpoint, Identity


@dataclass(frozen=True, slots=True)
class Database:
    """An RDS instance or cluster; `engine` is the kind of server that stands for it.

    `force_ssl` is the parameter `rds.force_ssl`, or `require_secure_transport` of MySQL and MariaDB. `parameters` are
    server settings by name as the parameter group gives them, service-only names (`rds.*`) left out. `iam_authentication`
    says that IAM tokens log in. `create_only` are properties of the template that do nothing here but make CloudFormation
    replace the database when they change, as JSON.
    """

    identity: Identity
    engine: Literal["postgres", "mysql", "mariadb"]
    engine_version: str
    db_name: str | None
    username: Text
    password: Text
    endpoint: Endpoint
    force_ssl: bool
    parameters: Mapping[str, str]
    security_groups: tuple[str, ...]
    iam_authentication: bool = False
    create_only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GenerateSecretString:
    """How Secrets Manager makes a secret; fields and defaults are those of GetRandomPassword."""

    password_length: int = 32
    exclude_characters: str = ""
    exclude_numbers: bool = False
    exclude_punctuation: bool = False
    exclude_uppercase: bool = False
    exclude_lowercase: bool = False
    include_space: bool = False
    require_each_included_type: bool = True
    secret_string_template: Text | None = None
    generate_string_key: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """The keys a SecretTargetAttachment merges into its secret's JSON object: engine, host, port, and others by target."""

    target: str
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of Secrets Manager: generated here, or with the value the template gives.

    `attachments` merge in, in order.
    """

    identity: Identity
    name: str
    generate: GenerateSecretString | None
    value: Text | None
    attachments: tuple[Attachment, ...] = ()
