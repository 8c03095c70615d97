"""INFO: what the engine knows about itself, in sections.

One function a section; each returns its lines. The names, and their order, are Valkey 8.1's. Numbers that this engine has
no counterpart for (forks, allocator arenas, I/O threads) are 0: monitoring tools look the names up.

Long because INFO is: one line here for each line there.
"""

from collections.abc import Callable
from typing import Final

from ..acl.rules import rows_of
from ..command_table import LOADING, STALE, command
from ..context import Context
from ..gates import GATE_FOLLOWER
from ..latency import percentile_us
from ..replication.connected_replica import ONLINE
from ..replication.primary_link import CONNECTED, SYNC, PrimaryLink
from ..scripting.store import ScriptStore
from .cluster import info_lines

_DEFAULT: Final = [
    "server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "errorstats", "cluster",
    "keyspace",
]  # fmt: skip
_ALL: Final = [
    "server", "tls", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "commandstats",
    "errorstats", "latencystats", "cluster", "cluster_info", "scriptingengines", "keyspace",
]  # fmt: skip
_ONLY_FROM_9_1: Final = {"tls", "cluster_info", "scriptingengines"}


@command(
    "INFO",
    arity=-1,
    flags=LOADING | STALE,
    group="server",
    since="1.0.0",
    history=[("7.0.0", "Several sections may be asked for at once.")],
    categories=[b"dangerous"],
    arguments="[section...]",
    summary="What the server knows about itself.",
    tips=[b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"],
)
def info(ctx: Context, args: list[bytes]) -> bytes:
    """INFO [section ...]: text of ``name:value`` lines."""
    wanted: list[str] = []
    for arg in args[1:]:
        wanted.append(arg.decode("latin-1").lower())
    return ctx.verbatim(info_text(ctx, wanted))


def info_text(ctx: Context, wanted: list[str]) -> bytes:
    """The sections that ``wanted`` names (``default`` when empty, ``all``, ``everything``), in the order of INFO."""
    names: list[str] = [] if wanted else _DEFAULT
    for word in wanted:
        names = names + (_DEFAULT if word == "default" else _ALL if word in {"all", "everything"} else [word])
    parts: list[str] = []
    for name in [*_ALL, "debug"]:
        if name in names and (name not in _ONLY_FROM_9_1 or ctx.engine.profile.is_valkey_from(9, 1)):
            lines = _SECTIONS[name](ctx)
            through = ctx.engine.profile.commands_through if ctx.engine.profile.is_valkey else (0, 0, 0)
            lines = [line for line in lines if _SINCE.get(line.partition(":")[0], through) <= through]
            parts.append("\r\n".join([f"# {_TITLES.get(name, name.capitalize())}", *lines]) + "\r\n")
    return "\r\n".join(parts).encode()


def _server(ctx: Context) -> list[str]:
    engine = ctx.engine
    profile = engine.profile
    host = engine.host
    uptime_s = (engine.now_ms - engine.started_ms) // 1000
    mode = "cluster" if engine.config.cluster_enabled else "standalone"
    lines = [f"redis_version:{profile.compatible_version}"]
    if profile.is_valkey:
        lines += ["server_name:valkey", f"valkey_version:{profile.version}", "valkey_release_stage:ga"]
    if engine.elasticache:  # recorded from the service: it tells nothing of the machine
        lines += [
            "redis_git_sha1:0", "redis_git_dirty:0", "redis_build_id:0", f"{_mode_name(ctx)}:{mode}",
            "os:Amazon ElastiCache", "arch_bits:64", "monotonic_clock:POSIX clock_gettime", "multiplexing_api:epoll",
            "gcc_version:0.0.0", "process_id:1", "process_supervised:no",
        ]  # fmt: skip
    else:
        lines += [
            "redis_git_sha1:00000000", "redis_git_dirty:0", f"redis_build_id:{host.run_id[:16]}",
            f"{_mode_name(ctx)}:{mode}", f"os:{host.os}", "arch_bits:64", "monotonic_clock:POSIX clock_gettime",
            "multiplexing_api:epoll", "gcc_version:0.0.0", f"process_id:{host.process_id}", "process_supervised:no",
        ]  # fmt: skip
    lines += [
        f"run_id:{host.run_id}",
        f"tcp_port:{host.tcp_port}",
        f"server_time_usec:{engine.lap_us}",
        f"uptime_in_seconds:{uptime_s}",
        f"uptime_in_days:{uptime_s // 86400}",
        f"hz:{engine.config.hz}",
        f"configured_hz:{engine.config.hz}",
        f"clients_hz:{engine.config.hz}",
        f"lru_clock:{engine.now_ms // 1000 & 0xFFFFFF}",
        f"executable:{'-' if engine.elasticache else host.executable}",
        f"config_file:{'-' if engine.elasticache else host.config_file}",
        "io_threads_active:0",
    ]
    if profile.is_valkey_from(8, 1):
        lines.append(f"availability_zone:{engine.config.values[b'availability-zone'].decode()}")
    if engine.ending.is_waiting():
        lines.append(f"shutdown_in_milliseconds:{engine.ending.wait_ms()}")
    return lines + [f"listener{index}:{listener}" for index, listener in enumerate(host.listeners)]


def _clients(ctx: Context) -> list[str]:
    engine = ctx.engine
    subscribed = 0
    watching = 0
    watched = 0
    longest_in = 0
    longest_out = 0
    for session in engine.sessions.values():
        if session.channels or session.patterns or session.shard_channels:
            subscribed += 1
        if session.watched:
            watching += 1
            watched += len(session.watched)
        longest_in = max(longest_in, session.parser.buffered())
        longest_out = max(longest_out, session.output_bytes())
    blocking_keys = 0
    for db in engine.databases:
        blocking_keys += len(db.blocked)
    wanting_the_key = {  # XREADGROUP also waits for its key to go
        (session.blocked.db.index, key)
        for session in engine.blocked_sessions.values()
        if session.blocked is not None and session.blocked.args and session.blocked.args[0].lower() == b"xreadgroup"
        for key in session.blocked.keys
    }
    timed = [s for s in engine.blocked_sessions.values() if s.blocked is not None and s.blocked.deadline_ms]
    lines = [
        f"connected_clients:{len(engine.sessions) - len(engine.replication.replicas)}",
        "cluster_connections:0",
        f"maxclients:{engine.config.maxclients}",
        f"client_recent_max_input_buffer:{longest_in}",
        f"client_recent_max_output_buffer:{longest_out}",
        f"blocked_clients:{len(engine.blocked_sessions)}",
        f"tracking_clients:{len(engine.tracking.clients)}",
        f"pubsub_clients:{subscribed}",
        f"watching_clients:{watching}",
        f"clients_in_timeout_table:{len(timed)}",
        f"total_watched_keys:{watched}",
        f"total_blocking_keys:{blocking_keys}",
        f"total_blocking_keys_on_nokey:{len(wanting_the_key)}",
    ]
    return lines + _pause(ctx) if engine.profile.is_valkey_from(8, 1) else lines


def _pause(ctx: Context) -> list[str]:
    engine = ctx.engine
    pause = engine.pause
    left_ms = max(pause.until_ms - engine.now_ms, 0)
    return [
        f"paused_reason:{'client_pause' if left_ms else 'none'}",
        f"paused_actions:{('all' if pause.holds_everything else 'write') if left_ms else 'none'}",
        f"paused_timeout_milliseconds:{left_ms}",
    ]


def _memory(ctx: Context) -> list[str]:
    engine = ctx.engine
    used = engine.used_memory()
    peak = max(used, engine.memory_peak)
    resident = engine.host.resident_bytes()
    limit = engine.config.maxmemory
    total = engine.host.total_memory_bytes
    client_bytes = 0
    replica_bytes = 0
    for session in engine.sessions.values():
        if session.gates & GATE_FOLLOWER:
            replica_bytes += session.memory_bytes()
        else:
            client_bytes += session.memory_bytes()
    return [
        f"used_memory:{used}",
        f"used_memory_human:{human(used)}",
        f"used_memory_rss:{resident}",
        f"used_memory_rss_human:{human(resident)}",
        f"used_memory_peak:{peak}",
        f"used_memory_peak_human:{human(peak)}",
        f"used_memory_peak_perc:{100 * used / max(peak, 1):.2f}%",
        "used_memory_overhead:0",
        "used_memory_startup:0",
        f"used_memory_dataset:{used}",
        "used_memory_dataset_perc:100.00%",
        f"allocator_allocated:{used}",
        f"allocator_active:{resident}",
        f"allocator_resident:{resident}",
        "allocator_muzzy:0",
        f"total_system_memory:{total}",
        f"total_system_memory_human:{human(total)}",
        *_scripts(engine.scripts),
        f"maxmemory:{limit}",
        f"maxmemory_human:{human(limit)}",
        f"maxmemory_policy:{engine.config.maxmemory_policy.decode()}",
        "allocator_frag_ratio:1.00",
        "allocator_frag_bytes:0",
        "allocator_rss_ratio:1.00",
        "allocator_rss_bytes:0",
        "rss_overhead_ratio:1.00",
        "rss_overhead_bytes:0",
        f"mem_fragmentation_ratio:{resident / max(used, 1):.2f}",
        f"mem_fragmentation_bytes:{resident - used}",
        "mem_not_counted_for_evict:0",
        f"mem_replication_backlog:{0 if engine.replication.backlog is None else engine.replication.backlog.length}",
        f"mem_total_replication_buffers:{engine.replication.buffer_bytes()}",
        "mem_replicas_repl_buffer:0",
        f"mem_clients_slaves:{replica_bytes}",
        f"mem_clients_normal:{client_bytes}",
        "mem_cluster_links:0",
        "mem_cluster_slot_import:0",
        "mem_cluster_slot_export:0",
        "mem_aof_buffer:0",
        "mem_allocator:pymalloc",
        "mem_overhead_db_hashtable_rehashing:0",
        "active_defrag_running:0",
        "lazyfree_pending_objects:0",
        f"lazyfreed_objects:{engine.statistics.lazily_freed}",
    ]


def _scripts(store: ScriptStore) -> list[str]:
    """The interpreters, and the texts of what was loaded."""
    evaluated, functions = store.memory_bytes(), store.library_memory_bytes()
    scripts_bytes = sum([len(script.body) for script in store.scripts.values()])
    libraries_bytes = sum([len(library.code) for library in store.libraries.values()])
    return [
        f"used_memory_lua:{evaluated}",
        f"used_memory_vm_eval:{evaluated}",
        f"used_memory_lua_human:{human(evaluated)}",
        f"used_memory_scripts_eval:{scripts_bytes}",
        f"number_of_cached_scripts:{len(store.scripts)}",
        f"number_of_functions:{len(store.functions)}",
        f"number_of_libraries:{len(store.libraries)}",
        f"used_memory_vm_functions:{functions}",
        f"used_memory_vm_total:{evaluated + functions}",
        f"used_memory_vm_total_human:{human(evaluated + functions)}",
        f"used_memory_functions:{libraries_bytes}",
        f"used_memory_scripts:{scripts_bytes + libraries_bytes}",
        f"used_memory_scripts_human:{human(scripts_bytes + libraries_bytes)}",
    ]


def _persistence(ctx: Context) -> list[str]:
    saves = ctx.engine.saves
    written, total = saves.progress()
    current_s = (ctx.engine.now_ms - saves.begun_ms) // 1000 if saves.in_progress() else -1
    return [
        "loading:0",
        "async_loading:0",
        "current_cow_peak:0",
        "current_cow_size:0",
        "current_cow_size_age:0",
        f"current_fork_perc:{100 * written / total if total else 0:.2f}",
        f"current_save_keys_processed:{written}",
        f"current_save_keys_total:{total}",
        f"rdb_changes_since_last_save:{saves.changes()}",
        f"rdb_bgsave_in_progress:{int(saves.in_progress() or ctx.engine.snapshots_run)}",
        f"rdb_last_save_time:{saves.last_ms // 1000}",
        f"rdb_last_bgsave_status:{'ok' if saves.ok else 'err'}",
        f"rdb_last_bgsave_time_sec:{saves.last_seconds}",
        f"rdb_current_bgsave_time_sec:{current_s}",
        f"rdb_saves:{saves.count}",
        "rdb_last_cow_size:0",
        f"rdb_last_load_keys_expired:{saves.keys_expired}",
        f"rdb_last_load_keys_loaded:{saves.keys_loaded}",
        "aof_enabled:0",
        "aof_rewrite_in_progress:0",
        "aof_rewrite_scheduled:0",
        "aof_last_rewrite_time_sec:-1",
        "aof_current_rewrite_time_sec:-1",
        "aof_last_bgrewrite_status:ok",
        "aof_rewrites:0",
        "aof_rewrites_consecutive_failures:0",
        "aof_last_write_status:ok",
        "aof_last_cow_size:0",
        "module_fork_in_progress:0",
        "module_fork_last_cow_size:0",
        "slot_migration_fork_in_progress:0",
    ]


def _stats(ctx: Context) -> list[str]:
    engine = ctx.engine
    host = engine.host
    statistics = engine.statistics
    traffic = engine.traffic
    replication = engine.replication
    cycles = max(1, traffic.turns.per_second())
    return [
        f"total_connections_received:{statistics.connections_received}",
        f"total_commands_processed:{engine.commands_processed}",
        f"instantaneous_ops_per_sec:{traffic.commands.per_second()}",
        f"total_net_input_bytes:{traffic.bytes_in}",
        f"total_net_output_bytes:{traffic.bytes_out}",
        f"total_net_repl_input_bytes:{replication.bytes_in}",
        f"total_net_repl_output_bytes:{replication.bytes_out}",
        "total_net_cluster_slot_import_bytes:0",
        "total_net_cluster_slot_export_bytes:0",
        f"instantaneous_input_kbps:{traffic.input.per_second() / 1024:.2f}",
        f"instantaneous_output_kbps:{traffic.output.per_second() / 1024:.2f}",
        "instantaneous_input_repl_kbps:0.00",
        "instantaneous_output_repl_kbps:0.00",
        f"rejected_connections:{host.rejected_connections}",
        f"sync_full:{engine.replication.full_syncs}",
        f"sync_partial_ok:{engine.replication.partial_syncs}",
        f"sync_partial_err:{engine.replication.refused_partial_syncs}",
        f"expired_keys:{statistics.expired_keys}",
        f"expired_fields:{engine.expired_fields}",
        "expired_stale_perc:0.00",
        "expired_keys_with_volatile_items_stale_perc:0.00",
        "expired_time_cap_reached_count:0",
        "expire_cycle_cpu_milliseconds:0",
        f"evicted_keys:{statistics.evicted_keys}",
        f"evicted_clients:{statistics.evicted_clients}",
        f"evicted_scripts:{engine.scripts.evicted}",
        "total_eviction_exceeded_time:0",
        "current_eviction_exceeded_time:0",
        f"keyspace_hits:{engine.hits}",
        f"keyspace_misses:{engine.misses}",
        f"pubsub_channels:{len(engine.pubsub.channels)}",
        f"pubsub_patterns:{len(engine.pubsub.patterns)}",
        f"pubsubshard_channels:{len(engine.pubsub.shard_channels)}",
        "latest_fork_usec:0",
        "total_forks:0",
        "migrate_cached_sockets:0",
        "slave_expires_tracked_keys:0",
        "active_defrag_hits:0",
        "active_defrag_misses:0",
        "active_defrag_key_hits:0",
        "active_defrag_key_misses:0",
        "total_active_defrag_time:0",
        "current_active_defrag_time:0",
        f"tracking_total_keys:{len(engine.tracking.keys)}",
        f"tracking_total_items:{engine.tracking.items}",
        f"tracking_total_prefixes:{len(engine.tracking.prefixes)}",
        f"unexpected_error_replies:{engine.replication.unexpected_errors}",
        f"total_error_replies:{statistics.error_replies}",
        "dump_payload_sanitizations:0",
        f"total_reads_processed:{traffic.reads}",
        f"total_writes_processed:{traffic.writes}",
        "io_threaded_reads_processed:0",
        "io_threaded_writes_processed:0",
        "io_threaded_freed_objects:0",
        "io_threaded_accept_processed:0",
        "io_threaded_poll_processed:0",
        "io_threaded_total_prefetch_batches:0",
        "io_threaded_total_prefetch_entries:0",
        f"client_query_buffer_limit_disconnections:{host.query_buffer_disconnections}",
        f"client_output_buffer_limit_disconnections:{host.output_buffer_disconnections}",
        "reply_buffer_shrinks:0",
        "reply_buffer_expands:0",
        f"eventloop_cycles:{traffic.cycles()}",
        f"eventloop_duration_sum:{traffic.busy_us + traffic.tick_us}",
        f"eventloop_duration_cmd_sum:{traffic.busy_us}",
        f"instantaneous_eventloop_cycles_per_sec:{traffic.turns.per_second()}",
        f"instantaneous_eventloop_duration_usec:{traffic.turn_us.per_second() // cycles}",
        f"acl_access_denied_auth:{statistics.denials[0]}",
        f"acl_access_denied_cmd:{statistics.denials[1]}",
        f"acl_access_denied_key:{statistics.denials[2]}",
        f"acl_access_denied_channel:{statistics.denials[3]}",
        "acl_access_denied_tls_cert:0",
        f"acl_access_denied_db:{statistics.denials[4]}",
    ]


def _debug(ctx: Context) -> list[str]:
    traffic = ctx.engine.traffic
    return [
        "eventloop_duration_aof_sum:0",
        f"eventloop_duration_cron_sum:{traffic.tick_us}",
        f"eventloop_duration_max:{traffic.turn_us_max}",
        f"eventloop_cmd_per_cycle_max:{traffic.turn_commands_max}",
        "io_threaded_reads_pending:0",
        "io_threaded_writes_pending:0",
    ]


def _replication(ctx: Context) -> list[str]:
    engine = ctx.engine
    replication = engine.replication
    from_8 = engine.profile.is_valkey_from(8, 0)
    lines = ["role:master"] if replication.link is None else _primary_lines(ctx, replication.link)
    lines.append(f"connected_slaves:{len(replication.replicas)}")
    if engine.config.integer("min-replicas-to-write") and engine.config.integer("min-replicas-max-lag"):
        lines.append(f"min_slaves_good_slaves:{replication.good_replicas}")
    for number, replica in enumerate(replication.replicas.values()):
        lag_s = (engine.now_ms - replica.ack_ms) // 1000 if replica.state == ONLINE else 0
        lines.append(
            f"slave{number}:ip={replica.ip()},port={replica.listening_port},state={replica.state.decode()},"
            f"offset={replica.ack_offset},lag={lag_s}" + (",type=replica" if from_8 else "")
        )
    if from_8:
        lines.append("replicas_waiting_psync:0")
    backlog = replication.backlog
    return [
        *lines,
        f"master_failover_state:{replication.failover.state()}",
        f"master_replid:{replication.id.decode()}",
        f"master_replid2:{replication.previous_id.decode()}",
        f"master_repl_offset:{replication.offset}",
        f"second_repl_offset:{replication.previous_until}",
        f"repl_backlog_active:{int(backlog is not None)}",
        f"repl_backlog_size:{engine.config.integer('repl-backlog-size')}",
        f"repl_backlog_first_byte_offset:{0 if backlog is None else backlog.first}",
        f"repl_backlog_histlen:{0 if backlog is None else backlog.length}",
    ]


def _primary_lines(ctx: Context, link: PrimaryLink) -> list[str]:
    """What a replica says of its primary."""
    engine = ctx.engine
    up = link.state == CONNECTED
    lines = [
        "role:slave",
        f"master_host:{link.host}",
        f"master_port:{link.port}",
        f"master_link_status:{'up' if up else 'down'}",
        f"master_last_io_seconds_ago:{(engine.now_ms - link.last_io_ms) // 1000 if up else -1}",
        f"master_sync_in_progress:{int(link.state == SYNC)}",
        f"slave_read_repl_offset:{engine.replication.offset + link.waiting_bytes()}",
        f"slave_repl_offset:{engine.replication.offset}",
    ]
    if engine.profile.is_valkey_from(8, 0):
        lines += ["replicas_repl_buffer_size:0", "replicas_repl_buffer_peak:0"]
    if link.state == SYNC:
        total, received = link.snapshot_bytes, link.snapshot_received
        lines += [
            f"master_sync_total_bytes:{total}",
            f"master_sync_read_bytes:{received}",
            f"master_sync_left_bytes:{total - received}",
            f"master_sync_perc:{100 * received / total if total else 0:.2f}",
            f"master_sync_last_io_seconds_ago:{(engine.now_ms - link.last_io_ms) // 1000}",
        ]
    if not up:
        lines.append(f"master_link_down_since_seconds:{(engine.now_ms - link.down_since_ms) // 1000}")
    return [
        *lines,
        f"slave_priority:{engine.config.integer('replica-priority')}",
        f"slave_read_only:{int(engine.config.boolean('replica-read-only'))}",
        f"replica_announced:{int(engine.config.boolean('replica-announced'))}",
    ]


def _cpu(ctx: Context) -> list[str]:
    system, user = ctx.engine.host.cpu_seconds()
    traffic = ctx.engine.traffic
    return [
        f"used_cpu_sys:{system:.6f}",
        f"used_cpu_user:{user:.6f}",
        "used_cpu_sys_children:0.000000",
        "used_cpu_user_children:0.000000",
        f"used_cpu_sys_main_thread:{system:.6f}",
        f"used_cpu_user_main_thread:{user:.6f}",
        f"used_active_time_main_thread:{(traffic.busy_us + traffic.tick_us) / 1e6:.6f}",
    ]


def _modules(ctx: Context) -> list[str]:
    return []


def _commandstats(ctx: Context) -> list[str]:
    lines: list[str] = []
    for row in rows_of(ctx.engine.commands):
        if row.calls or row.rejected_calls or row.failed_calls:
            per_call = row.usec / row.calls if row.calls else 0.0
            lines.append(
                f"cmdstat_{row.name.decode()}:calls={row.calls},usec={row.usec},usec_per_call={per_call:.2f},"
                f"rejected_calls={row.rejected_calls},failed_calls={row.failed_calls}"
            )
    return lines


def _latencystats(ctx: Context) -> list[str]:
    engine = ctx.engine
    shares = engine.config.values[b"latency-tracking-info-percentiles"].decode().split()
    lines: list[str] = []
    if not engine.tracks_latency or not shares:
        return lines
    for row in rows_of(engine.commands):
        if row.latency:
            values = ",".join([f"p{share}={percentile_us(row.latency, float(share)):.3f}" for share in shares])
            lines.append(f"latency_percentiles_usec_{row.name.decode()}:{values}")
    return lines


def _errorstats(ctx: Context) -> list[str]:
    counts = ctx.engine.statistics.error_counts
    return [f"errorstat_{code.decode('latin-1')}:count={counts[code]}" for code in sorted(counts)]


def _cluster(ctx: Context) -> list[str]:
    return [f"cluster_enabled:{int(ctx.engine.config.cluster_enabled)}"]


def _cluster_info(ctx: Context) -> list[str]:
    cluster = ctx.engine.cluster
    return [] if cluster is None else info_lines(ctx, cluster)


def _scripting_engines(ctx: Context) -> list[str]:
    """The one there is, which is no module here."""
    store = ctx.engine.scripts
    used = store.memory_bytes() + store.library_memory_bytes()
    return [
        "engines_count:1",
        f"engines_total_used_memory:{used}",
        "engines_total_memory_overhead:0",
        f"engine_0:name=LUA,module=built-in,abi_version=4,used_memory={used},memory_overhead=0",
    ]


def _tls(ctx: Context) -> list[str]:
    """Certificates: nobody here reads what is in them."""
    lines: list[str] = []
    for whose in ("server", "client", "ca"):
        lines += [f"tls_{whose}_cert_serial:none", f"tls_{whose}_cert_expires_in_seconds:0"]
    return lines


def _keyspace(ctx: Context) -> list[str]:
    lines: list[str] = []
    for db in ctx.engine.databases:
        if len(db):
            average_ms = db.average_ttl_ms(ctx.engine.now_ms)
            line = f"db{db.index}:keys={len(db)},expires={len(db.expires)},avg_ttl={average_ms}"
            if ctx.engine.profile.is_valkey_from(9, 0):
                line += f",keys_with_volatile_items={len(db.volatile)}"
            lines.append(line)
    return lines


def human(size: int) -> str:
    """Bytes for people: ``1.29M``."""
    if size < 1024:
        return f"{size}B"
    value = size / 1024
    unit = 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:.2f}{_UNITS[unit]}"


