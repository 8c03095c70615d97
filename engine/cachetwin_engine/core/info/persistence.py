"""INFO persistence: saves, and the append-only file."""

from cachetwin_engine.core.aof.append_log import OFF
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_LOADING


def persistence_lines(ctx: Context) -> list[str]:
    """Saves."""
    saves, rewriter = ctx.engine.saves, ctx.engine.log_rewriter
    written, total = saves.progress()
    link = ctx.engine.replication.link
    swaps = link is not None and link.is_loading() and not ctx.engine.blocked_by & BLOCKED_BY_LOADING
    current_s = (ctx.engine.now_ms - saves.begun_ms) // 1000 if saves.in_progress() else -1
    return [
        f"loading:{int(ctx.engine.blocked_by & BLOCKED_BY_LOADING != 0)}",
        f"async_loading:{int(swaps)}",
        "current_cow_peak:0",
        "current_cow_size:0",
        "current_cow_size_age:0",
        f"current_fork_perc:{100 * written / total if total else 0:.2f}",
        f"current_save_keys_processed:{written}",
        f"current_save_keys_total:{total}",
        f"rdb_changes_since_last_save:{saves.changes()}",
        f"rdb_bgsave_in_progress:{int(saves.in_progress() or (ctx.engine.snapshots_run and not rewriter.in_progress()))}",
        f"rdb_last_save_time:{saves.last_ms // 1000}",
        f"rdb_last_bgsave_status:{'ok' if saves.ok else 'err'}",
        f"rdb_last_bgsave_time_sec:{saves.last_seconds}",
        f"rdb_current_bgsave_time_sec:{current_s}",
        f"rdb_saves:{saves.count}",
        "rdb_last_cow_size:0",
        f"rdb_last_load_keys_expired:{saves.keys_expired}",
        f"rdb_last_load_keys_loaded:{saves.keys_loaded}",
        *_log_lines(ctx),
        "module_fork_in_progress:0",
        "module_fork_last_cow_size:0",
        "slot_migration_fork_in_progress:0",
        *_log_sizes(ctx),
    ]


def _log_lines(ctx: Context) -> list[str]:
    """The append-only file."""
    log, rewriter = ctx.engine.log, ctx.engine.log_rewriter
    current_s = (ctx.engine.now_ms - rewriter.begun_ms) // 1000 if rewriter.in_progress() else -1
    return [
        f"aof_enabled:{int(log.state != OFF)}",
        f"aof_rewrite_in_progress:{int(rewriter.in_progress())}",
        f"aof_rewrite_scheduled:{int(rewriter.scheduled)}",
        f"aof_last_rewrite_time_sec:{rewriter.last_seconds}",
        f"aof_current_rewrite_time_sec:{current_s}",
        f"aof_last_bgrewrite_status:{'ok' if rewriter.ok else 'err'}",
        f"aof_rewrites:{rewriter.count}",
        f"aof_rewrites_consecutive_failures:{rewriter.failures_in_a_row}",
        f"aof_last_write_status:{'err' if log.write_problem or log.sync_problem else 'ok'}",
        "aof_last_cow_size:0",
    ]


def _log_sizes(ctx: Context) -> list[str]:
    log = ctx.engine.log
    if not ctx.engine.config.boolean("appendonly"):
        return []
    return [
        f"aof_current_size:{log.current_bytes}",
        f"aof_base_size:{log.base_bytes}",
        f"aof_pending_rewrite:{int(ctx.engine.log_rewriter.scheduled)}",
        f"aof_buffer_length:{log.buffer_bytes}",
        f"aof_pending_bio_fsync:{int(ctx.engine.host.log_files.is_syncing())}",
        f"aof_delayed_fsync:{log.delayed_syncs}",
    ]
