"""Policies of resources, as far as services of AWS need them: whether SNS may send to a queue, a rule invoke a function.

Roles of the app do not need them: the policies of a role decide about what it does in its own account.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .conditions import Context
from .evaluation import decide
from .policies import Policy

__all__ = ["Grant", "may_service"]


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement of the policy of `resource` (an ARN), for `principals`: services, ARNs or ``*``."""

    resource: str
    principals: tuple[str, ...]
    policy: Policy


def may_service(grants: Iterable[Grant], service: str, action: str, resource: str, context: Context) -> bool:
    """Whether the policy of a resource lets a service such as ``events.amazonaws.com`` do `action` with it."""
    policies = [
        grant.policy
        for grant in grants
        if grant.resource == resource and ("*" in grant.principals or service in grant.principals)
    ]
    return decide(policies, action, resource, context).allowed
