"""Whether clients may also come without TLS."""

from enum import StrEnum


class TransitEncryptionMode(StrEnum):
    """What a cache with TLS does with clients that do not speak it."""

    REQUIRED = "required"
    """They are refused."""
    PREFERRED = "preferred"
    """They are served in the clear: a step on the way of a cache that had no TLS, from which REQUIRED is the next one."""
