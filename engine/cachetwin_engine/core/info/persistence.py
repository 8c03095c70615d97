"""INFO persistence: saves, and a log of changes that this engine does not keep."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_LOADING


def persistence_lines(ctx: Context) -> list[str]:
    """Saves."""
    saves = ctx.engine.saves
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
