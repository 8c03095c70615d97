"""The parameters of an engine: what CONFIG GET and SET see, and the groups of settings that code reads while it runs.

Values are kept as the text that CONFIG GET shows. ``set_many`` checks all before it changes any, as CONFIG SET does;
``values`` has every parameter under Valkey's name for it, ``rows`` those that the profile's engine knows, by all their
names.
"""

from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.text.glob import glob_match_nocase

from .checks import checked
from .parameters import PARAMETERS, Parameter
from .profile import DEFAULT_PROFILE, PROFILES, Profile
from .settings import ClientLimits, Encodings, MemorySettings, Monitoring, ServerSettings, boolean, integer

RETIRED: Final = {
    "list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands", "io-threads-do-reads", "dynamic-hz",
}  # fmt: skip
_GLOB: Final = frozenset(b"[*?")


class Config:
    """Parameters by name, and groups of typed settings (``settings``)."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile if profile is not None else PROFILES[DEFAULT_PROFILE]
        self.rows: dict[bytes, Parameter] = {}
        self.values: dict[bytes, bytes] = {}  # by the parameter's own name
        # Parameters of ElastiCache that the open engines do not have.
        self.names_nodes_by_tls = False  # cluster-preferred-endpoint-type tls-dynamic
        self.closes_on_replica_write = False
        for row in PARAMETERS:
            self.values[row.name.encode()] = self.default_of(row)
            for name in _names(row, self.profile):
                self.rows[name.encode()] = row
        self._read()

    # -- by name ------------------------------------------------------------------------------------------------------

    def get(self, name: str) -> str | None:
        """The text of a parameter, by any of its names; None if the profile has no such parameter."""
        row = self.rows.get(name.lower().encode())
        return None if row is None else self.values[row.name.encode()].decode()

    def default_of(self, row: Parameter) -> bytes:
        """What a parameter is before anybody sets it."""
        if self.profile.is_valkey or row.redis_default is None:
            return row.default.encode()
        return row.redis_default.encode()

    def matching(self, patterns: list[bytes]) -> list[tuple[bytes, bytes]]:
        """Names (other names included, as CONFIG GET lists them) and values that one of ``patterns`` matches.

        A name that is no pattern finds hidden parameters too.
        """
        found: dict[bytes, bytes] = {}
        named_before: set[bytes] = set()
        for pattern in patterns:
            if not _GLOB.intersection(pattern):
                named = self.rows.get(pattern.lower())
                if named is not None and pattern.lower() not in named_before:
                    found.setdefault(pattern, self.values[named.name.encode()])
                    named_before.add(pattern.lower())
                continue
            for name, row in self.rows.items():
                if not row.hidden and glob_match_nocase(pattern, name):
                    found[name] = self.values[row.name.encode()]
        return sorted(found.items()) if self.profile.sorts_config_get else list(found.items())

    def is_retired(self, name: str) -> bool:
        """Whether this is a parameter of older versions, which may be given at start and has no effect."""
        if self.profile.is_valkey and name.lower() in RETIRED:
            return True
        return any(row.name == name.lower() and self.profile.commands_through >= row.until for row in PARAMETERS)

    def snapshot(self) -> dict[bytes, bytes]:
        """All values, for ``restore``."""
        return dict(self.values)

    def restore(self, values: dict[bytes, bytes]) -> None:
        """Take back what was set since ``snapshot``."""
        self.values = dict(values)
        self._read()

    def set_at_start(self, name: str, value: str) -> None:
        """Set a parameter from the command line or a file: immutable ones too. Raises CommandError."""
        key = name.lower().encode()
        row = self.rows.get(key)
        if row is None:
            if self.is_retired(name):
                return
            raise CommandError(b"ERR Unknown option '" + key + b"'")
        try:
            text = checked(row, value.encode(), self.values[row.name.encode()])
        except CommandError as problem:
            raise CommandError(b"ERR " + key + b": " + problem.line) from None
        self.values[row.name.encode()] = text
        self._read()

    def set_many(self, pairs: list[tuple[bytes, bytes]], may_set_protected: bool) -> list[str]:
        """CONFIG SET: all of ``pairs`` or none; the names of what was set. Raises CommandError with Valkey's text."""
        rows: list[Parameter] = []
        for given, _ in pairs:
            found = self.rows.get(given.lower())
            if found is None:
                raise CommandError(b"ERR Unknown option or number of arguments for CONFIG SET - '" + given + b"'")
            if found.immutable:
                raise refused(given, b"can't set immutable config")
            if found.protected and not may_set_protected:
                raise refused(given, b"can't set protected config")
            if found in rows:
                raise refused(given, b"duplicate parameter")
            rows.append(found)
        new: dict[bytes, bytes] = {}
        for row, (given, value) in zip(rows, pairs, strict=True):
            key = row.name.encode()
            try:
                new[key] = checked(row, value, self.values[key])
            except CommandError as problem:
                raise refused(given.lower(), problem.line) from None
        self.values.update(new)
        self._read()
        return [row.name for row in rows]

    # -- typed --------------------------------------------------------------------------------------------------------

    def integer(self, name: str) -> int:
        """A number or an amount of memory; 0 for a parameter that this profile does not have."""
        return integer(self.values, name)

    def boolean(self, name: str) -> bool:
        """Whether a parameter is ``yes``."""
        return boolean(self.values, name)

    def _read(self) -> None:
        """Make the groups of settings anew."""
        values = self.values
        self.server = ServerSettings(values, self.profile)
        self.clients = ClientLimits(values)
        self.memory = MemorySettings(values)
        self.encodings = Encodings(values)
        self.monitoring = Monitoring(values)


def refused(name: bytes, reason: bytes) -> CommandError:
    """CONFIG SET could not set ``name``."""
    return CommandError(b"ERR CONFIG SET failed (possibly related to argument '" + name + b"') - " + reason)


def _names(row: Parameter, profile: Profile) -> list[str]:
    """What a parameter is called; nothing where the profile's engine does not have it."""
    is_valkey = profile.is_valkey
    if row.redis_only if is_valkey else row.valkey_only:
        return []
    if is_valkey and not row.since <= profile.commands_through < row.until:
        return []
    if row.valkey_name and not is_valkey:
        return [row.alias]
    return [row.name, row.alias] if row.alias else [row.name]
