"""Access strings: the ACL rules of a user, checked rule by rule.

An access string has the ACL rules of Valkey and Redis without those for passwords. ElastiCache sets passwords separately,
so it refuses these rules, and ``reset``; both are refused here with the reason.
"""

import re
from dataclasses import dataclass, replace

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, known, refuse, require_at_least
from cachetwin_cdk.engine.engine_version import EngineVersion

from ._acl_rules import check_rules

# Reserved sub-commands of other commands; the documentation does not say whether a rule that names one is refused.
_RESTRICTED_SUBCOMMANDS = frozenset(
    {
        "acl|deluser", "acl|load", "acl|save", "acl|setuser", "cluster|addslots", "cluster|addslotsrange",
        "cluster|bumpepoch", "cluster|delslots", "cluster|delslotsrange", "cluster|failover", "cluster|flushslots",
        "cluster|forget", "cluster|links", "cluster|meet", "cluster|setslot",
    }
)  # fmt: skip


@checked_arguments
@dataclass(frozen=True)
class AccessString:
    """The rules of one user: start with ``on()`` and add keys, channels and commands.

    ``AccessString.on().keys("app:*").commands("get", "set")`` renders
    ``on ~app:* resetchannels -@all +get +set``: nothing is allowed that was not named.
    """

    switch: str
    rules: tuple[str, ...] = ()
    key_rules: tuple[str, ...] = ()
    channel_rules: tuple[str, ...] | None = ()
    verbatim: str | None = None

    def __post_init__(self) -> None:
        """Raise ValidationError for a rule that ElastiCache refuses at every version."""
        self._check(None)

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
        switches = [word for word in text.split() if word in {"on", "off"}] if known(text) else ["on"]
        # CreateUser takes one line.
        return cls(switches[-1] if switches else "", verbatim=" ".join(text.split()) if "\n" in text else text)

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
        return replace(self, channel_rules=(self.channel_rules or ()) + _prefixed("&", patterns))

    def without_channel_rules(self) -> "AccessString":
        """The same without any rule about channels, for Redis 6.0, which has none."""
        self._require_builder()
        return replace(self, channel_rules=None)

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

    def databases(self, *numbers: int) -> "AccessString":
        """Use these databases only, by number (Valkey from 9.1)."""
        for number in numbers:
            require_at_least("databases", number, 0)
        return self._with_rules("db=", (",".join(str(number) for number in numbers),))

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

    @property
    def names_search(self) -> bool:
        """Whether the rules allow commands of search by name: ``ft.search``, or the category ``search``."""
        text = str(self)
        return known(text) and re.search(r"(^|[\s(])\+(@search|ft\.)", text, re.IGNORECASE) is not None

    def validate(self, engine_version: EngineVersion) -> None:
        """Raise ValidationError for a rule that this version does not have; tokens pass."""
        if known(engine_version.version):
            self._check(engine_version)

    def _check(self, engine_version: EngineVersion | None) -> None:
        text = str(self)
        if known(text):
            check_rules(text, engine_version)

    def _with_keys(self, prefix: str, patterns: tuple[str, ...]) -> "AccessString":
        self._require_builder()
        return replace(self, key_rules=self.key_rules + _prefixed(prefix, patterns))

    def _with_rules(self, prefix: str, names: tuple[str, ...]) -> "AccessString":
        self._require_builder()
        return replace(self, rules=self.rules + _prefixed(prefix, names))

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
        channels = () if self.channel_rules is None else self.channel_rules or ("resetchannels",)
        return " ".join([self.switch, *self.key_rules, *channels, *base, *self.rules])


def _prefixed(prefix: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words as rules. Raises ValidationError for a word that has the sign of a rule already, or a space."""
    for word in words:
        if known(word) and (not word or word[0] in "~%&+-@" or any(letter.isspace() for letter in word)):
            refuse(
                "access_string", "get names and patterns without the sign of a rule", word, "write app:*, get or read"
            )
    return tuple(f"{prefix}{word}" for word in words)
