"""A profile is one family at one version: what the engine reports, which commands exist, how replies differ.

The commands of a profile are those whose ``since`` is not above ``commands_through``. ElastiCache's Redis OSS 7.1 is
"compatible with Redis OSS v7.0" (its user guide, engine versions), so that profile has the commands of 7.0.
RDB versions: ``rdb.h`` of each engine.
"""

from typing import Final


class Profile:
    """One engine family and version."""

    def __init__(
        self,
        name: str,
        family: str,
        version: str,
        compatible_version: str,
        commands_through: tuple[int, int, int],
        rdb_version: int,
    ) -> None:
        self.name = name
        self.family = family  # "valkey" or "redis"
        self.version = version  # what INFO reports as the engine's own version
        self.compatible_version = compatible_version  # redis_version, which clients look at
        self.commands_through = commands_through
        self.rdb_version = rdb_version
        self.shortest_doubles = commands_through >= (7, 2, 0)  # until then 17 digits, see ``doubles``
        newer = family == "valkey" and commands_through >= (9, 1, 0)
        self.name_in_scripts = b"Valkey" if newer else b"Redis"  # in what they are told of commands for clients only
        self.hexadecimal_doubles = commands_through < (9, 0, 0)  # Valkey 9 reads decimal ones only

    @property
    def is_valkey(self) -> bool:
        """Valkey and Redis OSS differ in some replies, names and defaults."""
        return self.family == "valkey"

    def is_valkey_from(self, major: int, minor: int) -> bool:
        """Is this Valkey at ``major.minor`` or later?"""
        return self.family == "valkey" and self.commands_through >= (major, minor, 0)

    def encoding_name(self, kind: bytes, encoding: bytes) -> bytes:
        """What this version has in the place of Valkey's ``encoding`` for a ``kind``: packed forms came one by one."""
        if self.commands_through < (7, 2, 0):
            if kind == b"list":
                return b"quicklist"
            if kind == b"set" and encoding == b"listpack":
                return b"hashtable"
            if encoding == b"listpack" and self.commands_through < (7, 0, 0):
                return b"ziplist"
        return encoding


PROFILES: Final[dict[str, Profile]] = {
    "valkey-7.2": Profile("valkey-7.2", "valkey", "7.2.6", "7.2.4", (7, 2, 255), 11),
    "valkey-8.0": Profile("valkey-8.0", "valkey", "8.0.1", "7.2.4", (8, 0, 255), 11),
    "valkey-8.1": Profile("valkey-8.1", "valkey", "8.1.1", "7.2.4", (8, 1, 255), 11),
    "valkey-9.0": Profile("valkey-9.0", "valkey", "9.0.0", "7.2.4", (9, 0, 255), 80),
    "valkey-9.1": Profile("valkey-9.1", "valkey", "9.1.2", "7.2.4", (9, 1, 255), 80),
    "redis-6.2": Profile("redis-6.2", "redis", "6.2.6", "6.2.6", (6, 2, 255), 9),
    "redis-7.1": Profile("redis-7.1", "redis", "7.1.0", "7.1.0", (7, 0, 255), 10),
}

DEFAULT_PROFILE: Final = "valkey-8.1"
