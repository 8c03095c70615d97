"""What a key takes, as MEMORY USAGE counts it."""

from .allocation import allocated
from .keyspace import Database, Value
from .types.string import string_bytes

_ENTRY_BYTES = 32  # the table's share: a bucket pointer, and the key's own header


def size_of_key(db: Database, key: bytes, value: object, samples: int) -> int:
    """Bytes of ``key`` and its value, estimated from ``samples`` elements (0: all)."""
    own = allocated(len(key) + 4) + _ENTRY_BYTES
    if db.expiry_of(key) >= 0:
        own += 8
    if isinstance(value, Value):
        return own + value.size_bytes(samples)
    return own + string_bytes(value) if isinstance(value, bytes) else own
