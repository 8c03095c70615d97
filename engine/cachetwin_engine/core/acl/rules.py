"""ACL rules: one word of ACL SETUSER, or of an ElastiCache access string, applied to a user.

``-@all`` and ``+@all`` restart the list of command rules; a later rule for the same command or category takes the place
of an earlier one. That is what ACL LIST shows, so clients that compare it see what Valkey would show.
"""

import hashlib
from typing import Final

from cachetwin_engine.core.registry.command_table import CATEGORY_NAMES, Command

from .user import ALL_ACCESS, READ_KEYS, WRITE_KEYS, KeyPattern, Selector, User

UNKNOWN: Final = b"Unknown command or category name in ACL"
SYNTAX: Final = b"Syntax error"
_AFTER_ALL_KEYS: Final = (
    b"Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
    b"Try 'resetkeys' to start with an empty list of patterns"
)
_AFTER_ALL_CHANNELS: Final = (
    b"Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. "
    b"Try 'resetchannels' to start with an empty list of channels"
)
_BAD_HASH: Final = b"The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
_NO_SUCH_PASSWORD: Final = b"The password you are trying to remove from the user does not exist"
_FIRST_ARG_OF_SUBCOMMAND: Final = b"Allowing first-arg of a subcommand is not supported"
_DATABASE_RANGE: Final = b"The provided database ID is out of range"
_DATABASE_MAX: Final = 2**31 - 1
_HEX: Final = frozenset(b"0123456789abcdef")


