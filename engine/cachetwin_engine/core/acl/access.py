"""All users, and the check of whether one of them may run a command.

When every selector refuses, the refusal of the selector that came furthest is reported, as in Valkey (database, then
command, then key, then channel).
"""

from collections.abc import Callable
from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.registry.command_table import NO_AUTH, PUBSUB, Command
from cachetwin_engine.core.registry.key_positions import KeyPosition, key_positions
from cachetwin_engine.core.text.numbers import integer_or_none

from .iam import IamAccess
from .rules import RuleError, apply_rule, hash_password, merge_selectors
from .user import READ_KEYS, WRITE_KEYS, Selector, User, superuser

DENIED_COMMAND: Final = 1
DENIED_KEY: Final = 2
DENIED_CHANNEL: Final = 3
DENIED_DATABASE: Final = 4

_PATTERN_COMMANDS: Final = {b"psubscribe"}
_CHANNEL_RANGES: Final[dict[bytes, tuple[int, int]]] = {  # first and last argument that is a channel
    b"publish": (1, 1),
    b"spublish": (1, 1),
    b"subscribe": (1, -1),
    b"ssubscribe": (1, -1),
    b"psubscribe": (1, -1),
}


_REASONS: Final[dict[int, bytes]] = {
    DENIED_COMMAND: b"no permission to execute the command or subcommand",
    DENIED_KEY: b"no permission to touch the specified keys",
    DENIED_CHANNEL: b"no permission to access one of the channels used as arguments",
    DENIED_DATABASE: b"no permission",
}
_CHECKED_IN_ORDER: Final = [DENIED_DATABASE, DENIED_COMMAND, DENIED_KEY, DENIED_CHANNEL]
_NAMES_DATABASES: Final = {b"copy", b"move", b"select", b"swapdb"}
_USES_ALL_DATABASES: Final = {
    b"flushall", b"cluster|cancelslotmigrations", b"cluster|flushslot", b"cluster|migrateslots",
}  # fmt: skip
_OF_DATABASES: Final = {b"keyspace", b"read", b"write"}  # the categories whose commands use the chosen database


class Denial:
    """Why a command may not run: a ``DENIED_*`` reason, the name of what was refused and its place in the request."""

    def __init__(self, reason: int, subject: bytes, index: int = 0) -> None:
        self.reason = reason
        self.subject = subject
        self.index = index


class Permission:
    """One user of a user group, as the runner hands it over."""

    def __init__(self, user_name: bytes, access_string: bytes, authentication: bytes, passwords: list[bytes]) -> None:
        self.user_name = user_name
        self.access_string = access_string
        self.authentication = authentication  # password, no-password-required or iam
        self.passwords = passwords


