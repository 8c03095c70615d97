"""The outside of CloudFormation types as data: names, and what ``Ref`` and ``Fn::GetAtt`` give.

A `Shape` is one type's. Its strings are patterns over the names of `name_fields`; one that begins with ``=`` is the
value of that property, and a pattern in a list makes a list. Random parts of AWS's names follow from the stack and
logical id here.

Source: the CloudFormation resource reference, "Return values" of each type, and the service authorization reference
for ARNs.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.assembly.arns import partition_of
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Json, Stack

Status = Literal["twinned", "modelled", "not supported", "not readable", "left out"]
Pattern = str | list[str]


@dataclass(frozen=True, slots=True)
class Shape:
    """The outside of a type, and how the runner treats it.

    `attributes` None means that not all attributes are known: any attribute has a value, a name that does not resolve.
    """

    status: Status
    note: str
    name: str = "{stack}-{logical_id}-{suffix}"
    name_property: str | None = None
    ref: str = "{name}"
    arn: str = ""
    attributes: Mapping[str, Pattern] | None = field(default_factory=dict)


def describe_shape(
    shape: Shape, resolved: Resolved, stack: Stack, more: Mapping[str, str] | None = None
) -> Description:
    """The description of a resource whose type has this shape; its patterns may use the fields of `more` as well."""
    fields = {**name_fields(resolved, stack), **(more or {})}
    given = resolved.properties.get(shape.name_property or "")
    fields["name"] = given if isinstance(given, str) and given else shape.name.format(**fields)
    fields["slashed"] = "/" + fields["name"].removeprefix("/")
    fields["arn"] = shape.arn.format(**fields)

    def fill(pattern: Pattern) -> Json:
        if isinstance(pattern, list):
            return [fill(item) for item in pattern]
        return resolved.properties.get(pattern[1:], "") if pattern.startswith("=") else pattern.format(**fields)

    return Description(
        ref=fill(shape.ref),
        physical_name=fields["name"],
        arn=fields["arn"],
        attributes={name: fill(pattern) for name, pattern in (shape.attributes or {}).items()},
        missing=None if shape.attributes is not None else lambda attribute: placeholder_attribute(fields, attribute),
    )


def placeholder_attribute(fields: Mapping[str, str], attribute: str) -> str:
    """Stands for an attribute of something that does not run here. ``.invalid`` never resolves (RFC 2606)."""
    if attribute.lower().endswith("arn"):
        return f"arn:{fields['partition']}:{fields['service']}:{fields['region']}:{fields['account']}:{fields['name']}"
    return f"{attribute.lower().replace('.', '-')}.{fields['logical_id'].lower()}.invalid"


def name_fields(resolved: Resolved, stack: Stack) -> dict[str, str]:
    """The fields that the patterns of a shape may use."""
    resource = resolved.resource
    digest = hashlib.sha256(resource.key.encode()).digest()
    return {
        "stack": stack.name_on_aws,
        "logical_id": resource.logical_id,
        "lower": f"{stack.name_on_aws}-{resource.logical_id}".lower(),
        "suffix": base64.b32encode(digest).decode()[:12],
        "hex6": digest.hex()[:6],
        "hex12": digest.hex()[:12],
        "hex17": digest.hex()[:17],
        "uuid": str(uuid.UUID(bytes=digest[:16], version=4)),
        "region": stack.region,
        "account": stack.account,
        "partition": partition_of(stack.region),
        "service": resource.type.split("::")[1].lower() if resource.type.count("::") >= 1 else "",
        "path": resource.path,
    }


def short_region(region: str) -> str:
    """The region as ElastiCache's host names have it: us-east-1 is use1."""
    area, *words, number = region.split("-")
    points = {"north": "n", "south": "s", "east": "e", "west": "w", "central": "c"}
    letters = "".join(points.get(word, word) for word in _compass(words))
    return area + letters + number


def _compass(words: list[str]) -> list[str]:
    """``southeast`` as its two points; other words (``gov``) by their first letter."""
    points: list[str] = []
    for word in words:
        match = re.fullmatch(r"(north|south)?(east|west|central|north|south)?", word)
        points.extend([part for part in match.groups() if part] if match else [word[0]])
    return points


def generated_name(fields: Mapping[str, str], length_max: int) -> str:
    """A lower-case physical name in CloudFormation's manner, cut to the service's limit before its random end."""
    end = "-" + fields["suffix"].lower()
    return fields["lower"][: length_max - len(end)].rstrip("-") + end
