"""INFO clients: connections, what they wait for and what holds them back."""

from cachetwin_engine.core.execution.context import Context


def clients_lines(ctx: Context) -> list[str]:
    """Connections, and what they wait for."""
    engine = ctx.engine
    subscribed = 0
    watching = 0
    watched = 0
    longest_in = 0
    longest_out = 0
    for session in engine.clients.connected.values():
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
        for session in engine.clients.blocked.values()
        if session.blocked is not None and session.blocked.args and session.blocked.args[0].lower() == b"xreadgroup"
        for key in session.blocked.keys
    }
    timed = [s for s in engine.clients.blocked.values() if s.blocked is not None and s.blocked.deadline_ms]
    lines = [
        f"connected_clients:{len(engine.clients.connected) - len(engine.replication.replicas)}",
        "cluster_connections:0",
        f"maxclients:{engine.config.clients.maxclients}",
        f"client_recent_max_input_buffer:{longest_in}",
        f"client_recent_max_output_buffer:{longest_out}",
        f"blocked_clients:{len(engine.clients.blocked)}",
        f"tracking_clients:{len(engine.tracking.clients)}",
        f"pubsub_clients:{subscribed}",
        f"watching_clients:{watching}",
        f"clients_in_timeout_table:{len(timed)}",
        f"total_watched_keys:{watched}",
        f"total_blocking_keys:{blocking_keys}",
        f"total_blocking_keys_on_nokey:{len(wanting_the_key)}",
    ]
    return lines + _pause(ctx) if engine.profile.shows_pause else lines


def _pause(ctx: Context) -> list[str]:
    engine = ctx.engine
    pause = engine.pause
    left_ms = max(pause.until_ms - engine.now_ms, 0)
    return [
        f"paused_reason:{'client_pause' if left_ms else 'none'}",
        f"paused_actions:{('all' if pause.holds_everything else 'write') if left_ms else 'none'}",
        f"paused_timeout_milliseconds:{left_ms}",
    ]
