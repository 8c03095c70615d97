"""The user group of a replication group, made or given, and its AUTH token."""

from constructs import Construct

from cachetwin_cdk.access._created_group import create_user_group
from cachetwin_cdk.access.access import Access
from cachetwin_cdk.access.user_group import IUserGroup
from cachetwin_cdk.access.users import PasswordUser
from cachetwin_cdk.checks._validate import WarningId, validate_at_synth, warn
from cachetwin_cdk.compliance import Compliance
from cachetwin_cdk.engine.engine_version import EngineVersion

from . import _rules as rules


def create_group(
    scope: Construct, access: Access | None, engine_version: EngineVersion, compliance: Compliance
) -> tuple[IUserGroup | None, PasswordUser | None]:
    """The user group and the user created for it; None for what this cache does not have."""
    if access is not None and access.is_open:
        warn_unauthenticated(scope)
    if access is not None and not access.names_users:
        return None, None
    group, user = create_user_group(scope, engine_version, access, with_iam=compliance.needs_iam(engine_version))
    rules.require_users(engine_version, group)
    # Users may be added to the group later.
    validate_at_synth(scope, lambda: rules.require_users(engine_version, group))
    return group, user


def warn_unauthenticated(scope: Construct) -> None:
    """Warn of a cache that nobody has to log in to."""
    warn(
        scope,
        WarningId.UNAUTHENTICATED,
        "access=Access.unauthenticated() lets anybody who reaches the cache read, change and delete everything in it; "
        "give it users, or acknowledge this warning where its network is guard enough",
    )
