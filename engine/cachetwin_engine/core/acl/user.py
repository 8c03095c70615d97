"""One user: what it may run, which keys, channels and databases it may touch, and how it proves who it is.

A user has one root selector and any number of further ones, ``(...)``; a command runs if one selector allows the command
and all its keys and channels. Allowed commands are a byte for each row of the engine's table, so the check on the way of
a command is one index. The rules as given are kept beside it, because ACL LIST shows them.
"""

from typing import Final

from cachetwin_engine.core.text.glob import glob_match

READ_KEYS: Final = 1  # %R~
WRITE_KEYS: Final = 2  # %W~
ALL_ACCESS: Final = 3  # ~


class KeyPattern:
    """A pattern of keys and what it grants."""

    def __init__(self, access: int, pattern: bytes) -> None:
        self.access = access
        self.pattern = pattern
        # "prefix*" is nearly every pattern in use; a comparison decides it.
        stem = pattern[:-1]
        self.prefix = stem if pattern.endswith(b"*") and not _SPECIAL.intersection(stem) else None

    def matches(self, key: bytes) -> bool:
        """True if the pattern covers ``key``."""
        if self.prefix is not None:
            return key.startswith(self.prefix)
        return glob_match(self.pattern, key)

    def text(self) -> bytes:
        """As a rule."""
        if self.access == ALL_ACCESS:
            return b"~" + self.pattern
        return (b"%R~" if self.access == READ_KEYS else b"%W~") + self.pattern


_SPECIAL: Final = frozenset(b"*?[\\")


class Selector:
    """One set of permissions."""

    def __init__(self) -> None:
        self.allowed = bytearray()  # by Command.id; shorter means not allowed
        self.all_commands = False
        self.rules: list[bytes] = []  # what was added to or taken from ``-@all`` / ``+@all``, in order
        self.first_args: dict[int, list[bytes]] = {}  # Command.id -> allowed first arguments (``+select|0``)
        self.all_keys = False
        self.keys: list[KeyPattern] = []
        self.all_channels = False
        self.channels: list[bytes] = []
        self.all_databases = True
        self.databases: list[int] = []  # in ascending order; none that ``all_databases`` does not cover

    @property
    def unrestricted(self) -> bool:
        """Nothing to check at all."""
        return self.all_commands and self.all_keys and self.all_channels and self.all_databases

    def may_run(self, command_id: int) -> bool:
        """True if the command is allowed with any arguments."""
        return self.all_commands or (command_id < len(self.allowed) and self.allowed[command_id] != 0)

    def may_touch(self, key: bytes, access: int) -> bool:
        """True if ``key`` is covered for ``access`` (READ_KEYS, WRITE_KEYS or both, 0 for any)."""
        if self.all_keys:
            return True
        granted = 0
        for pattern in self.keys:
            if pattern.matches(key):
                granted |= pattern.access
                if granted & access == access:
                    return True
        return False

    def may_use_channel(self, channel: bytes, is_pattern: bool) -> bool:
        """True if the channel is covered. A pattern to subscribe to must be among the user's, word for word."""
        if self.all_channels:
            return True
        for pattern in self.channels:
            if (pattern == channel) if is_pattern else glob_match(pattern, channel):
                return True
        return False

    def may_use_database(self, index: int) -> bool:
        """True if the database is covered."""
        return self.all_databases or index in self.databases

    def command_rules(self) -> bytes:
        """The commands as rules: ``-@all +get ...``."""
        return b" ".join(([b"+@all"] if self.rules[:1] == [b"+@all"] else [b"-@all"]) + self._rest())

    def _rest(self) -> list[bytes]:
        return self.rules[1:] if self.rules[:1] == [b"+@all"] else self.rules

    def key_rules(self) -> bytes:
        """The keys as rules."""
        return b"~*" if self.all_keys else b" ".join([pattern.text() for pattern in self.keys])

    def channel_rules(self) -> bytes:
        """The channels as rules."""
        return b"&*" if self.all_channels else b" ".join([b"&" + pattern for pattern in self.channels])

    def database_rules(self) -> bytes:
        """The databases as rules; empty for none."""
        if self.all_databases:
            return b"alldbs"
        return b"db=" + b",".join([b"%d" % index for index in self.databases]) if self.databases else b""

    def describe(self) -> bytes:
        """Everything as ACL LIST shows it. That all databases are allowed goes without saying: older versions can't."""
        parts: list[bytes] = []
        if self.all_keys or self.keys:
            parts.append(self.key_rules())
        if self.all_channels:
            parts.append(b"&*")
        else:
            parts.append(b"resetchannels")
            if self.channels:
                parts.append(self.channel_rules())
        if not self.all_databases:
            parts.append(self.database_rules() or b"resetdbs")
        parts.append(self.command_rules())
        return b" ".join(parts)

    def copied(self) -> "Selector":
        """An independent copy."""
        other = Selector()
        other.allowed = bytearray(self.allowed)
        other.all_commands = self.all_commands
        other.rules = list(self.rules)
        other.first_args = {number: list(args) for number, args in self.first_args.items()}
        other.all_keys = self.all_keys
        other.keys = list(self.keys)
        other.all_channels = self.all_channels
        other.channels = list(self.channels)
        other.all_databases = self.all_databases
        other.databases = list(self.databases)
        return other


class User:
    """A user of the engine."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.enabled = False
        self.no_password = False
        self.sanitize_payload = True
        self.password_hashes: list[bytes] = []  # SHA-256 in lower-case hex, in order of addition
        self.root = Selector()
        self.selectors: list[Selector] = []
        self.authentication = b"password"  # ElastiCache: password, no-password-required or iam

    @property
    def unrestricted(self) -> bool:
        """All commands, keys, channels and databases: nothing to check."""
        return self.root.unrestricted

    def flags(self, sanitizing: bool) -> list[bytes]:
        """``on``, ``nopass`` and the like, as ACL GETUSER lists them; ``sanitizing``: that of payloads, too."""
        flags = [b"on" if self.enabled else b"off"]
        if self.no_password:
            flags.append(b"nopass")
        if sanitizing:
            flags.append(b"sanitize-payload" if self.sanitize_payload else b"skip-sanitize-payload")
        return flags

    def describe(self, sanitizing: bool, hashes: bool = True) -> bytes:
        """The user as a line of ACL LIST, passwords left out unless ``hashes`` (ElastiCache hides them)."""
        parts = [b"user", self.name, *self.flags(sanitizing)]
        if hashes:
            parts += [b"#" + digest for digest in self.password_hashes]
        parts.append(self.root.describe())
        parts += [b"(" + selector.describe() + b")" for selector in self.selectors]
        return b" ".join(parts)

    def copied(self) -> "User":
        """An independent copy: rules are tried on it, so a bad one leaves the user as it was."""
        other = User(self.name)
        other.take_over(self)
        return other

    def take_over(self, other: "User") -> None:
        """Become like ``other`` in all but the name, in place: sessions hold on to the object."""
        self.enabled = other.enabled
        self.no_password = other.no_password
        self.sanitize_payload = other.sanitize_payload
        self.password_hashes = list(other.password_hashes)
        self.root = other.root.copied()
        self.selectors = [selector.copied() for selector in other.selectors]
        self.authentication = other.authentication


def superuser(name: bytes) -> User:
    """Who a client is before anybody set up users."""
    user = User(name)
    user.enabled = True
    user.no_password = True
    user.root.all_commands = True
    user.root.rules = [b"+@all"]
    user.root.all_keys = True
    user.root.all_channels = True
    return user
