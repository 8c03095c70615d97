"""Node types, and the properties that follow from their names."""

import re
from dataclasses import dataclass
from typing import ClassVar

from constructs import IConstruct

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import WarningId, known, require_match, warn

from ._offers import is_newer_node_type, require_node_type

# Families that the service's documentation lists as previous generation.
_PREVIOUS_GENERATION = frozenset({"t1", "t2", "m1", "m2", "m3", "c1", "r3"})
# vCPUs by size, the same in every current family; from large on a size doubles the one below. Compared with what EC2's
# DescribeInstanceTypes says of the 144 types of these families; those that differ are all of a previous generation.
_VCPUS = {"micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4}
_VCPUS_PREVIOUS = {
    "t1.micro": 1, "t2.micro": 1, "t2.small": 1, "m3.medium": 1, "m1.small": 1, "m1.medium": 1, "m2.xlarge": 2,
    "m2.2xlarge": 4, "m2.4xlarge": 8, "c1.xlarge": 8,
}  # fmt: skip
# Not on AWS's Nitro system, which IPv6 needs.
_WITHOUT_NITRO = frozenset({"t1", "t2", "m1", "m2", "m3", "m4", "c1", "r3", "r4"})


@checked_arguments
@dataclass(frozen=True)
class NodeType:
    """The instance type of a node, such as ``cache.m7g.large``."""

    name: str

    T3_MICRO: ClassVar["NodeType"]
    T3_SMALL: ClassVar["NodeType"]
    T3_MEDIUM: ClassVar["NodeType"]
    T4G_MICRO: ClassVar["NodeType"]
    T4G_SMALL: ClassVar["NodeType"]
    T4G_MEDIUM: ClassVar["NodeType"]
    M5_LARGE: ClassVar["NodeType"]
    M6G_LARGE: ClassVar["NodeType"]
    M7G_LARGE: ClassVar["NodeType"]
    M7G_XLARGE: ClassVar["NodeType"]
    M7G_2XLARGE: ClassVar["NodeType"]
    M8G_LARGE: ClassVar["NodeType"]
    R5_LARGE: ClassVar["NodeType"]
    R6G_LARGE: ClassVar["NodeType"]
    R6GD_XLARGE: ClassVar["NodeType"]
    R7G_LARGE: ClassVar["NodeType"]
    R7G_XLARGE: ClassVar["NodeType"]
    R7G_2XLARGE: ClassVar["NodeType"]
    R8G_LARGE: ClassVar["NodeType"]
    C7GN_LARGE: ClassVar["NodeType"]

    @classmethod
    def of(cls, name: str) -> "NodeType":
        """Any node type by its name, such as ``NodeType.of("cache.r8g.4xlarge")``.

        Raises ValidationError when the name is not written ``cache.<family>.<size>``.
        """
        return cls(name)

    def __post_init__(self) -> None:
        """Raise ValidationError when the name is not written ``cache.<family>.<size>``."""
        require_match(
            "node_type",
            self.name,
            r"cache\.[a-z][a-z0-9]*\.[a-z0-9]+",
            "be written cache.<family>.<size>",
            remedy="use a constant such as NodeType.M7G_LARGE or a name such as cache.r8g.4xlarge",
        )
        if known(self.name):
            require_node_type(self.name, self.family, self.size)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether this is not among the node types that this library knows."""
        return known(self.name) and is_newer_node_type(self.family, self.size)

    @property
    def family(self) -> str:
        """The family, such as ``m7g``; empty when the name is a token."""
        return self.name.split(".")[1] if self.name and known(self.name) else ""

    @property
    def size(self) -> str:
        """The size, such as ``2xlarge``; empty when the name is a token."""
        return self.name.split(".")[2] if self.name and known(self.name) else ""

    @property
    def is_graviton(self) -> bool:
        """Whether the node runs on AWS's own Arm processors."""
        return re.fullmatch(r"[a-z]+\d+g[a-z]*", self.family) is not None

    @property
    def has_ssd(self) -> bool:
        """Whether the node has a local SSD, which it then uses for data tiering."""
        return re.fullmatch(r"r\d+gd", self.family) is not None

    @property
    def is_previous_generation(self) -> bool:
        """Whether the service lists this family as previous generation."""
        return self.family in _PREVIOUS_GENERATION

    @property
    def has_nitro(self) -> bool:
        """Whether the node is built on AWS's Nitro system, as current ones are; a token counts as current."""
        return self.family not in _WITHOUT_NITRO

    @property
    def vcpus(self) -> int | None:
        """The number of virtual processors, or None where it does not follow from the name."""
        previous = _VCPUS_PREVIOUS.get(f"{self.family}.{self.size}")
        if previous is not None:
            return previous
        multiple = re.fullmatch(r"(\d+)xlarge", self.size)
        return 4 * int(multiple[1]) if multiple else _VCPUS.get(self.size)

    def __str__(self) -> str:
        return self.name


def warn_previous_generation(scope: IConstruct, node_type: NodeType) -> None:
    """Warn of nodes that AWS may no longer create."""
    warn(
        scope,
        WarningId.PREVIOUS_GENERATION_NODE,
        f"node_type {node_type} is of a previous generation, which AWS may no longer create; choose a current one such as "
        "NodeType.T4G_SMALL",
    )


for _constant in [name for name in NodeType.__annotations__ if name.isupper()]:
    setattr(NodeType, _constant, NodeType.of(f"cache.{_constant.lower().replace('_', '.')}"))
