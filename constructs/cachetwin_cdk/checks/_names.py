"""Physical names for resources that need one: users, user groups, serverless caches."""

import hashlib
import json
import re

from aws_cdk import Names, Stack
from constructs import IConstruct

from ._validate import require_match

# API pattern of UserId and UserGroupId; 40 is the length other libraries found the service to accept.
ID_LENGTH_MAX = 40
SNAPSHOT_NAME_LENGTH_MAX = 255  # API reference of CreateServerlessCacheSnapshot
_DESCRIPTION_LENGTH_MAX = 255  # API reference of ModifyReplicationGroup
_DIGEST_LENGTH = 8


def generated_id(construct: IConstruct, *fixed: object) -> str:
    """A lower-case id from the construct's path, unique within an account as CDK's own names are.

    ``fixed`` are values that CloudFormation cannot change in place: with another value the resource is replaced, and the
    new one must not have the name of the old one. None stands for a default and does not count.
    """
    values = [Stack.of(construct).resolve(value) for value in fixed if value is not None]
    suffix = f"-{_digest(values)}" if values else ""
    name = Names.unique_resource_name(construct, max_length=ID_LENGTH_MAX - len(suffix), separator="-")
    return re.sub(r"-{2,}", "-", name.lower()).strip("-") + suffix


def _digest(values: list[object]) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def require_id(name: str, value: str | None, *, length_max: int = ID_LENGTH_MAX) -> None:
    """Require an id that ElastiCache accepts: a letter, then letters, digits and single hyphens."""
    require_match(
        name,
        value,
        rf"(?=.{{1,{length_max}}}$)[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*",
        f"start with a letter and hold at most {length_max} letters, digits and single hyphens between them",
        remedy="choose such an id; ElastiCache stores it in lower case",
    )


def require_existing_id(name: str, value: str) -> None:
    """Require an id that something in ElastiCache may have: no ARN, nor the name of an endpoint.

    The service's own users and groups begin with ``default.``.
    """
    require_match(
        name,
        value,
        r"(default\.)?[a-zA-Z][a-zA-Z0-9-]*",
        "be an id of letters, digits and hyphens",
        remedy="write the id as ElastiCache lists it, not the ARN or an endpoint",
    )


def require_host(name: str, value: str | None) -> None:
    """Require the name of a host, without a scheme and a port."""
    require_match(
        name,
        value,
        r"[a-zA-Z0-9_.-]+",
        "be a host name alone",
        remedy="leave out the scheme and the port",
    )


def described(given: str | None, default: str) -> str:
    """The given description, or ``default`` as far as it fits. Raises ValidationError for one that is too long."""
    require_match(
        "description",
        given,
        rf"(?s:.{{0,{_DESCRIPTION_LENGTH_MAX}}})",
        f"hold at most {_DESCRIPTION_LENGTH_MAX} characters",
        remedy="shorten it",
    )
    return given or default[:_DESCRIPTION_LENGTH_MAX]
