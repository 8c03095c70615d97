"""The settings of a server: those of memcached's command line, with its defaults (memcached.c, settings_init)."""

from typing import Final

MEGABYTE: Final = 1024 * 1024
KEY_BYTES_MAX: Final = 250
ITEM_BYTES_MIN: Final = 1024
ITEM_BYTES_MAX: Final = 1024 * MEGABYTE
READ_BUFFER_BYTES: Final = 16 * 1024
REPLY_BYTES: Final = 800
"""What a reply under way takes of memcached's buffers, about (memcached.h, mc_resp)."""

VERBOSITY_MAX: Final = 3  # settings.verbose and the command


class Settings:
    """What one server was started with, and what commands change while it runs."""

    def __init__(self) -> None:
        self.version = b"1.6.22"
        self.elasticache = False
        self.serverless = False
        self.debug_commands = False
        self.max_bytes = 64 * MEGABYTE
        self.max_connections = 1024
        self.tcp_port = 11211
        self.udp_port = 0
        self.interface = b""
        self.verbosity = 0
        self.evicts = True
        self.socket_path = b""
        self.socket_mode = 0o700
        self.auth_file = b""
        self.growth_factor = 1.25
        self.chunk_size = 48
        self.threads = 4
        self.prefix_delimiter = b":"
        self.detail_enabled = False
        self.requests_per_event = 20
        self.use_cas = True
        self.backlog = 1024
        self.protocol = b"auto-negotiate"
        self.protocol_given = False
        self.item_size_max = MEGABYTE
        self.page_size = MEGABYTE
        self.chunk_size_max = MEGABYTE // 2
        self.chunk_size_given = False
        self.slab_sizes: list[int] = []
        self.closes_surplus_connections = True  # maxconns_fast
        self.shutdown_command = False
        self.flush_enabled = True
        self.dump_enabled = True
        self.watch_enabled = True
        self.hash_power = 0
        self.hash_algorithm = b"murmur3"
        self.idle_timeout = 0
        self.tail_repair_time = 0
        self.watcher_buffer_bytes = 256 * 1024
        self.worker_buffer_bytes = 64 * 1024
        self.read_buffer_limit = 0
        self.track_sizes = False
        self._set_lru()
        self._set_tls()

    def _set_lru(self) -> None:
        self.lru_crawler = True
        self.lru_crawler_sleep = 100
        self.lru_crawler_tocrawl = 0
        self.lru_maintainer = True
        self.lru_segmented = True
        self.hot_lru_pct = 20
        self.warm_lru_pct = 40
        self.hot_max_factor = 0.2
        self.warm_max_factor = 2.0
        self.temp_lru = False
        self.temporary_ttl = 61
        self.slab_reassign = True
        self.slab_automove = 1
        self.slab_automove_ratio = 0.8
        self.slab_automove_window = 30

    def _set_tls(self) -> None:
        self.ssl_enabled = False
        self.ssl_chain_cert = b""
        self.ssl_key = b""
        self.ssl_verify_mode = 0
        self.ssl_ciphers = b""
        self.ssl_ca_cert = b""
        self.ssl_min_version = 2  # tlsv1.2

    @property
    def replies_max(self) -> int:
        """The replies that one connection may have at once under ``-o read_buf_mem_limit``; 0 is any number."""
        if not self.read_buffer_limit:
            return 0
        buffers = self.read_buffer_limit // self.threads // READ_BUFFER_BYTES - 1  # one is for what is read
        return max(1, buffers) * (READ_BUFFER_BYTES // REPLY_BYTES)

    @property
    def is_1_6_45(self) -> bool:
        """Whether it is the newest version: its meta flags and commands are more than those of ElastiCache's."""
        return self.version == b"1.6.45"
