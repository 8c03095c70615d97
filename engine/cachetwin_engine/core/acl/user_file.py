"""The file of users that ``aclfile`` names: a line of ACL LIST for each, all of them usable or none is used."""

from .access import AccessControl
from .rules import UNKNOWN, RuleError, apply_rule, merge_selectors
from .user import User

_UNCHANGED = b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed"


def parse_users(text: bytes, path: bytes, access: AccessControl) -> dict[bytes, User]:
    """The users of a file by name. Raises RuleError that lists all that is wrong with it, as ACL LOAD answers."""
    users: dict[bytes, User] = {}
    problems: list[bytes] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        words = line.strip(b" \t\r").split(b" ")
        if words == [b""]:
            continue
        where = path + b":%d" % number
        if words[0] != b"user" or len(words) < 2:
            problems.append(where + b" should start with user keyword followed by the username. ")
        elif words[1] in users:
            problems.append(b"WARNING: Duplicate user '" + words[1] + b"' found on line %d. " % number)
        else:
            users[words[1]] = access.new_user(words[1])
            problems += _apply(users[words[1]], words[2:], where, access)
    if problems:
        raise RuleError(b"".join(problems) + _UNCHANGED)
    return users


def written_users(users: dict[bytes, User], sanitizing: bool) -> bytes:
    """The file's content for these users."""
    return b"".join([users[name].describe(sanitizing) + b"\n" for name in sorted(users)])


def _apply(user: User, words: list[bytes], where: bytes, access: AccessControl) -> list[bytes]:
    """Apply a line's rules; what is wrong with them. Only what can hold no secret is quoted."""
    problems: list[bytes] = []
    told = False
    try:
        rules = merge_selectors([word.strip(b"\t\r") for word in words if word])
    except RuleError:
        return [where + b": Unmatched parenthesis in selector definition."]
    for rule in rules:
        try:
            apply_rule(user, rule, access.table, access.allow_channels, access.by_database)
        except RuleError as problem:
            if problem.reason == UNKNOWN:
                problems.append(where + b": Error in applying operation '" + rule + b"': " + problem.reason + b". ")
            elif not told:
                problems.append(where + b": " + problem.reason + b". ")
                told = True
    return problems
