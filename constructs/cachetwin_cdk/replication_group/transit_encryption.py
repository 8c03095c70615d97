"""Whether a cache with TLS also accepts connections without it."""

from enum import StrEnum


class TransitEncryptionMode(StrEnum):
    """How a cache with TLS handles clients without TLS."""

    REQUIRED = "required"
    """Connections without TLS are refused."""
    PREFERRED = "preferred"
    """Connections without TLS are accepted: a step from a cache without TLS to REQUIRED."""
