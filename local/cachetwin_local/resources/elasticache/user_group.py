"""AWS::ElastiCache::UserGroup: the users of a cache.

A Redis OSS group must hold a user whose name is ``default``; a Valkey group need not, and then the default user is off
(user guide, "Role-Based Access Control").
"""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import CacheUser

from .user import cache_user

DEFAULT_OFF = CacheUser("default", "default", "off -@all", "password")
DEFAULT_OPEN = CacheUser("default", "default", "on ~* +@all", "no-password-required")
"""The user with the id ``default`` that every account has: it opens everything without a password."""


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """The service lower-cases group ids."""
    fields = name_fields(resolved, stack)
    name = Properties.of(resolved).string("UserGroupId").lower()
    arn = f"arn:{fields['partition']}:elasticache:{stack.region}:{stack.account}:usergroup:{name}"
    return Description(name, name, arn, {"Arn": arn, "Status": "active"})


def translate(context: Context, resolved: Resolved) -> Translation:
    """A group is part of the caches that name it."""
    members, key = users(context, resolved), resolved.resource.key
    names = [user.user_name for user in members]
    if "default" not in names:
        context.problem("error", key, "UserIds must hold a user with the name default in a group for redis, got none")
    if len(set(names)) < len(names):
        context.problem("error", key, f"UserIds must hold each user name once, got {', '.join(sorted(names))}")
    return Translation((), f"{', '.join(names)}: users of the caches that name it")


def users(context: Context, resolved: Resolved) -> list[CacheUser]:
    """The users of a group as the engine gets them, the default user that a Valkey group turns off included."""
    properties = Properties.of(resolved)
    members = []
    for index, user_id in enumerate(properties.strings("UserIds")):
        user = context.find("AWS::ElastiCache::User", user_id.lower(), resolved.resource.stack)
        if user is None and user_id != "default":
            raise properties.where.child("UserIds", index).error(
                f"must name users that a stack of this app defines, or default, got {user_id}"
            )
        members.append(cache_user(user) if user else DEFAULT_OPEN)
    is_valkey = properties.string("Engine").lower() == "valkey"
    if is_valkey and all(user.user_name != "default" for user in members):
        members.append(DEFAULT_OFF)
    return members
