"""INFO replication: the role, the other side, and the history."""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.replication.connected_replica import ONLINE
from cachetwin_engine.core.replication.primary_link import CONNECTED, SYNC, PrimaryLink


def replication_lines(ctx: Context) -> list[str]:
    """The role, the other side, and the history."""
    engine = ctx.engine
    replication = engine.replication
    shows_buffers = engine.profile.shows_replication_buffers
    lines = ["role:master"] if replication.link is None else _primary_lines(ctx, replication.link)
    lines.append(f"connected_slaves:{len(replication.replicas)}")
    if engine.config.integer("min-replicas-to-write") and engine.config.integer("min-replicas-max-lag"):
        lines.append(f"min_slaves_good_slaves:{replication.good_replicas}")
    for number, replica in enumerate(replication.replicas.values()):
        lag_s = (engine.now_ms - replica.ack_ms) // 1000 if replica.state == ONLINE else 0
        lines.append(
            f"slave{number}:ip={replica.ip()},port={replica.listening_port},state={replica.state.decode()},"
            f"offset={replica.ack_offset},lag={lag_s}" + (",type=replica" if shows_buffers else "")
        )
    if shows_buffers:
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
    """The lines of a replica about its primary."""
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
    if engine.profile.shows_replication_buffers:
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
