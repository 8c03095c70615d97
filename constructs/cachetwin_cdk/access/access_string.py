"""Access strings: the ACL rules of a user, checked rule by rule.

An access string has the ACL rules of Valkey and Redis without those for passwords. ElastiCache sets passwords separately,
so it refuses these rules, and ``reset``; both are refused here with the reason.
"""

import re
from dataclasses import dataclass, replace

from cachetwin_cdk.checks._validate import ValidationError, known

_SWITCHES = frozenset(
    {
        "on", "off", "allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "nocommands",
        "clearselectors", "sanitize-payload", "skip-sanitize-payload",
    }
)  # fmt: skip
_KEYS = re.compile(r"(~|%(R|W|RW|WR)~)\S+")
_CHANNELS = re.compile(r"&\S+")
_COMMANDS = re.compile(r"[+-](@?[a-z][a-z0-9._-]*(\|[a-z0-9_-]+)?)", re.IGNORECASE)
# Commands that ElastiCache reserves (docs: supported and restricted commands); a rule that names one is refused.
RESTRICTED_COMMANDS = frozenset(
    {
        "bgrewriteaof", "bgsave", "config", "debug", "migrate", "psync", "replicaof", "save", "shutdown", "slaveof",
        "sync",
    }
)  # fmt: skip
# Reserved sub-commands of other commands; the documentation does not say whether a rule that names one is refused.
_RESTRICTED_SUBCOMMANDS = frozenset(
    {
        "acl|deluser", "acl|load", "acl|save", "acl|setuser", "cluster|addslots", "cluster|addslotsrange",
        "cluster|bumpepoch", "cluster|delslots", "cluster|delslotsrange", "cluster|failover", "cluster|flushslots",
        "cluster|forget", "cluster|links", "cluster|meet", "cluster|setslot",
    }
)  # fmt: skip


