"""Parts of ARNs that follow from a stack."""

import hashlib
import uuid

from .template import Stack


def partition_of(region: str) -> str:
    """The partition a region is in."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rpartition("-")[0].rpartition("-")[0], "aws")


def stack_id(stack: Stack) -> str:
    """A stack's ARN; its UUID follows from its name."""
    unique = uuid.UUID(bytes=hashlib.sha256(stack.name.encode()).digest()[:16], version=4)
    service = f"arn:{partition_of(stack.region)}:cloudformation:{stack.region}:{stack.account}"
    return f"{service}:stack/{stack.name_on_aws}/{unique}"
