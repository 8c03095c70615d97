"""The services and functions of a topology as IAM sees them."""

from collections.abc import Iterable

from cachetwin_local.identity.directory import Principal

from .identity import Role
from .values import Topology

__all__ = ["api_caller", "principals_of", "principals_of_roles"]


def principals_of(topology: Topology) -> list[Principal]:
    """Everything that runs with a role, by the key of its resource, and the APIs as the roles of their integrations."""
    roles = {role.arn: role for role in topology.roles}
    users = [(service.identity.key, service.task_role) for service in topology.services]
    users += [(function.identity.key, function.role) for function in topology.functions]
    users += [(api_caller(api.identity.key, role), role) for api in topology.http_apis for role in api.aws_roles]
    return [_principal(name, roles[arn]) for name, arn in users if arn in roles]


def api_caller(key: str, role_arn: str) -> str:
    """The name of the principal that an API is when it calls AWS with a role."""
    return f"{key} as {role_arn.rpartition('/')[2]}"


def principals_of_roles(roles: Iterable[Role]) -> dict[str, Principal]:
    """Each role by its ARN, as whatever delivers an event with it."""
    return {role.arn: _principal(role.arn, role) for role in roles}


def _principal(name: str, role: Role) -> Principal:
    return Principal(name, role.arn, role.policies, role.boundary, role.tags)
