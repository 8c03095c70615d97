"""Clients that wait for keys (BLPOP, XREAD BLOCK, ...): serving them when a key becomes ready, and timeouts.

Waiting clients are in ``Clients.blocked``, and for each key in ``Database.blocked`` in the order of arrival. A key that
appears or grows while a client waits for it goes into ``EngineState.ready_keys``; when the command that did it has ended,
the waiting commands run again (``Context.retrying``) and answer, or stay in their place of the queue.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.value import Value
from cachetwin_engine.core.protocol.replies import error
from cachetwin_engine.core.registry.dispatch_flags import BLOCKED_BY_PAUSE, CLIENT_RESTRICTED

from .dispatch import call
from .permission import denial
from .session import Session

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

_WAITED_FOR: Final[dict[str, bytes]] = {"list": b"list", "sorted-set": b"zset", "stream": b"stream"}


def serve_ready(engine: "EngineParts") -> None:
    """Run the waiting commands of keys that became ready: keys in that order, for each the longest waiting first.

    What a served command makes ready is served in the next round. Nobody is served during CLIENT PAUSE.
    """
    if engine.blocked_by & BLOCKED_BY_PAUSE:
        return
    engine.now_ms = engine.batch_started_us // 1000  # a key that expired while the last command ran serves no client
    while engine.ready_keys:
        ready = engine.ready_keys
        engine.ready_keys = []
        seen: dict[tuple[int, bytes], bool] = {}
        for db, key in ready:
            if (db.index, key) in seen:
                continue
            seen[(db.index, key)] = True
            waiting = db.blocked.get(key)
            if waiting is None:
                continue
            for number in list(waiting):
                client = engine.clients.blocked.get(number)
                if isinstance(client, Session):
                    _serve(engine, client, db, key)


def end_overdue(engine: "EngineParts") -> None:
    """Answer the clients whose timeout has passed."""
    for client in list(engine.clients.blocked.values()):
        blocked = client.blocked
        if blocked is not None and 0 < blocked.deadline_ms <= engine.now_ms:
            client.unblock(blocked.on_timeout)


def _serve(engine: "EngineParts", session: Session, db: Database, key: bytes) -> None:
    """Run the command for which ``session`` waits again, if ``key`` holds what it waits for."""
    blocked = session.blocked
    if blocked is None:
        return
    command = engine.commands[blocked.args[0].lower()]
    if not engine.profile.keeps_expired_on_wake:
        value = db.peek(key)
    else:
        value = None if db.is_expired(key) else db.values.find(key)
    kind = value.kind() if isinstance(value, Value) else b""
    if _WAITED_FOR.get(command.group) != kind and command.name != b"xreadgroup":
        return  # another type, or deleted again; XREADGROUP reports it, its group went with the stream
    ctx = session.context
    denied = denial(ctx, command, blocked.args) if session.client_flags & CLIENT_RESTRICTED else None
    if denied is not None:
        command.rejected_calls += 1
        reply = error(denied)
        engine.statistics.count_error(reply)
        session.unblock(reply, served=True)
        return
    own_db = ctx.db
    ctx.db = db
    ctx.retrying = True
    session.hold_messages(True)
    reply = call(ctx, command, blocked.args)
    session.hold_messages(False)
    ctx.retrying = False
    ctx.db = own_db
    if reply:
        session.unblock(reply, served=True)
    session.release_messages()
