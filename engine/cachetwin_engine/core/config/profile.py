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
        self._set_differences_of_values()
        self._set_differences_of_servers()

    def _set_differences_of_values(self) -> None:
        """What commands on keys do differently from version to version."""
        from_7_2 = self.commands_through >= (7, 2, 0)
        valkey_8_0, valkey_8_1 = self.is_valkey_from(8, 0), self.is_valkey_from(8, 1)
        valkey_9_0 = self.is_valkey_from(9, 0)
        # strings and hashes
        self.has_set_ifeq = valkey_8_1
        self.expires_past_ttls = valkey_8_1  # a TTL in the past: the key counts as expired, and SET stores nothing
        self.getex_parses_ttl_first = valkey_9_0  # before it looks at the key
        self.propagates_pxat_as_given = from_7_2
        self.shares_small_integers = not valkey_8_1  # as OBJECT REFCOUNT shows it
        self.has_field_expiry = valkey_9_0
        # bitmaps and HyperLogLogs
        self.parses_bit_ranges_first = valkey_8_0  # until then a missing key was an answer, whatever the range
        self.has_open_bitcount = valkey_8_0  # BITCOUNT key start
        self.has_pfdebug_simd = valkey_8_1
        self.shortest_scores_in_digest = valkey_8_1  # DEBUG DIGEST
        # sets, lists, sorted sets and geo indexes
        self.packs_sets = from_7_2  # as listpacks
        self.truncates_list_indexes = from_7_2  # LSET passes an index as a 32-bit integer
        self.has_rank_with_score = from_7_2
        self.has_geo_polygons = valkey_9_0
        self.names_missing_geo_member = valkey_9_0
        # streams
        self.creates_consumers_on_read = from_7_2  # at the first request; until then at the first entry
        self.tracks_active_consumers = from_7_2  # seen-time and active-time differ
        self.propagates_group_positions = from_7_2  # until then the LASTID of XCLAIM did
        self.keeps_expired_on_wake = from_7_2  # until then an expired key was deleted for a client blocked on it
        self.retries_blocked_reads = from_7_2  # a group that is gone ends the wait with the command's own error
        self.may_block_in_scripts = from_7_2  # XREAD BLOCK
        self.has_last_id_in_xread = self.commands_through >= (8, 0, 0)  # the ID +
        self.xsetid_checks_deleted_ids = from_7_2
        # any key
        self.has_scan_without_values = valkey_8_0  # NOVALUES, NOSCORES
        self.checks_scan_types = valkey_8_0
        self.sorts_by_pattern_in_cluster = valkey_8_0  # SORT BY and GET, within the slot of the key

    def _set_differences_of_servers(self) -> None:
        """What connections, clusters and servers do differently from version to version."""
        from_7_2 = self.commands_through >= (7, 2, 0)
        valkey_8_0, valkey_8_1 = self.is_valkey_from(8, 0), self.is_valkey_from(8, 1)
        valkey_9_0, valkey_9_1 = self.is_valkey_from(9, 0), self.is_valkey_from(9, 1)
        # connections
        self.shows_zone = valkey_8_1  # HELLO, INFO
        self.takes_several_client_ids = valkey_8_1  # CLIENT KILL ID 1 2 3 and more filters behind it
        self.has_more_client_filters = valkey_9_0  # by name, flags, database, ...; and their negations
        self.ignores_extra_unblock_arguments = valkey_8_0  # CLIENT UNBLOCK
        self.shows_client_library = from_7_2  # CLIENT LIST
        self.shows_watched_keys = valkey_8_0
        self.shows_client_traffic = valkey_8_1
        self.counts_request_as_buffered = not valkey_8_0
        self.counts_tracking_prefixes = valkey_9_1  # in a client's memory
        self.wants_line_ends = valkey_9_1  # of the parser: bulk strings end with CR LF
        self.mixes_quotes = valkey_9_0  # of the parser: quoted and bare parts in one inline word
        self.has_acl_databases = valkey_9_1
        self.names_command_refused_in_multi = valkey_9_0
        # clusters
        self.has_databases_in_cluster = valkey_9_0
        self.has_standalone_readonly = valkey_8_0  # READONLY without cluster mode
        self.keyslot_needs_cluster = not valkey_9_1  # CLUSTER KEYSLOT
        self.shows_cluster_zones = valkey_9_1
        self.shows_shard_ids = valkey_9_1  # CLUSTER SHARDS
        self.counts_failing_nodes = valkey_9_0  # CLUSTER INFO
        self.counts_bus_bytes = valkey_9_1
        self.answers_unstable_slots = valkey_9_0  # TRYAGAIN for several keys of a slot that migrates
        # scripts
        self.has_server_object = valkey_8_0  # server.call beside redis.call
        self.has_scripting_engines = valkey_8_1  # looked up by the name in the shebang
        self.names_script_in_errors = not valkey_9_1
        self.has_brief_acl_failures = from_7_2
        self.tracks_keys_of_scripts = from_7_2  # CLIENT TRACKING; until then by the flags of the calling command
        # replication and files
        self.selects_inside_multi = from_7_2  # SELECT behind the MULTI of a batch
        self.sends_version_to_primary = valkey_8_0
        self.names_redis_in_files = not valkey_8_0
        self.has_multi_part_aof = self.commands_through >= (7, 0, 0)
        # servers
        self.names_redis_in_errors = not valkey_8_0
        self.lolwut_names_valkey = valkey_9_0
        self.sorts_config_get = valkey_9_0
        self.has_commandlog = valkey_8_1
        self.has_latency_sums = valkey_8_1  # LATENCY LATEST
        self.shows_pause = valkey_8_1  # INFO clients
        self.shows_replication_buffers = valkey_8_0  # INFO replication
        self.has_more_info_sections = valkey_9_1
        self.documents_display_text = from_7_2  # COMMAND DOCS
        self.lists_no_subcommands_as_array = valkey_9_1  # COMMAND INFO; until then as a set

    @property
    def is_valkey(self) -> bool:
        """Valkey and Redis OSS differ in some replies, names and defaults."""
        return self.family == "valkey"

    def is_valkey_from(self, major: int, minor: int) -> bool:
        """Whether this is Valkey at ``major.minor`` or later."""
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
