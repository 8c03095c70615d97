"""``stats`` without more."""

from cachetwin_engine.memcached.server_state import ServerState
from cachetwin_engine.memcached.statistics.values import Statistics

ITEM_UPDATE_SECONDS = 60
HASH_POWER_MIN = 16


def general_statistics(state: ServerState, out: Statistics) -> None:
    """The server's statistics, in memcached's order."""
    _add_process(state, out)
    _add_commands(state, out)
    _add_hits(state, out)
    _add_connections(state, out)
    _add_background(state, out)
    _add_items(state, out)


def _add_process(state: ServerState, out: Statistics) -> None:
    store = state.store
    user, system = state.host.cpu_seconds()
    out.count(b"pid", state.host.process_id())
    out.count(b"uptime", int(store.now) - ITEM_UPDATE_SECONDS)
    out.count(b"time", int(store.now + store.started))
    out.add(b"version", state.settings.version)
    out.add(b"libevent", state.host.library_version().encode())
    out.count(b"pointer_size", 64)
    out.add(b"rusage_user", b"%.6f" % user)
    out.add(b"rusage_system", b"%.6f" % system)
    out.count(b"max_connections", state.settings.max_connections)
    out.count(b"curr_connections", len(state.clients))
    out.count(b"total_connections", int(store.counters.total_connections))
    if state.settings.closes_surplus_connections:
        out.count(b"rejected_connections", int(store.counters.rejected_connections))
    out.count(b"connection_structures", state.most_clients)
    out.count(b"response_obj_oom", int(state.store.counters.replies_without_memory))
    for name in (b"response_obj_count", b"response_obj_bytes", b"read_buf_count"):
        out.count(name, 0)
    for name in (b"read_buf_bytes", b"read_buf_bytes_free", b"read_buf_oom"):
        out.count(name, 0)
    out.count(b"reserved_fds", 20)


def _add_commands(state: ServerState, out: Statistics) -> None:
    counters = state.store.counters
    out.count(b"cmd_get", int(counters.get_commands))
    out.count(b"cmd_set", sum([int(one.set_commands) for one in state.store.slabs.classes]))
    out.count(b"cmd_flush", int(counters.flush_commands))
    out.count(b"cmd_touch", int(counters.touch_commands))
    out.count(b"cmd_meta", int(counters.meta_commands))
    if state.settings.elasticache or state.store.cluster.text:
        out.count(b"cmd_config_get", int(counters.config_gets))
        out.count(b"cmd_config_set", int(counters.config_sets))
        out.count(b"curr_config", 1 if state.store.cluster.text else 0)


def _add_hits(state: ServerState, out: Statistics) -> None:
    counters, slabs = state.store.counters, state.store.slabs
    out.count(b"get_hits", int(state.store.lru.all_hits()))
    out.count(b"get_misses", int(counters.get_misses))
    out.count(b"get_expired", int(counters.get_expired))
    out.count(b"get_flushed", int(counters.get_flushed))
    out.count(b"delete_misses", int(counters.delete_misses))
    out.count(b"delete_hits", sum(slabs.delete_hits))
    out.count(b"incr_misses", int(counters.incr_misses))
    out.count(b"incr_hits", sum(slabs.incr_hits))
    out.count(b"decr_misses", int(counters.decr_misses))
    out.count(b"decr_hits", sum(slabs.decr_hits))
    out.count(b"cas_misses", int(counters.cas_misses))
    out.count(b"cas_hits", sum(slabs.cas_hits))
    out.count(b"cas_badval", sum(slabs.cas_badval))
    out.count(b"touch_hits", sum(slabs.touch_hits))
    out.count(b"touch_misses", int(counters.touch_misses))
    out.count(b"store_too_large", int(counters.too_large))
    out.count(b"store_no_memory", int(counters.no_memory))
    out.count(b"auth_cmds", int(counters.auth_commands))
    out.count(b"auth_errors", int(counters.auth_errors))