@dataclass(frozen=True)
class AccessString:
    """The rules of one user: start with ``on()`` and add keys, channels and commands.

    ``AccessString.on().keys("app:*").commands("get", "set")`` renders
    ``on ~app:* resetchannels -@all +get +set``: nothing is allowed that was not named.
    """

    switch: str
    rules: tuple[str, ...] = ()
    key_rules: tuple[str, ...] = ()
    channel_rules: tuple[str, ...] = ()
    verbatim: str | None = None

    @classmethod
    def on(cls) -> "AccessString":
        """A user that can log in and may do nothing until rules are added."""
        return cls("on")

    @classmethod
    def off(cls) -> "AccessString":
        """A user that can neither log in nor do anything."""
        return cls("off")

    @classmethod
    def full_access(cls) -> "AccessString":
        """Every key, channel and command that ElastiCache offers, administration included."""
        return cls("on", ("+@all",), ("~*",), ("&*",))

    @classmethod
    def application(cls) -> "AccessString":
        """Every key and channel, without the categories admin and dangerous.

        INFO is allowed, because clients such as GLIDE use it when they connect to find the primary.
        """
        return cls.full_access().without_categories("admin", "dangerous").commands("info")

    @classmethod
    def read_only(cls, *patterns: str) -> "AccessString":
        """Read the keys that match, every key without a pattern."""
        return cls.on().keys(*(patterns or ("*",))).categories("read", "connection").without_categories("dangerous")

    @classmethod
    def of(cls, text: str) -> "AccessString":
        """An access string as ElastiCache takes it, checked rule by rule; tokens pass.

        Raises ValidationError for a rule that ElastiCache refuses. Without ``on`` the user is off.
        """
        if known(text):
            for rule in text.replace("(", " ").replace(")", " ").split():
                _check(rule)
        switches = [word for word in text.split() if word in {"on", "off"}] if known(text) else ["on"]
        return cls(switches[-1] if switches else "", verbatim=text)

    def keys(self, *patterns: str) -> "AccessString":
        """Read and write the keys that match, such as ``app:*``."""
        return self._with_keys("~", patterns)

    def read_keys(self, *patterns: str) -> "AccessString":
        """Read, not write, the keys that match (engines from 7.0)."""
        return self._with_keys("%R~", patterns)

    def write_keys(self, *patterns: str) -> "AccessString":
        """Write, not read, the keys that match (engines from 7.0)."""
        return self._with_keys("%W~", patterns)

    def channels(self, *patterns: str) -> "AccessString":
        """Publish to and subscribe to the channels that match."""
        self._require_builder()
        return replace(self, channel_rules=self.channel_rules + _checked("&", patterns))

    def commands(self, *names: str) -> "AccessString":
        """Run these commands; a sub-command is written ``client|setinfo``."""
        return self._with_rules("+", names)

    def without_commands(self, *names: str) -> "AccessString":
        """Do not run these commands, whatever was allowed before."""
        return self._with_rules("-", names)

    def categories(self, *names: str) -> "AccessString":
        """Run the commands of these ACL categories, such as ``read`` or ``pubsub``."""
        return self._with_rules("+@", names)

    def without_categories(self, *names: str) -> "AccessString":
        """Do not run the commands of these categories, whatever was allowed before."""
        return self._with_rules("-@", names)

    @property
    def is_on(self) -> bool:
        """Whether the user can log in."""
        return self.switch == "on"

    @property
    def says_on_or_off(self) -> bool:
        """Whether the rules contain on or off. Without either, ElastiCache turns the user off."""
        return self.switch != ""

    @property
    def restricted_subcommands(self) -> tuple[str, ...]:
        """Sub-commands that the rules allow by name and ElastiCache reserves, such as ``acl|setuser``."""
        text = str(self)
        words = text.lower().split() if known(text) else []
        return tuple(word[1:] for word in words if word[0] == "+" and word[1:] in _RESTRICTED_SUBCOMMANDS)

    def _with_keys(self, prefix: str, patterns: tuple[str, ...]) -> "AccessString":
        self._require_builder()
        return replace(self, key_rules=self.key_rules + _checked(prefix, patterns))

    def _with_rules(self, prefix: str, names: tuple[str, ...]) -> "AccessString":
        self._require_builder()
        return replace(self, rules=self.rules + _checked(prefix, names))

    def _require_builder(self) -> None:
        if self.verbatim is not None:
            raise ValidationError(
                "access_string must be built from on() or off() to be extended, got the finished text of of(); "
                "put the further rules into that text"
            )

    def __str__(self) -> str:
        if self.verbatim is not None:
            return self.verbatim
        base = () if self.rules[:1] == ("+@all",) else ("-@all",)
        return " ".join([self.switch, *self.key_rules, *(self.channel_rules or ("resetchannels",)), *base, *self.rules])


def _checked(prefix: str, words: tuple[str, ...]) -> tuple[str, ...]:
    rules = tuple(f"{prefix}{word}" for word in words)
    for rule in rules:
        if known(rule):
            _check(rule)
    return rules


def _check(rule: str) -> None:
    if rule.startswith((">", "<", "#", "!")) or rule in {"nopass", "resetpass"}:
        raise ValidationError(
            f"access_string must hold no password rule, got {_masked(rule)}; give the user its password in the "
            "PasswordUser construct"
        )
    if rule == "reset":
        raise ValidationError("access_string must not hold 'reset', got it; write the rules out, starting with on")
    command = _COMMANDS.fullmatch(rule)
    if command is not None and rule[0] == "+" and command.group(1).split("|")[0].lower() in RESTRICTED_COMMANDS:
        raise ValidationError(
            f"access_string must not allow a command that ElastiCache restricts, got {rule!r}; leave it out"
        )
    if rule not in _SWITCHES and not (command or _KEYS.fullmatch(rule) or _CHANNELS.fullmatch(rule)):
        raise ValidationError(
            "access_string must consist of on, off, ~key, %R~key, &channel, +command, -command, +@category and "
            f"-@category, got {rule!r}; correct or remove that rule"
        )


def _masked(rule: str) -> str:
    """The rule without the part that may be a secret."""
    return f"'{rule[0]}...'" if rule[0] in "><#!" else repr(rule)