class AccessControl:
    """The users of one engine."""

    def __init__(self, table: dict[bytes, Command], allow_channels: bool, by_database: bool) -> None:
        self.table = table
        self.by_database = by_database  # rules may be about databases
        self.sanitizing = not by_database  # since then all payloads are looked at, and the rules about it mean nothing
        self.allow_channels = allow_channels  # acl-pubsub-default is allchannels
        self.default = superuser(b"default")
        self.users: dict[bytes, User] = {b"default": self.default}
        self.everything = superuser(b"(superuser)")  # the user that runs a primary's stream
        self.iam: IamAccess | None = None  # what tokens are checked against

    # -- who ----------------------------------------------------------------------------------------------------------

    def authenticate(self, name: bytes, password: bytes) -> User | None:
        """The user, if enabled and the password is one of the user's."""
        user = self.users.get(name)
        digest = hash_password(password)
        if user is None or not user.enabled:
            return None
        return user if user.no_password or digest in user.password_hashes else None

    def iam_user(self, name: bytes) -> User | None:
        """The user of this name, if tokens take the place of its password."""
        user = self.users.get(name)
        return user if user is not None and user.authentication == b"iam" else None

    def token_refusal(self, user: User, token: bytes, now_ms: int, from_machine_ms: Callable[[int], int]) -> bytes:
        """Why ``token`` does not log an IAM user in, in words for the log; empty if it does. See ``IamAccess.refusal``."""
        if not user.enabled:
            return b"the user is off"
        if self.iam is None:
            return b"this node knows no credentials"
        return self.iam.refusal(user.name, token, now_ms, from_machine_ms)

    def set_user(self, name: bytes, words: list[bytes]) -> User:
        """Apply the words of ACL SETUSER, all or none. Raises RuleError, ``reason`` with the word that failed."""
        known = self.users.get(name)
        draft = self.new_user(name) if known is None else known.copied()
        for word in merge_selectors(words):
            try:
                apply_rule(draft, word, self.table, self.allow_channels, self.by_database)
            except RuleError as problem:
                raise RuleError(b"Error in ACL SETUSER modifier '" + word + b"': " + problem.reason) from None
        if known is None:
            self.users[name] = draft
            return draft
        known.take_over(draft)
        return known

    def set_default_password(self, password: bytes) -> None:
        """``requirepass``: the default user's only password, none when empty."""
        self.default.password_hashes = [hash_password(password)] if password else []
        self.default.no_password = not password

    def new_user(self, name: bytes) -> User:
        """A user that may do nothing yet."""
        user = User(name)
        user.root.all_channels = self.allow_channels
        return user

    def load(self, users: dict[bytes, User]) -> list[User]:
        """Make ``users`` the only ones; those that went are returned. Without ``default`` that one may do everything."""
        if b"default" not in users:
            users = {**users, b"default": superuser(b"default")}
        gone = [user for name, user in self.users.items() if name not in users]
        for name, draft in users.items():
            known = self.users.get(name)
            if known is None:
                self.users[name] = draft
            else:
                known.take_over(draft)
        for user in gone:
            del self.users[user.name]
        return gone

    def replace_all(self, permissions: list[Permission]) -> list[User]:
        """Make a user group the only users; those that went, or now prove themselves differently, are returned.

        A group without ``default`` turns the default user off, as ElastiCache for Valkey does. Raises RuleError.
        """
        drafts: dict[bytes, User] = {}
        for permission in permissions:
            user = User(permission.user_name)
            for word in merge_selectors(permission.access_string.split()):
                try:
                    apply_rule(user, word, self.table, False, self.by_database)
                except RuleError as problem:
                    raise RuleError(
                        b"access string of user '" + user.name + b"': '" + word + b"': " + problem.reason
                    ) from None
            user.authentication = permission.authentication
            user.no_password = permission.authentication == b"no-password-required"
            user.password_hashes = [hash_password(password) for password in permission.passwords]
            drafts[user.name] = user
        gone = [user for name, user in self.users.items() if name not in drafts]
        for name, draft in drafts.items():
            known = self.users.get(name)
            if known is None:
                self.users[name] = draft
            else:
                known.take_over(draft)
        for user in gone:
            if user is self.default:
                user.take_over(User(user.name))
            else:
                del self.users[user.name]
        return gone

    # -- what ---------------------------------------------------------------------------------------------------------

    def explain_to_client(self, user: User, denied: Denial) -> bytes:
        """A refusal as the error line that the client gets."""
        if denied.reason == DENIED_DATABASE:
            return b"NOPERM No permissions to access database"
        if denied.reason == DENIED_COMMAND:
            return b"NOPERM User " + user.name + b" has no permissions to run the '" + denied.subject + b"' command"
        if denied.reason == DENIED_KEY:
            return b"NOPERM No permissions to access a key"
        return b"NOPERM No permissions to access a channel"

    def explain_in_exec(self, denied: Denial) -> bytes:
        """A refusal of a command that was queued when its user had more rights."""
        return (
            b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This "
            b"command is no longer allowed for the following reason: " + _REASONS[denied.reason]
        )

    def explain(self, user: User, denied: Denial, args: list[bytes]) -> bytes:
        """A refusal of ``args`` in words, as ACL DRYRUN gives it."""
        what = {
            DENIED_DATABASE: b"access database " + args[denied.index],
            DENIED_COMMAND: b"run the '" + denied.subject + b"' command",
            DENIED_KEY: b"access the '" + denied.subject + b"' key",
            DENIED_CHANNEL: b"access the '" + denied.subject + b"' channel",
        }[denied.reason]
        return b"User " + user.name + b" has no permissions to " + what

    def check(
        self, user: User, command: Command, args: list[bytes], database: int = 0, databases: int = 1
    ) -> Denial | None:
        """Why ``user`` may not run ``args`` with ``database`` chosen of so many, or None; nothing is noted."""
        keys: list[KeyPosition] | None = None
        worst: Denial | None = None
        for selector in [user.root, *user.selectors]:
            denied = None
            if not selector.all_databases:
                denied = _check_databases(selector, command, args, database, databases)
            if denied is not None:
                pass
            elif not _may_run(selector, command, args):
                denied = Denial(DENIED_COMMAND, command.name)
            else:
                if keys is None and not selector.all_keys:
                    try:
                        keys = key_positions(command, args)
                    except CommandError:
                        keys = []  # the handler reports what is wrong with the arguments
                denied = _check_keys(selector, keys if keys is not None else [], args)
                if denied is None:
                    denied = _check_channels(selector, command, args)
            if denied is None:
                return None
            if worst is None or _rank(denied) > _rank(worst):
                worst = denied
        return worst


