"""A connection as CLIENT LIST and CLIENT INFO show it."""

from cachetwin_engine.core.registry.dispatch_flags import CLIENT_REPLICA_STREAM
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState


def describe(engine: EngineState, client: Client) -> bytes:
    """The connection as CLIENT LIST shows it, without line end."""
    ctx = client.caller
    now_ms = engine.now_ms
    queued = -1 if client.transaction is None else len(client.transaction.commands)
    redirect = -1 if client.tracking is None else client.tracking.redirect
    profile = engine.profile
    fields = [
        b"id=%d addr=%b laddr=%b fd=%d name=%b age=%d idle=%d flags=%b" % (
            client.id, client.address.encode(), client.local_address.encode(), client.id + 7, client.name,
            (now_ms - client.created_ms) // 1000, (now_ms - client.last_command_ms) // 1000, flag_letters(client) or b"N",
        )
    ]  # fmt: skip
    if profile.shows_client_traffic:
        fields.append(b"capa=r" if client.redirects else b"capa=")
    fields.append(
        b"db=%d sub=%d psub=%d ssub=%d multi=%d"
        % (ctx.db.index, len(client.channels), len(client.patterns), len(client.shard_channels), queued)
    )
    if profile.shows_watched_keys:
        fields.append(b"watch=%d" % len(client.watched))
    fields.append(
        b"qbuf=%d qbuf-free=%d argv-mem=%d multi-mem=%d rbs=%d rbp=%d obl=%d oll=%d omem=%d tot-mem=%d events=r "
        b"cmd=%b user=%b redir=%d resp=%d" % (
            client.parser.buffered() + (client.request_bytes() if profile.counts_request_as_buffered else 0),
            client.parser.reserved() - client.parser.buffered(),
            client.request_bytes(), client.queued_bytes(), client.reply_buffer_bytes(),
            min(16384, client.output_bytes()), client.output_bytes(), 1 if client.unsent_bytes else 0, client.unsent_bytes,
            client.memory_bytes(), client.last_command or b"NULL", ctx.user.name, redirect, 3 if ctx.resp3 else 2,
        )
    )  # fmt: skip
    if profile.shows_client_library:
        fields.append(b"lib-name=%b lib-ver=%b" % (client.lib_name, client.lib_version))
    if profile.shows_client_traffic:
        fields.append(
            b"tot-net-in=%d tot-net-out=%d tot-cmds=%d" % (client.bytes_in, client.bytes_out, client.commands_done)
        )
    return b" ".join(fields)


def flag_letters(client: Client) -> bytes:
    """Letters of CLIENT LIST, in its order (networking.c, catClientInfoString)."""
    flags = b""
    if client.monitors:
        flags += b"O"
    flags += b"S" if client.client_flags & CLIENT_REPLICA_STREAM else b"M" if client.is_primary else b""
    if client.channels or client.patterns or client.shard_channels:
        flags += b"P"
    if client.transaction is not None:
        flags += b"x"
    if client.blocked is not None:
        flags += b"b"
    tracking = client.tracking
    if tracking is not None:
        flags += b"t"
        if tracking.broken_redirect:
            flags += b"R"
        if tracking.broadcast:
            flags += b"B"
    if client.watch_broken:
        flags += b"d"
    if client.closing:
        flags += b"c"
    if client.reads_replica:
        flags += b"r"
    if client.no_evict:
        flags += b"e"
    if client.no_touch:
        flags += b"T"
    if client.imports:
        flags += b"I"
    return flags
