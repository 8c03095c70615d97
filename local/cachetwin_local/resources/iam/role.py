"""The role that a task or a function runs with, with every policy that the app's templates give it.

A policy reaches a role in four ways: in the role itself, by the ARN of a managed policy there, and by a policy or managed
policy that lists the role's name. A role that the app imports has the policies of the last kind only.
"""

from collections.abc import Iterator

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.errors import UserError
from cachetwin_local.identity.evaluation import not_known
from cachetwin_local.identity.policies import Policy, read_policy
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.identity import Role

from .managed_policies import managed_policy

__all__ = ["KNOWN_KEYS", "role_of"]

KNOWN_KEYS = (
    "aws:CurrentTime", "aws:EpochTime", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:SecureTransport",
    "aws:RequestedRegion", "ecs:cluster",
)  # fmt: skip
"""The condition keys whose values are known here, beside tags."""

_ATTACHED = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy")


def role_of(context: Context, arn: str, stack: str, user: str) -> Role:
    """The role of this ARN as `stack` knows it, for the resource `user`, which is named in problems."""
    resolved = context.find("AWS::IAM::Role", arn, stack)
    name = arn.rpartition("/")[2]
    policies = [*_own(context, resolved, user), *_attached(context, name, user)] if resolved else []
    if resolved is None:
        policies = list(_attached(context, name, user))
        context.problem(
            "warning", user, f"role {name} is not of this app: only the policies that the app gives it count here"
        )
    for unknown in not_known(policies, KNOWN_KEYS):
        context.problem(
            "warning", user, f"role {name}: a condition is not known here; an Allow holds, a Deny does not: {unknown}"
        )
    if resolved is None:
        return Role(arn, tuple(policies))
    tags = tuple((tag.string("Key"), tag.string("Value", "")) for tag in Properties.of(resolved).objects("Tags"))
    return Role(arn, tuple(policies), _boundary(context, resolved, user), tags)


def _own(context: Context, role: Resolved, user: str) -> Iterator[Policy]:
    properties = Properties.of(role)
    for inline in properties.objects("Policies"):
        yield from _read(context, user, inline)
    for arn in properties.strings("ManagedPolicyArns"):
        yield from _managed(context, role, arn, user)


def _attached(context: Context, role_name: str, user: str) -> Iterator[Policy]:
    for policy in context.graph.readable(*_ATTACHED):
        properties = Properties.of(policy)
        names = properties.strings("Roles") if "Roles" in properties else (properties.optional("RoleName"),)
        if role_name in names:
            yield from _read(context, user, properties)


def _boundary(context: Context, role: Resolved, user: str) -> Policy | None:
    arn = Properties.of(role).optional("PermissionsBoundary")
    return None if arn is None else next(_managed(context, role, arn, user), None)


def _managed(context: Context, role: Resolved, arn: str, user: str) -> Iterator[Policy]:
    """The managed policy of this ARN: one of the app or one of AWS."""
    own = context.find("AWS::IAM::ManagedPolicy", arn, role.resource.stack)
    if own is not None:
        yield from _read(context, user, Properties.of(own))
    elif (known := managed_policy(arn)) is not None:
        yield known
    else:
        context.problem(
            "warning", user, f"managed policy {arn.rpartition('/')[2]} is not known here: it counts for nothing"
        )


def _read(context: Context, user: str, properties: Properties) -> Iterator[Policy]:
    name = properties.optional("PolicyName") or properties.optional("ManagedPolicyName") or properties.where.logical_id
    try:
        yield read_policy(name, properties.object("PolicyDocument").values)
    except UserError as error:
        context.problem("warning", user, f"{error}: the policy counts for nothing here")
