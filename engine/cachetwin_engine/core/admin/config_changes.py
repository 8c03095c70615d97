"""Parameters that change while the engine runs: CONFIG SET, and the parts that depend on a parameter.

What a command would have to look up every time is kept beside what it is about (``EngineState.notify_flags``, the
blocked-by flags, the limits of the logs); ``follow_config`` brings all of that up to date, at start too.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.aof.append_log import OFF
from cachetwin_engine.core.cluster.state import ClusterState
from cachetwin_engine.core.config.config import refused
from cachetwin_engine.core.execution.logins import user_changed
from cachetwin_engine.core.execution.routing import redirect_waiting
from cachetwin_engine.core.keyspace.slots import SlotKeys
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_CLUSTER, BLOCKED_BY_FEW_REPLICAS
from cachetwin_engine.core.state.engine_state import NEVER_US

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

BATCH_ARGUMENTS_MAX: Final = 32
BATCH_SLOW_US_MIN: Final = 1000  # while less is slow, each call is timed by itself


def change_config(engine: "EngineParts", pairs: list[tuple[bytes, bytes]], may_set_protected: bool) -> None:
    """CONFIG SET: all of ``pairs`` or, with a CommandError, none."""
    config = engine.config
    before = config.snapshot()
    names = config.set_many(pairs, may_set_protected)
    changed = [name for name in names if config.values[name.encode()] != before[name.encode()]]
    problem = engine.host.apply_parameters(changed, config) if changed else None
    if problem is not None:
        config.restore(before)
        engine.host.apply_parameters(changed, config)
        raise refused(problem[0].encode(), problem[1].encode())
    if "requirepass" in names:
        engine.acl.set_default_password(config.values[b"requirepass"])
        user_changed(engine, engine.acl.default)
    follow_config(engine)
    if "appendonly" in changed and not _switch_log(engine):
        config.restore(before)
        follow_config(engine)
        raise refused(b"appendonly", b"Unable to turn on AOF. Check server logs.")
    if "maxmemory" in changed or "maxmemory-policy" in changed:
        engine.evictor.has_more = True
        if engine.actor is None or not engine.actor.caller.in_exec:
            engine.evictor.go_on()


def follow_config(engine: "EngineParts") -> None:
    """Apply the parameters to the parts of a running engine."""
    config = engine.config
    engine.notify_flags = config.monitoring.notify_flags
    if config.server.cluster_enabled:
        _join_cluster(engine)
    _choose_logs(engine)
    engine.tracking.limit()
    engine.acl.allow_channels = config.server.acl_pubsub_default_all
    engine.access_log.configure()
    engine.account.configure(engine)
    engine.client_memory.configure(engine)
    engine.frees_lazily = config.boolean("lazyfree-lazy-server-del")
    engine.choose_expiry()
    engine.memory_is_full = engine.memory_is_full and config.memory.maxmemory > 0
    if config.server.min_replicas_to_write and config.server.min_replicas_max_lag:
        engine.blocked_by |= BLOCKED_BY_FEW_REPLICAS
    else:
        engine.blocked_by &= ~BLOCKED_BY_FEW_REPLICAS
    engine.replication.config_changed()
    engine.saves.choose_disk_flag()
    engine.log.configure()
    for client in engine.clients.connected.values():
        client.parser.bulk_bytes_max = config.clients.proto_max_bulk_len
        client.last_row = None


def _switch_log(engine: "EngineParts") -> bool:
    """Turn the append-only file on or off, as the parameter says; False if it can't be had."""
    if not engine.config.boolean("appendonly"):
        engine.log_rewriter.turn_off()
        return True
    in_transaction = engine.actor is not None and engine.actor.caller.in_exec
    if engine.actor is not None:
        engine.clients.mark_pending(engine.actor)  # so that the server starts the work at once
    return engine.log.state != OFF or engine.log_rewriter.turn_on(in_transaction)


def _choose_logs(engine: "EngineParts") -> None:
    """Set from when on calls are slow or large (``call_logs``), and whether calls may share a timing batch."""
    config = engine.config
    slower_than_us = config.monitoring.slowlog_log_slower_than
    engine.slow_after_us = slower_than_us if slower_than_us >= 0 else NEVER_US
    if config.monitoring.latency_monitor_threshold:
        engine.slow_after_us = min(engine.slow_after_us, config.monitoring.latency_monitor_threshold * 1000)
    engine.large_request_bytes = (
        config.monitoring.large_request_bytes if config.monitoring.large_request_bytes >= 0 else NEVER_US
    )
    engine.large_reply_bytes = (
        config.monitoring.large_reply_bytes if config.monitoring.large_reply_bytes >= 0 else NEVER_US
    )
    engine.counts_slots = config.server.cluster_enabled and config.boolean("cluster-slot-stats-enabled")
    if engine.counts_slots:
        engine.slow_after_us = 0
        engine.large_request_bytes = 0
    engine.timer.arguments_max = BATCH_ARGUMENTS_MAX if engine.slow_after_us >= BATCH_SLOW_US_MIN else 0
    engine.tracks_latency = config.monitoring.latency_tracking


def _join_cluster(engine: "EngineParts") -> None:
    """Turn cluster mode on, if it was off, and apply its parameters."""
    cluster = engine.cluster
    if cluster is None:
        cluster = engine.cluster = ClusterState(engine.random)
        for db in engine.databases:
            db.by_slot = SlotKeys(db.values.keys())
        engine.blocked_by |= BLOCKED_BY_CLUSTER
    cluster.needs_full_coverage = engine.config.boolean("cluster-require-full-coverage")
    cluster.update()
    redirect_waiting(engine, cluster)
