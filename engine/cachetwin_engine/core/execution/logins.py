"""The user of a client, and what a change of users means for the clients that are connected as them."""

from typing import TYPE_CHECKING

from cachetwin_engine.core.acl.access import Permission
from cachetwin_engine.core.acl.user import Selector, User
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_NO_AUTH, CLIENT_RESTRICTED
from cachetwin_engine.core.state.client import Client

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts


def log_in(client: Client, user: User, authenticated: bool = True) -> None:
    """From now on ``client`` acts as ``user``."""
    client.caller.user = user
    client.parser.authenticated = authenticated
    client.was_logged_in = client.was_logged_in or authenticated
    client.client_flags = client.client_flags & ~(CLIENT_NO_AUTH | CLIENT_RESTRICTED)
    if not authenticated:
        client.client_flags |= CLIENT_NO_AUTH
    if not user.unrestricted:
        client.client_flags |= CLIENT_RESTRICTED


def log_in_until(engine: "EngineParts", client: Client, user: User, until_ms: int) -> None:
    """Act as ``user`` up to a time at which the connection ends, unless it logs in again before; 0: without an end."""
    log_in(client, user)
    engine.clients.login_ends.pop(client.id, None)
    if until_ms:
        engine.clients.login_ends[client.id] = until_ms


def end_logins(engine: "EngineParts") -> None:
    """Disconnect the clients whose login has ended. All logins last equally long, so the oldest ends first."""
    ends = engine.clients.login_ends
    while ends:
        number = next(iter(ends))
        if ends[number] > engine.now_ms:
            return
        del ends[number]
        client = engine.clients.connected.get(number)
        if client is not None:
            client.end_reason = b"its login with an IAM token has ended"
            engine.kill(client)


def set_user_group(engine: "EngineParts", permissions: list[Permission]) -> None:
    """Make a user group the only users. Raises RuleError and changes nothing if an access string is wrong.

    Sessions of users that went are closed; the others keep their connection and have the new rights at once.
    """
    gone = engine.acl.replace_all(permissions)
    for client in list(engine.clients.connected.values()):
        user = client.caller.user
        if user in gone:
            if client.caller.user is engine.acl.default and client.client_flags & CLIENT_NO_AUTH:
                continue  # never logged in: may do so as another user
            client.closing = True
            engine.clients.mark_pending(client)
        else:
            log_in(client, user, authenticated=not client.client_flags & CLIENT_NO_AUTH)


def close_sessions_of(engine: "EngineParts", user: User) -> None:
    """``user`` was deleted: close its connections."""
    for client in engine.clients.connected.values():
        if client.caller.user is user:
            client.closing = True
            engine.clients.mark_pending(client)


def user_changed(engine: "EngineParts", user: User) -> None:
    """Sessions of ``user`` have its new rights at once."""
    for client in engine.clients.connected.values():
        if client.caller.user is user:
            log_in(client, user, authenticated=not client.client_flags & CLIENT_NO_AUTH)


def user_was_changed(engine: "EngineParts", user: User, before: User) -> None:
    """New rights hold at once; a client that listens to a channel that is no longer allowed is disconnected."""
    if _lost_channels(user, before):
        for client in list(engine.clients.connected.values()):
            if client.caller.user is user and not _may_go_on_listening(client, user):
                _disconnect(engine, client)
    user_changed(engine, user)


def replace_users(engine: "EngineParts", users: dict[bytes, User]) -> None:
    """ACL LOAD: replace all users by ``users``. Clients of users that are missing there are disconnected."""
    access = engine.acl
    listened = {
        name: _lost_channels(draft, access.users[name]) for name, draft in users.items() if name in access.users
    }
    gone = access.load(users)
    for client in list(engine.clients.connected.values()):
        user = client.caller.user
        if user in gone or (listened.get(user.name, False) and not _may_go_on_listening(client, user)):
            _disconnect(engine, client)
    for user in access.users.values():
        user_changed(engine, user)


def _lost_channels(user: User, before: User) -> bool:
    """True if ``user`` may use fewer channels than it could ``before``."""
    selectors = [user.root, *user.selectors]
    if any(selector.all_channels for selector in selectors):
        return False
    allowed = {pattern for selector in selectors for pattern in selector.channels}
    old_selectors = [before.root, *before.selectors]
    return any(selector.all_channels or not allowed.issuperset(selector.channels) for selector in old_selectors)


def _may_go_on_listening(client: Client, user: User) -> bool:
    selectors = [user.root, *user.selectors]
    for channels, are_patterns in (
        (client.channels, False),
        (client.patterns, True),
        (client.shard_channels, False),
    ):
        for channel in channels:
            if not _is_covered(selectors, channel, are_patterns):
                return False
    return True


def _is_covered(selectors: list[Selector], channel: bytes, is_pattern: bool) -> bool:
    for selector in selectors:
        if selector.may_use_channel(channel, is_pattern):
            return True
    return False


def _disconnect(engine: "EngineParts", client: Client) -> None:
    """Disconnect ``client`` at once, or after its reply if it asked for the change."""
    if client is engine.actor:
        client.closing = True
    else:
        engine.kill(client)