def _mode_name(ctx: Context) -> str:
    if not ctx.engine.profile.is_valkey or ctx.engine.config.boolean("extended-redis-compatibility"):
        return "redis_mode"
    return "server_mode"


_UNITS: Final = "KMGTP"
_OF_VALKEY: Final = [  # of Valkey 8.1, and not of Redis OSS 7.0
    "clients_hz", "pubsub_clients", "watching_clients", "total_watched_keys", "total_blocking_keys",
    "total_blocking_keys_on_nokey", "evicted_scripts", "client_query_buffer_limit_disconnections",
    "client_output_buffer_limit_disconnections", "acl_access_denied_auth", "acl_access_denied_cmd",
    "acl_access_denied_key", "acl_access_denied_channel", "eventloop_cycles", "eventloop_duration_sum",
    "eventloop_duration_cmd_sum", "instantaneous_eventloop_cycles_per_sec", "instantaneous_eventloop_duration_usec",
    "io_threaded_freed_objects", "io_threaded_accept_processed", "io_threaded_poll_processed",
    "io_threaded_total_prefetch_batches", "io_threaded_total_prefetch_entries", "allocator_muzzy",
    "mem_overhead_db_hashtable_rehashing", "listener0", "listener1", "listener2", "replicas_waiting_psync",
]  # fmt: skip
_SINCE: Final[dict[str, tuple[int, int, int]]] = {
    **dict.fromkeys(_OF_VALKEY, (7, 2, 0)),
    "acl_access_denied_db": (9, 1, 0),
    "acl_access_denied_tls_cert": (9, 0, 0),
    "expired_fields": (9, 0, 0),
    "expired_keys_with_volatile_items_stale_perc": (9, 0, 0),
    "io_threaded_reads_pending": (9, 1, 0),
    "io_threaded_writes_pending": (9, 1, 0),
    "mem_cluster_slot_export": (9, 0, 0),
    "mem_cluster_slot_import": (9, 0, 0),
    "mem_replicas_repl_buffer": (9, 1, 0),
    "slot_migration_fork_in_progress": (9, 0, 0),
    "total_net_cluster_slot_export_bytes": (9, 0, 0),
    "total_net_cluster_slot_import_bytes": (9, 0, 0),
    "used_active_time_main_thread": (9, 1, 0),
}
_TITLES: Final[dict[str, str]] = {
    "cluster_info": "Cluster Info", "cpu": "CPU", "scriptingengines": "Scripting Engines", "tls": "TLS",
}  # fmt: skip
_SECTIONS: Final[dict[str, Callable[[Context], list[str]]]] = {
    "server": _server,
    "clients": _clients,
    "memory": _memory,
    "persistence": _persistence,
    "stats": _stats,
    "replication": _replication,
    "cpu": _cpu,
    "commandstats": _commandstats,
    "latencystats": _latencystats,
    "modules": _modules,
    "errorstats": _errorstats,
    "cluster": _cluster,
    "cluster_info": _cluster_info,
    "scriptingengines": _scripting_engines,
    "tls": _tls,
    "keyspace": _keyspace,
    "debug": _debug,
}
