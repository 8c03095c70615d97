"""AWS::ElastiCache::User: a user that the caches of its groups know."""

from typing import Literal

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheUser

Authentication = Literal["password", "iam", "no-password-required"]


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """The service lower-cases user ids."""
    fields = name_fields(resolved, stack)
    name = Properties.of(resolved).string("UserId").lower()
    arn = f"arn:{fields['partition']}:elasticache:{stack.region}:{stack.account}:user:{name}"
    return Description(name, name, arn, {"Arn": arn, "Status": "active"})


def translate(context: Context, resolved: Resolved) -> Translation:
    """A user is part of the caches that its groups belong to."""
    user = cache_user(resolved)
    if user.authentication_type == "iam" and user.user_id != user.user_name.lower():
        context.problem(
            "error",
            resolved.resource.key,
            f"UserName must equal UserId for a user with IAM authentication, got {user.user_name} and {user.user_id}",
        )
    how: str = user.authentication_type
    if how == "iam":
        how = "iam: it logs in with a token that a role may sign"
    return Translation((), f"user {user.user_name} of the caches that have its user group ({how})")


def cache_user(resolved: Resolved) -> CacheUser:
    """The user as the engine gets it."""
    properties = Properties.of(resolved)
    mode = properties.object("AuthenticationMode")
    passwords = mode.texts("Passwords") or properties.texts("Passwords")
    if len(passwords) > 2:
        raise properties.where.child("Passwords").error(f"must be at most 2, got {len(passwords)}")
    return CacheUser(
        user_id=properties.string("UserId").lower(),
        user_name=properties.string("UserName"),
        access_string=properties.string("AccessString", "off -@all"),
        authentication_type=_authentication(properties, mode, has_passwords=bool(passwords)),
        passwords=passwords,
    )


def _authentication(properties: Properties, mode: Properties, *, has_passwords: bool) -> Authentication:
    if "Type" not in mode:
        if properties.boolean("NoPasswordRequired"):
            return "no-password-required"
        if has_passwords:
            return "password"
        raise properties.where.child("AuthenticationMode").error(
            "must be given, or Passwords or NoPasswordRequired, got none"
        )
    kind = mode.string("Type")
    if kind == "iam":
        return "iam"
    if kind == "no-password-required":
        return "no-password-required"
    if kind != "password":
        raise mode.where.child("Type").error(f"must be one of password, iam, no-password-required, got {kind}")
    if not has_passwords:
        raise mode.where.child("Passwords").error("must be given for a user with password authentication, got none")
    return "password"
