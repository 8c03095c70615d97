"""Roles as values: what the policies of the app's templates allow a service or function that has one."""

from dataclasses import dataclass

from cachetwin_local.identity.policies import Policy


@dataclass(frozen=True, slots=True)
class Role:
    """A role that something here runs with, by its ARN.

    `policies` are its own, the managed ones that it names and those of the app that name it. `boundary` is its
    permissions boundary.
    """

    arn: str
    policies: tuple[Policy, ...]
    boundary: Policy | None = None
    tags: tuple[tuple[str, str], ...] = ()
