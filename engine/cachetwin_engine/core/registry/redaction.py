"""Redaction of passwords and ACL rules for logs, MONITOR and COMMANDLOG, as Valkey redacts them."""

from typing import Final

_HIDDEN: Final = b"(redacted)"
_SECRET_PARAMETERS: Final = {
    b"requirepass", b"masterauth", b"masteruser", b"primaryauth", b"primaryuser", b"tls-key-file-pass",
    b"tls-client-key-file-pass",
}  # fmt: skip
_ACL_SECRETIVE: Final = {b"setuser", b"deluser", b"getuser"}


def shown(args: list[bytes], row_name: bytes = b"") -> list[bytes]:
    """``args`` without secrets; the same list if there are none.

    ``row_name`` is the name of the command in the table, which differs after ``rename-command``.
    """
    name = (row_name or args[0].lower()).partition(b"|")[0]
    if name == b"auth":
        return [args[0]] + [_HIDDEN] * (len(args) - 1)
    if name == b"hello":
        return _without_login(args)
    if len(args) < 3:
        return args
    if name == b"migrate":
        return _without_migration_login(args)
    if name == b"acl" and args[1].lower() in _ACL_SECRETIVE:
        return args[:2] + [_HIDDEN] * (len(args) - 2)
    if name == b"config" and args[1].lower() == b"set":
        words = list(args)
        for at in range(3, len(args), 2):
            if args[at - 1].lower() in _SECRET_PARAMETERS:
                words[at] = _HIDDEN
        return words
    return args


def _without_migration_login(args: list[bytes]) -> list[bytes]:
    words = list(args)
    at = 6
    while at < len(args):
        word = args[at].lower()
        if word == b"keys":
            break
        hidden = {b"auth": 1, b"auth2": 2}.get(word, 0)
        for place in range(at + 1, min(at + 1 + hidden, len(args))):
            words[place] = _HIDDEN
        at += 1 + hidden
    return words


def _without_login(args: list[bytes]) -> list[bytes]:
    words = list(args)
    for at in range(1, len(args)):
        if args[at].lower() == b"auth":
            for place in range(at + 1, min(at + 3, len(args))):
                words[place] = _HIDDEN
            break
    return words
