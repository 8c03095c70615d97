"""``stats settings``."""

from typing import Final

from cachetwin_engine.memcached.items.store import Store
from cachetwin_engine.memcached.settings import Settings
from cachetwin_engine.memcached.statistics.values import Statistics

_TLS_VERSIONS: Final = (b"tlsv1.0", b"tlsv1.1", b"tlsv1.2", b"tlsv1.3")
_VERIFY_MODES: Final = (0, 1, 3, 7)  # OpenSSL's numbers


def setting_statistics(settings: Settings, store: Store, out: Statistics) -> None:
    """All settings, in memcached's order."""
    _add_server(settings, store, out)
    _add_memory(settings, out)
    _add_lru(settings, out)
    _add_tls(settings, out)
    out.add(b"num_napi_ids", b"0" if settings.is_1_6_45 else b"(null)")
    out.add(b"memory_file", b"(null)")
    out.count(b"client_flags_size", 4)


def _add_server(settings: Settings, store: Store, out: Statistics) -> None:
    out.count(b"maxbytes", settings.max_bytes)
    out.count(b"maxconns", settings.max_connections)
    out.count(b"tcpport", settings.tcp_port)
    out.count(b"udpport", settings.udp_port)
    out.add(b"inter", settings.interface or b"NULL")
    out.count(b"verbosity", settings.verbosity)
    out.count(b"oldest", store.oldest_live)
    out.add(b"evictions", b"on" if settings.evicts else b"off")
    out.add(b"domain_socket", settings.socket_path or b"NULL")
    out.add(b"umask", b"%o" % settings.socket_mode)
    out.yes_no(b"shutdown_command", settings.shutdown_command)
    out.add(b"growth_factor", b"%.2f" % settings.growth_factor)
    out.count(b"chunk_size", settings.chunk_size)
    out.count(b"num_threads", settings.threads)
    out.count(b"num_threads_per_udp", settings.threads)
    out.add(b"stat_key_prefix", settings.prefix_delimiter)
    out.yes_no(b"detail_enabled", settings.detail_enabled)
    out.count(b"reqs_per_event", settings.requests_per_event)
    out.yes_no(b"cas_enabled", settings.use_cas)
    out.count(b"tcp_backlog", settings.backlog)
    out.add(b"binding_protocol", settings.protocol)
    out.add(b"auth_enabled_sasl", b"no")
    out.add(b"auth_enabled_ascii", settings.auth_file or b"no")


def _add_memory(settings: Settings, out: Statistics) -> None:
    out.count(b"item_size_max", settings.item_size_max)
    out.yes_no(b"maxconns_fast", settings.closes_surplus_connections)
    out.count(b"hashpower_init", settings.hash_power)
    out.yes_no(b"slab_reassign", settings.slab_reassign)
    out.count(b"slab_automove", settings.slab_automove)
    out.add(b"slab_automove_ratio", b"%.2f" % settings.slab_automove_ratio)
    out.count(b"slab_automove_window", settings.slab_automove_window)
    out.count(b"slab_chunk_max", settings.chunk_size_max)


def _add_lru(settings: Settings, out: Statistics) -> None:
    out.yes_no(b"lru_crawler", settings.lru_crawler)
    out.count(b"lru_crawler_sleep", settings.lru_crawler_sleep)
    out.count(b"lru_crawler_tocrawl", settings.lru_crawler_tocrawl)
    out.count(b"tail_repair_time", settings.tail_repair_time)
    out.yes_no(b"flush_enabled", settings.flush_enabled)
    out.yes_no(b"dump_enabled", settings.dump_enabled)
    out.add(b"hash_algorithm", settings.hash_algorithm)
    out.yes_no(b"lru_maintainer_thread", settings.lru_maintainer)
    out.yes_no(b"lru_segmented", settings.lru_segmented)
    out.count(b"hot_lru_pct", settings.hot_lru_pct)
    out.count(b"warm_lru_pct", settings.warm_lru_pct)
    out.add(b"hot_max_factor", b"%.2f" % settings.hot_max_factor)
    out.add(b"warm_max_factor", b"%.2f" % settings.warm_max_factor)
    out.yes_no(b"temp_lru", settings.temp_lru)
    out.count(b"temporary_ttl", settings.temporary_ttl)
    out.count(b"idle_timeout", settings.idle_timeout)
    out.count(b"watcher_logbuf_size", settings.watcher_buffer_bytes)
    out.count(b"worker_logbuf_size", settings.worker_buffer_bytes)
    out.count(b"read_buf_mem_limit", settings.read_buffer_limit)
    out.yes_no(b"track_sizes", settings.track_sizes)
    out.add(b"inline_ascii_response", b"no")


def _add_tls(settings: Settings, out: Statistics) -> None:
    out.yes_no(b"ssl_enabled", settings.ssl_enabled)
    out.add(b"ssl_chain_cert", settings.ssl_chain_cert or b"(null)")
    out.add(b"ssl_key", settings.ssl_key or b"(null)")
    out.count(b"ssl_verify_mode", _VERIFY_MODES[settings.ssl_verify_mode])
    out.count(b"ssl_keyformat", 1)
    out.add(b"ssl_ciphers", settings.ssl_ciphers or b"NULL")
    out.add(b"ssl_ca_cert", settings.ssl_ca_cert or b"NULL")
    out.count(b"ssl_wbuf_size", 16384)
    out.yes_no(b"ssl_session_cache", False)
    out.yes_no(b"ssl_kernel_tls", False)
    out.add(b"ssl_min_version", _TLS_VERSIONS[settings.ssl_min_version])