class RuleError(Exception):
    """A rule that can't be applied; ``reason`` is Valkey's text."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason


def hash_password(password: bytes) -> bytes:
    """How passwords are kept and shown."""
    return hashlib.sha256(password).hexdigest().encode()


def apply_rule(user: User, rule: bytes, table: dict[bytes, Command], channels_default: bool, by_database: bool) -> None:
    """Apply one word to ``user``. ``channels_default``: new users may use all channels. Raises RuleError.

    ``by_database``: this version has rules about databases.
    """
    word = rule.lower()
    if word == b"on":
        user.enabled = True
    elif word == b"off":
        user.enabled = False
    elif word == b"nopass":
        user.no_password = True
        user.password_hashes = []
    elif word == b"resetpass":
        user.no_password = False
        user.password_hashes = []
    elif word == b"sanitize-payload":
        user.sanitize_payload = True
    elif word == b"skip-sanitize-payload":
        user.sanitize_payload = False
    elif word == b"clearselectors":
        user.selectors = []
    elif word == b"reset":
        user.take_over(User(user.name))
        user.root.all_channels = channels_default
    elif rule[:1] in {b">", b"<", b"#", b"!"}:
        _apply_password(user, rule)
    elif rule[:1] == b"(" and rule[-1:] == b")":
        selector = Selector()
        selector.all_channels = channels_default
        for inner in rule[1:-1].split():
            apply_selector_rule(selector, inner, table, by_database)
        user.selectors.append(selector)
    else:
        apply_selector_rule(user.root, rule, table, by_database)


def apply_selector_rule(selector: Selector, rule: bytes, table: dict[bytes, Command], by_database: bool) -> None:
    """Apply a word about commands, keys, channels or, ``by_database``, databases. Raises RuleError."""
    word = rule.lower()
    if by_database and (word in {b"alldbs", b"resetdbs"} or word.startswith(b"db=")):
        selector.all_databases = word == b"alldbs"
        selector.databases = _databases(word[3:]) if word.startswith(b"db=") else []
        return
    if word in {b"allkeys", b"~*"}:
        selector.all_keys = True
        selector.keys = []
    elif word == b"resetkeys":
        selector.all_keys = False
        selector.keys = []
    elif word in {b"allchannels", b"&*"}:
        selector.all_channels = True
        selector.channels = []
    elif word == b"resetchannels":
        selector.all_channels = False
        selector.channels = []
    elif word in {b"allcommands", b"+@all"}:
        _all_commands(selector, allowed=True)
    elif word in {b"nocommands", b"-@all"}:
        _all_commands(selector, allowed=False)
    elif rule[:1] in {b"~", b"%"}:
        _apply_key_pattern(selector, rule)
    elif rule[:1] == b"&":
        _apply_channel(selector, rule[1:])
    elif rule[:2] in {b"+@", b"-@"}:
        _apply_category(selector, word, table)
    elif rule[:1] in {b"+", b"-"}:
        _apply_command(selector, rule, table)
    else:
        raise RuleError(SYNTAX)


def merge_selectors(words: list[bytes]) -> list[bytes]:
    """Join the words of ``( ... )`` again that blanks took apart. Raises RuleError naming an open parenthesis."""
    merged: list[bytes] = []
    opened: list[bytes] = []
    for word in words:
        if opened:
            opened.append(word)
            if word.endswith(b")"):
                merged.append(b" ".join(opened))
                opened = []
        elif word.startswith(b"(") and not word.endswith(b")"):
            opened = [word]
        else:
            merged.append(word)
    if opened:
        raise RuleError(b"Unmatched parenthesis in acl selector starting at '" + opened[0] + b"'.")
    return merged


def _apply_password(user: User, rule: bytes) -> None:
    sign = rule[:1]
    digest = hash_password(rule[1:]) if sign in {b">", b"<"} else rule[1:]
    if sign in {b"#", b"!"} and (len(digest) != 64 or not _HEX.issuperset(digest)):
        raise RuleError(_BAD_HASH)
    if sign in {b">", b"#"}:
        if digest not in user.password_hashes:
            user.password_hashes.append(digest)
        user.no_password = False
    elif digest in user.password_hashes:
        user.password_hashes.remove(digest)
    else:
        raise RuleError(_NO_SUCH_PASSWORD)


def _apply_key_pattern(selector: Selector, rule: bytes) -> None:
    if selector.all_keys:
        raise RuleError(_AFTER_ALL_KEYS)
    access = ALL_ACCESS
    pattern = rule[1:]
    if rule[:1] == b"%":
        letters, _, pattern = rule[1:].partition(b"~")
        access = 0
        for letter in letters.upper():
            flag = {82: READ_KEYS, 87: WRITE_KEYS}.get(letter, 0)
            if not flag or access & flag:
                raise RuleError(SYNTAX)
            access |= flag
        if not access:  # without a tilde it stands for the empty key, as in Valkey
            raise RuleError(SYNTAX)
    if b" " in pattern or b"\0" in pattern:
        raise RuleError(SYNTAX)
    if access == ALL_ACCESS and pattern == b"*":
        selector.all_keys = True
        selector.keys = []
        return
    for known in selector.keys:
        if known.pattern == pattern:
            selector.keys[selector.keys.index(known)] = KeyPattern(known.access | access, pattern)
            return
    selector.keys.append(KeyPattern(access, pattern))


def _apply_channel(selector: Selector, pattern: bytes) -> None:
    if selector.all_channels:
        raise RuleError(_AFTER_ALL_CHANNELS)
    if b" " in pattern or b"\0" in pattern:
        raise RuleError(SYNTAX)
    if pattern not in selector.channels:
        selector.channels.append(pattern)


def _databases(text: bytes) -> list[int]:
    """The numbers of a list with commas, each once, in order. Raises RuleError."""
    found: set[int] = set()
    for word in text.split(b","):
        digits = word.lstrip()
        sign = digits[:1] if digits[:1] in {b"+", b"-"} else b""
        digits = digits[len(sign) :]
        if not digits.isdigit():
            raise RuleError(SYNTAX)
        if len(digits) > 19 or int(digits) > _DATABASE_MAX or (sign == b"-" and int(digits) > 0):
            raise RuleError(_DATABASE_RANGE)
        found.add(int(digits))
    return sorted(found)


def _all_commands(selector: Selector, allowed: bool) -> None:
    selector.all_commands = allowed
    selector.allowed = bytearray()
    selector.first_args = {}
    selector.rules = [b"+@all"] if allowed else []


def _apply_category(selector: Selector, word: bytes, table: dict[bytes, Command]) -> None:
    name = word[2:]
    if name not in CATEGORY_NAMES:
        raise RuleError(UNKNOWN)
    for command in rows_of(table):
        if name in command.categories:
            _allow(selector, command, word[:1] == b"+", table)
    _note(selector, word, b"@" + name)


def _apply_command(selector: Selector, rule: bytes, table: dict[bytes, Command]) -> None:
    adding = rule[:1] == b"+"
    name = rule[1:].lower()
    parent, bar, sub = name.partition(b"|")
    command = table.get(parent)
    if command is None:
        raise RuleError(UNKNOWN)
    if bar and not sub:
        raise RuleError(SYNTAX if adding else UNKNOWN)
    if b"|" in sub:
        child = command.subcommands.get(sub.split(b"|")[0]) if command.subcommands is not None else None
        raise RuleError(UNKNOWN if child is None or not adding else _FIRST_ARG_OF_SUBCOMMAND)
    if bar:
        child = command.subcommands.get(sub) if command.subcommands is not None else None
        if child is not None:
            _allow(selector, child, adding, table)
        elif command.subcommands is not None or not adding:
            raise RuleError(UNKNOWN)
        else:
            selector.first_args.setdefault(command.id, []).append(sub)
        _note(selector, (b"+" if adding else b"-") + name, name)
        return
    _allow(selector, command, adding, table)
    if command.subcommands is not None:
        for child in command.subcommands.values():
            _allow(selector, child, adding, table)
    _note(selector, (b"+" if adding else b"-") + name, name)


def _allow(selector: Selector, command: Command, adding: bool, table: dict[bytes, Command]) -> None:
    """Set the command's byte; the bytes come into being when the first rule needs them."""
    if selector.all_commands and not adding:
        selector.all_commands = False
        selector.allowed = bytearray(b"\1" * row_count(table))
    if not selector.allowed:
        selector.allowed = bytearray(row_count(table))
    if not selector.all_commands:
        selector.allowed[command.id] = 1 if adding else 0
    if not adding:
        selector.first_args.pop(command.id, None)


def _note(selector: Selector, rule: bytes, subject: bytes) -> None:
    """Keep the rule; older ones about the same subject, or about a command's sub-commands, are superseded."""
    kept = []
    for old in selector.rules:
        about = old[1:]
        if old != b"+@all" and (about == subject or about.startswith(subject + b"|")):
            continue
        kept.append(old)
    kept.append(rule)
    selector.rules = kept


def rows_of(table: dict[bytes, Command]) -> list[Command]:
    """Every command and sub-command of a table, once each."""
    rows: list[Command] = []
    for name, command in table.items():
        if name == command.name:
            rows.append(command)
            if command.subcommands is not None:
                rows.extend(command.subcommands.values())
    return rows


def row_count(table: dict[bytes, Command]) -> int:
    """One more than the highest ``Command.id``."""
    return max([row.id for row in rows_of(table)]) + 1
