"""The parameters of an engine: what CONFIG GET and SET see, and typed copies of those that code reads while it runs.

Values are kept as the text that CONFIG GET shows. ``set_many`` checks all before it changes any, as CONFIG SET does;
``values`` has every parameter under Valkey's name for it, ``rows`` those that the profile's engine knows, by all their
names.
"""

import ipaddress
from collections.abc import Callable
from typing import Final

from cachetwin_engine.core.config.notifications import flags_of, letters_of
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.text.glob import glob_match_nocase
from cachetwin_engine.core.text.numbers import float_or_none, integer_or_none

from .parameters import (
    BOOLEAN,
    BUFFER_LIMITS,
    CHOICE,
    CHOICES,
    EVENTS,
    FILE_NAME,
    INTEGER,
    MEMORY,
    OCTAL,
    OOM_SCORES,
    PARAMETERS,
    PERCENT,
    PERCENTILES,
    SAVE,
    TEXT,
    Parameter,
)
from .profile import DEFAULT_PROFILE, PROFILES, Profile

RETIRED: Final = {
    "list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands", "io-threads-do-reads", "dynamic-hz",
}  # fmt: skip
BIND_ADDRESSES_MAX: Final = 16
HOST_NAME_BYTES_MAX: Final = 256
_GLOB: Final = frozenset(b"[*?")
_OCTAL_DIGITS: Final = frozenset(b"01234567")
_HOST_NAME: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_UNITS: Final[dict[bytes, int]] = {
    b"": 1,
    b"b": 1,
    b"k": 1000,
    b"kb": 1024,
    b"m": 1000_000,
    b"mb": 1024**2,
    b"g": 1000_000_000,
    b"gb": 1024**3,
}
_CLIENT_CLASSES: Final[dict[bytes, bytes]] = {
    b"normal": b"normal",
    b"slave": b"slave",
    b"replica": b"slave",
    b"pubsub": b"pubsub",
}


class BufferLimit:
    """The output buffer limit of one class of clients; 0 is no limit."""

    def __init__(self, hard_bytes: int, soft_bytes: int, soft_seconds: int) -> None:
        self.hard_bytes = hard_bytes
        self.soft_bytes = soft_bytes
        self.soft_seconds = soft_seconds


