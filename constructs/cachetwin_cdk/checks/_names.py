"""Physical names for resources that need one: users, user groups, serverless caches."""

import re

from aws_cdk import Names
from constructs import IConstruct

from ._validate import require_match

# API pattern of UserId and UserGroupId; 40 is the length other libraries found the service to accept.
ID_LENGTH_MAX = 40


def generated_id(construct: IConstruct) -> str:
    """A lower-case id from the construct's path, unique within an account as CDK's own names are."""
    name = Names.unique_resource_name(construct, max_length=ID_LENGTH_MAX, separator="-")
    return re.sub(r"-{2,}", "-", name.lower()).strip("-")


def require_id(name: str, value: str | None, *, length_max: int = ID_LENGTH_MAX) -> None:
    """Require an id that ElastiCache accepts: a letter, then letters, digits and single hyphens."""
    require_match(
        name,
        value,
        rf"(?=.{{1,{length_max}}}$)[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*",
        f"start with a letter and hold at most {length_max} letters, digits and single hyphens between them",
        remedy="choose such an id; ElastiCache stores it in lower case",
    )
