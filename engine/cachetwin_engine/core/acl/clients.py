"""Who a client acts as, and what a change of users means for the clients that are connected as them."""

from typing import TYPE_CHECKING

from cachetwin_engine.core.registry.dispatch_flags import CLIENT_NO_AUTH, CLIENT_RESTRICTED

from .access import Permission
from .user import Selector, User

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine
    from cachetwin_engine.core.execution.session import Session


def log_in(session: "Session", user: User, authenticated: bool = True) -> None:
    """From now on ``session`` acts as ``user``."""
    session.context.user = user
    session.parser.authenticated = authenticated
    session.was_logged_in = session.was_logged_in or authenticated
    session.client_flags = session.client_flags & ~(CLIENT_NO_AUTH | CLIENT_RESTRICTED)
    if not authenticated:
        session.client_flags |= CLIENT_NO_AUTH
    if not user.unrestricted:
        session.client_flags |= CLIENT_RESTRICTED


def set_user_group(engine: "Engine", permissions: list[Permission]) -> None:
    """Make a user group the only users. Raises RuleError and changes nothing if an access string is wrong.

    Sessions of users that went are closed; the others keep their connection and have the new rights at once.
    """
    gone = engine.acl.replace_all(permissions)
    for session in list(engine.sessions.values()):
        user = session.context.user
        if user in gone:
            if session.context.user is engine.acl.default and session.client_flags & CLIENT_NO_AUTH:
                continue  # never logged in: may do so as another user
            session.closing = True
            engine.mark_pending(session)
        else:
            log_in(session, user, authenticated=not session.client_flags & CLIENT_NO_AUTH)


def close_sessions_of(engine: "Engine", user: User) -> None:
    """``user`` was deleted: its connections end."""
    for session in engine.sessions.values():
        if session.context.user is user:
            session.closing = True
            engine.mark_pending(session)


def user_changed(engine: "Engine", user: User) -> None:
    """Sessions of ``user`` have its new rights at once."""
    for session in engine.sessions.values():
        if session.context.user is user:
            log_in(session, user, authenticated=not session.client_flags & CLIENT_NO_AUTH)


def user_was_changed(engine: "Engine", user: User, before: User) -> None:
    """New rights hold at once; who listens to a channel that is no longer allowed is disconnected."""
    if _lost_channels(user, before):
        for session in list(engine.sessions.values()):
            if session.context.user is user and not _may_go_on_listening(session, user):
                _disconnect(engine, session)
    user_changed(engine, user)


def replace_users(engine: "Engine", users: dict[bytes, User]) -> None:
    """ACL LOAD: ``users`` are all there are from now on. Clients of those that went are disconnected."""
    access = engine.acl
    listened = {
        name: _lost_channels(draft, access.users[name]) for name, draft in users.items() if name in access.users
    }
    gone = access.load(users)
    for session in list(engine.sessions.values()):
        user = session.context.user
        if user in gone or (listened.get(user.name, False) and not _may_go_on_listening(session, user)):
            _disconnect(engine, session)
    for user in access.users.values():
        user_changed(engine, user)


def _lost_channels(user: User, before: User) -> bool:
    """May ``user`` use less channels than it could ``before``?"""
    selectors = [user.root, *user.selectors]
    if any(selector.all_channels for selector in selectors):
        return False
    allowed = {pattern for selector in selectors for pattern in selector.channels}
    old_selectors = [before.root, *before.selectors]
    return any(selector.all_channels or not allowed.issuperset(selector.channels) for selector in old_selectors)


def _may_go_on_listening(session: "Session", user: User) -> bool:
    selectors = [user.root, *user.selectors]
    for channels, are_patterns in (
        (session.channels, False),
        (session.patterns, True),
        (session.shard_channels, False),
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


def _disconnect(engine: "Engine", session: "Session") -> None:
    """At once; the client that asked for the change still gets its reply."""
    if session is engine.actor:
        session.closing = True
    else:
        engine.kill(session)