class Config:
    """Parameters by name, and attributes for those that code reads."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile if profile is not None else PROFILES[DEFAULT_PROFILE]
        self.rows: dict[bytes, Parameter] = {}
        self.values: dict[bytes, bytes] = {}  # by the parameter's own name
        for row in PARAMETERS:
            self.values[row.name.encode()] = self.default_of(row)
            for name in _names(row, self.profile):
                self.rows[name.encode()] = row
        self.buffer_limits: dict[bytes, BufferLimit] = {}
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
        return sorted(found.items()) if self.profile.is_valkey_from(9, 0) else list(found.items())

    def is_retired(self, name: str) -> bool:
        """Is it a parameter of older versions that may be given at start, and means nothing any more?"""
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
        return int(self.values.get(name.encode(), b"0"))

    def boolean(self, name: str) -> bool:
        """Is it ``yes``?"""
        return self.values.get(name.encode()) == b"yes"

    def _read(self) -> None:
        """Copy what code reads while it runs into attributes."""
        in_cluster = self.boolean("cluster-enabled") and self.profile.is_valkey_from(9, 0)
        self.databases = self.integer("cluster-databases" if in_cluster else "databases")
        numbers = [int(word) for word in self.values[b"save"].split()]
        self.save_points = list(zip(numbers[::2], numbers[1::2], strict=True))  # seconds, changes
        self.hz = max(1, min(500, self.integer("hz")))
        self.proto_max_bulk_len = self.integer("proto-max-bulk-len")
        self.client_query_buffer_limit = self.integer("client-query-buffer-limit")
        self.maxclients = self.integer("maxclients")
        self.timeout = self.integer("timeout")
        self.tcp_keepalive = self.integer("tcp-keepalive")
        self.maxmemory = self.integer("maxmemory")
        self.maxmemory_policy = self.values[b"maxmemory-policy"]
        self.expiry_deletes_with = b"UNLINK" if self.boolean("lazyfree-lazy-expire") else b"DEL"
        self.eviction_deletes_with = b"UNLINK" if self.boolean("lazyfree-lazy-eviction") else b"DEL"
        self.uses_lfu = self.maxmemory_policy.endswith(b"-lfu")
        self.maxmemory_samples = self.integer("maxmemory-samples")
        self.import_mode = self.boolean("import-mode")
        self.replica_ignore_maxmemory = self.boolean("replica-ignore-maxmemory")
        self.maxmemory_clients = self.values[b"maxmemory-clients"]
        self.min_replicas_to_write = self.integer("min-replicas-to-write")
        self.min_replicas_max_lag = self.integer("min-replicas-max-lag")
        self.lfu_log_factor = self.integer("lfu-log-factor")
        self.lfu_decay_time = self.integer("lfu-decay-time")
        self.active_expire_effort = self.integer("active-expire-effort")
        self.hash_max_listpack_entries = self.integer("hash-max-listpack-entries")
        self.hash_max_listpack_value = self.integer("hash-max-listpack-value")
        self.set_max_intset_entries = self.integer("set-max-intset-entries")
        self.set_max_listpack_entries = self.integer("set-max-listpack-entries")
        self.set_max_listpack_value = self.integer("set-max-listpack-value")
        self.zset_max_listpack_entries = self.integer("zset-max-listpack-entries")
        self.zset_max_listpack_value = self.integer("zset-max-listpack-value")
        self.list_max_listpack_size = self.integer("list-max-listpack-size")
        self.list_compress_depth = self.integer("list-compress-depth")
        self.stream_node_max_bytes = self.integer("stream-node-max-bytes")
        self.stream_node_max_entries = self.integer("stream-node-max-entries")
        self.hll_sparse_max_bytes = self.integer("hll-sparse-max-bytes")
        self.slowlog_log_slower_than = self.integer("commandlog-execution-slower-than")
        self.large_request_bytes = self.integer("commandlog-request-larger-than")
        self.large_reply_bytes = self.integer("commandlog-reply-larger-than")
        self.latency_monitor_threshold = self.integer("latency-monitor-threshold")
        self.latency_tracking = self.boolean("latency-tracking")
        self.tracking_table_max_keys = self.integer("tracking-table-max-keys")
        self.busy_reply_threshold_ms = self.integer("busy-reply-threshold")
        self.notify_flags = flags_of(self.values[b"notify-keyspace-events"].decode())
        self.extended_redis_compatibility = self.boolean("extended-redis-compatibility")
        self.cluster_enabled = self.boolean("cluster-enabled")
        self.acl_pubsub_default_all = self.values[b"acl-pubsub-default"] == b"allchannels"
        self.buffer_limits = _buffer_limits(self.values[b"client-output-buffer-limit"])
        replicas = self.buffer_limits[b"slave"]
        if replicas.hard_bytes:  # with less, one that catches up from the backlog is cut off for it (networking.c)
            replicas.hard_bytes = max(replicas.hard_bytes, self.integer("repl-backlog-size"))


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


def checked(row: Parameter, value: bytes, current: bytes) -> bytes:
    """The canonical text of ``value``. Raises CommandError whose ``line`` is the reason alone."""
    if row.kind == BUFFER_LIMITS:
        return _merged_buffer_limits(value, current)
    return _CHECKS[row.kind](row, value)


def memory_or_none(text: bytes) -> int | None:
    """Bytes from ``100``, ``1k``, ``1kb``, ``2gb`` ...; None if it is not an amount."""
    if not text:
        return 0
    digits = text.rstrip(b"bkmgBKMG")
    unit = _UNITS.get(text[len(digits) :].lower())
    if unit is None or not digits.isdigit():
        return None
    return int(digits) * unit


def _boolean(row: Parameter, value: bytes) -> bytes:
    if value.lower() not in {b"yes", b"no"}:
        raise CommandError(b"argument must be 'yes' or 'no'")
    return value.lower()


def _integer(row: Parameter, value: bytes) -> bytes:
    return _bounded(row, integer_or_none(value), b"argument couldn't be parsed into an integer")


def _memory(row: Parameter, value: bytes) -> bytes:
    if row.low < 0 and value[:1] == b"-":
        amount = memory_or_none(value[1:])
        return _bounded(row, None if amount is None else -amount, b"argument must be a memory value")
    return _bounded(row, memory_or_none(value), b"argument must be a memory value")


def _choice(row: Parameter, value: bytes) -> bytes:
    for choice in row.choices:
        if value.lower() == choice.lower().encode():
            return choice.encode()
    raise CommandError(b"argument(s) must be one of the following: " + ", ".join(row.choices).encode())


def _events(row: Parameter, value: bytes) -> bytes:
    flags = flags_of(value.decode("latin-1"))
    if flags < 0:
        raise CommandError(b"Invalid event class character. Use 'Ag$lszhxeKEtmdn'.")
    return letters_of(flags).encode()


def _bounded(row: Parameter, number: int | None, otherwise: bytes) -> bytes:
    if number is None:
        raise CommandError(otherwise)
    if not row.low <= number <= row.high:
        raise CommandError(b"argument must be between %d and %d inclusive" % (row.low, row.high))
    return b"%d" % number


def _percent(row: Parameter, value: bytes) -> bytes:
    share = integer_or_none(value[:-1]) if value.endswith(b"%") else None
    if share is not None and share >= 0:
        if share > 100:
            raise CommandError(b"percentage argument must be less or equal to 100")
        return b"%d%%" % share
    return _bounded(row, memory_or_none(value), b"argument must be a memory or percent value")


def _chosen(row: Parameter, value: bytes) -> bytes:
    """One or more of the choices, in the order of the choices."""
    words = value.lower().decode("latin-1").split()
    if not words or not set(words) <= set(row.choices):
        raise CommandError(b"argument(s) must be one of the following: " + ", ".join(row.choices).encode())
    if "save" in words and "nosave" in words:
        raise CommandError(b"shutdown options SAVE and NOSAVE can't be used simultaneously")
    chosen = [word for word in row.choices if word in words and word != "default"]
    return " ".join(chosen or ["default"]).encode()


def _octal(row: Parameter, value: bytes) -> bytes:
    if not value or not _OCTAL_DIGITS.issuperset(value):
        raise CommandError(b"argument couldn't be parsed as an octal number")
    number = int(value, 8)
    if number > row.high:
        raise CommandError(b"argument must be between %o and %o inclusive" % (row.low, row.high))
    return b"%o" % number


def _file_name(row: Parameter, value: bytes) -> bytes:
    if not value:
        raise CommandError(row.name.encode() + b" can't be empty")
    if b"/" in value:
        kind = b"dirname" if row.name == "appenddirname" else b"filename"
        raise CommandError(row.name.encode() + b" can't be a path, just a " + kind)
    return value


def _oom_scores(row: Parameter, value: bytes) -> bytes:
    words = value.split()
    if len(words) != 3:
        raise CommandError(b"wrong number of arguments")
    for word in words:
        number = integer_or_none(word)
        if number is None or not -2000 <= number <= 2000:
            raise CommandError(b"Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
    return b" ".join(words)


def _text(row: Parameter, value: bytes) -> bytes:
    if row.name == "dir" and not value:
        raise CommandError(b"dir can't be empty")
    if row.name == "bind":
        words = value.split()
        if len(words) > BIND_ADDRESSES_MAX:
            raise CommandError(b"Too many bind addresses specified.")
        return b" ".join(words)
    if row.name == "cluster-announce-hostname":
        if len(value) >= HOST_NAME_BYTES_MAX:
            raise CommandError(b"Hostnames must be less than %d characters" % HOST_NAME_BYTES_MAX)
        if not _HOST_NAME.issuperset(value):
            raise CommandError(b"Hostnames may only contain alphanumeric characters, hyphens or dots")
    if row.name == "proc-title-template" and not _is_title_template(value):
        raise CommandError(b"template format is invalid or contains unknown variables")
    if row.name == "cluster-announce-client-ipv4" and value and not _is_address(value, 4):
        raise CommandError(b"Invalid IPv4 address")
    if row.name == "cluster-announce-client-ipv6" and value and not _is_address(value, 6):
        raise CommandError(b"Invalid IPv6 address")
    return value


def _is_title_template(value: bytes) -> bool:
    """Are all its braces variables that there are?"""
    rest = value
    for name in (b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"):
        rest = rest.replace(b"{" + name + b"}", b"")
    return b"{" not in rest and b"}" not in rest


def _is_address(value: bytes, version: int) -> bool:
    try:
        return ipaddress.ip_address(value.decode("latin-1")).version == version
    except ValueError:
        return False


def _save_points(row: Parameter, value: bytes) -> bytes:
    words = value.split()
    numbers = [integer_or_none(word) for word in words]
    if len(words) % 2:
        raise CommandError(b"Invalid save parameters")
    for place, number in enumerate(numbers):
        if number is None or number < (1 if place % 2 == 0 else 0):
            raise CommandError(b"Invalid save parameters")
    return b" ".join(words)


def _merged_buffer_limits(value: bytes, current: bytes) -> bytes:
    """Classes that ``value`` names replace those of ``current``."""
    words = value.split()
    if len(words) % 4:
        raise CommandError(b"Wrong number of arguments in buffer limit configuration.")
    limits = _buffer_limits(current)
    for at in range(0, len(words), 4):
        name = _CLIENT_CLASSES.get(words[at].lower())
        if name is None:
            raise CommandError(b"Invalid client class specified in buffer limit configuration.")
        hard, soft = memory_or_none(words[at + 1]), memory_or_none(words[at + 2])
        seconds = integer_or_none(words[at + 3])
        if hard is None or soft is None or seconds is None or seconds < 0:
            raise CommandError(b"Error in hard, soft or soft_seconds setting in buffer limit configuration.")
        limits[name] = BufferLimit(hard, soft, seconds)
    return b" ".join(
        [
            b"%b %d %d %d" % (name, limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
            for name, limit in limits.items()
        ]
    )


def _buffer_limits(text: bytes) -> dict[bytes, BufferLimit]:
    words = text.split()
    limits: dict[bytes, BufferLimit] = {}
    for at in range(0, len(words), 4):
        limits[words[at]] = BufferLimit(int(words[at + 1]), int(words[at + 2]), int(words[at + 3]))
    return limits


def _percentiles(row: Parameter, value: bytes) -> bytes:
    texts: list[bytes] = []
    for word in value.split():
        number = float_or_none(word)
        if number is None:
            raise CommandError(b"Invalid latency-tracking-info-percentiles parameters")
        if not 0 <= number <= 100:
            raise CommandError(b"latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
        texts.append(b"%d" % int(number) if number == int(number) else repr(number).encode())
    return b" ".join(texts)


_CHECKS: Final[dict[str, Callable[[Parameter, bytes], bytes]]] = {
    BOOLEAN: _boolean,
    INTEGER: _integer,
    MEMORY: _memory,
    PERCENT: _percent,
    CHOICE: _choice,
    CHOICES: _chosen,
    TEXT: _text,
    OCTAL: _octal,
    FILE_NAME: _file_name,
    OOM_SCORES: _oom_scores,
    SAVE: _save_points,
    EVENTS: _events,
    PERCENTILES: _percentiles,
}
