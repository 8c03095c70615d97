"""INFO on what has happened: stats, calls by command, their times, errors by code."""

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.stats.latency import percentile_us


def stats_lines(ctx: Context) -> list[str]:
    """Counters since start or CONFIG RESETSTAT."""
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


def debug_lines(ctx: Context) -> list[str]:
    """Times of the event loop."""
    traffic = ctx.engine.traffic
    return [
        "eventloop_duration_aof_sum:0",
        f"eventloop_duration_cron_sum:{traffic.tick_us}",
        f"eventloop_duration_max:{traffic.turn_us_max}",
        f"eventloop_cmd_per_cycle_max:{traffic.turn_commands_max}",
        "io_threaded_reads_pending:0",
        "io_threaded_writes_pending:0",
    ]


def commandstats_lines(ctx: Context) -> list[str]:
    """Calls of each command that ran."""
    lines: list[str] = []
    for row in rows_of(ctx.engine.commands):
        if row.calls or row.rejected_calls or row.failed_calls:
            per_call = row.usec / row.calls if row.calls else 0.0
            lines.append(
                f"cmdstat_{row.name.decode()}:calls={row.calls},usec={row.usec},usec_per_call={per_call:.2f},"
                f"rejected_calls={row.rejected_calls},failed_calls={row.failed_calls}"
            )
    return lines


def latencystats_lines(ctx: Context) -> list[str]:
    """The configured percentiles of every command that ran."""
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


def errorstats_lines(ctx: Context) -> list[str]:
    """Error replies by their code."""
    counts = ctx.engine.statistics.error_counts
    return [f"errorstat_{code.decode('latin-1')}:count={counts[code]}" for code in sorted(counts)]