def _rank(denied: Denial) -> tuple[int, int]:
    return _CHECKED_IN_ORDER.index(denied.reason), denied.index


def database_or_none(text: bytes, databases: int) -> int | None:
    """The number of a database in ``text``, None if it is none."""
    index = integer_or_none(text)
    return index if index is not None and 0 <= index < databases else None


def _check_databases(
    selector: Selector, command: Command, args: list[bytes], database: int, databases: int
) -> Denial | None:
    """The first database that ``args`` need and ``selector`` does not cover."""
    if command.name in _NAMES_DATABASES:
        for at in _places_of_databases(command.name, args, databases):
            if not selector.may_use_database(int(args[at])):
                return Denial(DENIED_DATABASE, args[at], at)
        needs_own = bool(command.keys)  # what is moved or copied comes from the chosen one
    elif command.name in _USES_ALL_DATABASES:
        for index in range(databases):
            if not selector.may_use_database(index):
                return Denial(DENIED_DATABASE, command.name)
        needs_own = False
    else:
        needs_own = not _OF_DATABASES.isdisjoint(command.categories) or _has_keys(command)
    if needs_own and not (database < databases and selector.may_use_database(database)):
        return Denial(DENIED_DATABASE, command.name)
    return None


def _has_keys(command: Command) -> bool:
    for spec in command.keys:
        if not spec.not_key:
            return True
    return False


def _places_of_databases(name: bytes, args: list[bytes], databases: int) -> list[int]:
    """Which arguments number a database; none at all if one of them does not, which the handler reports."""
    places = {b"select": [1], b"swapdb": [1, 2], b"move": [2]}.get(name, [])
    if name == b"copy":
        at = 3
        while at < len(args):
            word = args[at].lower()
            if word == b"db" and at + 1 < len(args):
                at += 1
                places.append(at)
            elif word != b"replace":
                return []
            at += 1
    for at in places:
        if at >= len(args) or database_or_none(args[at], databases) is None:
            return []
    return places


def _may_run(selector: Selector, command: Command, args: list[bytes]) -> bool:
    if selector.may_run(command.id) or command.flags & NO_AUTH:  # everybody may log in
        return True
    firsts = selector.first_args.get(command.id)
    return firsts is not None and len(args) > 1 and args[1].lower() in firsts


def _check_keys(selector: Selector, keys: list[KeyPosition], args: list[bytes]) -> Denial | None:
    if selector.all_keys:
        return None
    for position in keys:
        spec = position.spec
        if spec.not_key:
            continue
        access = 0
        if "access" in spec.effects:
            access |= READ_KEYS
        if "insert" in spec.effects or "update" in spec.effects or "delete" in spec.effects:
            access |= WRITE_KEYS
        if not selector.may_touch(args[position.index], access):
            return Denial(DENIED_KEY, args[position.index], position.index)
    return None


def _check_channels(selector: Selector, command: Command, args: list[bytes]) -> Denial | None:
    if selector.all_channels or not command.flags & PUBSUB:
        return None
    places = _CHANNEL_RANGES.get(command.name)
    if places is None:
        return None
    last = places[1] if places[1] > 0 else len(args) - 1
    for at in range(places[0], last + 1):
        if not selector.may_use_channel(args[at], command.name in _PATTERN_COMMANDS):
            return Denial(DENIED_CHANNEL, args[at], at)
    return None
