"""One user: what it may run, which keys and channels it may touch, and how it proves who it is."""


class User:
    """A user of the engine."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.enabled = False
        self.no_password = False
        self.password_hashes: list[bytes] = []  # SHA-256 in lower-case hex, in order of addition
        self.unrestricted = False  # all commands, all keys, all channels: nothing to check


def superuser(name: bytes) -> User:
    """Who a client is before anybody set up users."""
    user = User(name)
    user.enabled = True
    user.no_password = True
    user.unrestricted = True
    return user
