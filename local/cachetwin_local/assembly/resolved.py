"""What a graph of resources gives and takes: resolved resources, outputs, descriptions, and values from outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .template import Json, Resource
from .values.text import Text
from .where import Step


@dataclass(frozen=True, slots=True)
class Reference:
    """A property's use of another resource; `attribute` is ``Ref`` or the name given to ``Fn::GetAtt``."""

    path: tuple[Step, ...]
    target: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A resource with its properties resolved: plain JSON, but strings that hold secrets are `Text` tuples."""

    resource: Resource
    properties: Mapping[str, Json]
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class ResolvedOutput:
    """An output of a stack with its value and what it was made from."""

    value: Text
    description: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """The outside of a resource: what ``Ref`` gives, its physical name, its ARN and what ``Fn::GetAtt`` gives.

    `missing` makes a value for attributes not listed; without it they are an error.
    """

    ref: Json
    physical_name: str
    arn: str
    attributes: Mapping[str, Json]
    missing: Callable[[str], Json] | None = None


@dataclass(frozen=True, slots=True)
class GivenValues:
    """Values from outside the templates: parameters (``name`` or ``stack:name``), exports, SSM parameters, secrets.

    `database_servers` are those that this machine has: ``postgres``, ``mysql`` (which stands for MariaDB too).
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)
    ssm: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    database_servers: frozenset[str] = frozenset({"postgres"})