def _add_connections(state: ServerState, out: Statistics) -> None:
    settings, counters = state.settings, state.store.counters
    if settings.idle_timeout:
        out.count(b"idle_kicks", int(counters.idle_kicks))
    out.count(b"bytes_read", int(counters.bytes_read))
    out.count(b"bytes_written", int(counters.bytes_written))
    out.count(b"limit_maxbytes", settings.max_bytes)
    out.count(b"accepting_conns", 1 if state.accepting else 0)
    out.count(b"listen_disabled_num", state.listen_disabled)
    out.count(b"time_in_listen_disabled_us", 0)
    out.count(b"threads", settings.threads)
    out.count(b"conn_yields", int(counters.yields))
    power = max(HASH_POWER_MIN, settings.hash_power, len(state.store.table).bit_length())
    out.count(b"hash_power_level", power)
    out.count(b"hash_bytes", 8 << power)
    out.count(b"hash_is_expanding", 0)


def _add_background(state: ServerState, out: Statistics) -> None:
    settings, counters, store = state.settings, state.store.counters, state.store
    if settings.slab_reassign:
        out.count(b"slab_reassign_rescues", store.slabs.rescues)
        out.count(b"slab_reassign_chunk_rescues", store.slabs.chunk_rescues)
        if not settings.is_1_6_45:
            out.count(b"slab_reassign_evictions_nomem", store.slabs.evictions_for_pages)
        out.count(b"slab_reassign_inline_reclaim", 0)
        out.count(b"slab_reassign_busy_items", 0)
        out.count(b"slab_reassign_busy_deletes", 0)
        if settings.is_1_6_45:  # there each such item waits for memory, which the class's LRU is then made to give
            out.count(b"slab_reassign_busy_nomem", store.slabs.evictions_for_pages)
            out.add(b"slab_reassign_last_busy_status", b"none")
        out.count(b"slab_reassign_running", 0)
        out.count(b"slabs_moved", store.slabs.moved)
    if settings.lru_crawler:
        out.count(b"lru_crawler_running", 1 if state.crawler.is_running else 0)
        out.count(b"lru_crawler_starts", int(counters.crawler_starts))
    if settings.lru_maintainer:
        out.count(b"lru_maintainer_juggles", int(counters.juggles))
    out.count(b"malloc_fails", 0)
    out.count(b"log_worker_dropped", 0)
    out.count(b"log_worker_written", store.watchers.sent)
    out.count(b"log_watcher_skipped", store.watchers.skipped)
    out.count(b"log_watcher_sent", store.watchers.sent)
    out.count(b"log_watchers", store.watchers.count())
    if settings.ssl_enabled:
        out.count(b"ssl_handshake_errors", state.handshake_errors)
        out.count(b"time_since_server_cert_refresh", int(store.now) - state.certificates_read)
    out.count(b"unexpected_napi_ids", 0)
    out.count(b"round_robin_fallback", 0)


def _add_items(state: ServerState, out: Statistics) -> None:
    store, lru = state.store, state.store.lru
    segmented = state.settings.lru_maintainer
    out.count(b"bytes", int(store.lru.all_bytes()))
    out.count(b"curr_items", len(store.table))
    out.count(b"total_items", int(store.counters.total_items))
    out.count(b"slab_global_page_pool", store.slabs.pages[0])
    out.count(b"expired_unfetched", sum(lru.expired_unfetched))
    out.count(b"evicted_unfetched", sum(lru.evicted_unfetched))
    if segmented:
        out.count(b"evicted_active", sum(lru.evicted_active))
    for_pages = store.slabs.evictions_for_pages if state.settings.is_1_6_45 else 0
    out.count(b"evictions", sum(lru.evicted) + for_pages)
    out.count(b"reclaimed", sum(lru.reclaimed))
    out.count(b"crawler_reclaimed", sum(lru.crawler_reclaimed))
    out.count(b"crawler_items_checked", sum(lru.crawler_checked))
    out.count(b"lrutail_reflocked", 0)
    if segmented:
        out.count(b"moves_to_cold", sum(lru.moves_to_cold))
        out.count(b"moves_to_warm", sum(lru.moves_to_warm))
        out.count(b"moves_within_lru", sum(lru.moves_within))
        out.count(b"direct_reclaims", sum(lru.direct_reclaims))
        out.count(b"lru_bumps_dropped", 0)
