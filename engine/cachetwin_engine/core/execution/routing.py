"""Where a request is served, by the slots of its keys: here, at another node, not now, or nowhere."""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.cluster.state import ClusterNode, ClusterState
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.slots import slot_of
from cachetwin_engine.core.observers.watchers import unwatch
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.registry.command_table import ASKING, MAY_REPLICATE, PUBSUB, WRITE, Command
from cachetwin_engine.core.registry.key_positions import key_positions
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.text.numbers import integer_or_none

from .context import Context

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

HERE: Final = 0
CROSS_SLOT: Final = 1
UNSTABLE: Final = 2  # some keys have moved, some have not
ASK: Final = 3
MOVED: Final = 4
DOWN: Final = 5
DOWN_FOR_WRITES: Final = 6
UNBOUND: Final = 7
HELD: Final = 8  # a key is on its way to another node

_LINES: Final[dict[int, bytes]] = {
    CROSS_SLOT: b"CROSSSLOT Keys in request don't hash to the same slot",
    UNSTABLE: b"TRYAGAIN Multiple keys request during rehashing of slot",
    DOWN: b"CLUSTERDOWN The cluster is down",
    DOWN_FOR_WRITES: b"CLUSTERDOWN The cluster is down and only accepts read commands",
    UNBOUND: b"CLUSTERDOWN Hash slot not served",
}
_IN_SCRIPT: Final[dict[int, bytes]] = {
    DOWN: b"ERR Script attempted to execute a command while the cluster is down",
    DOWN_FOR_WRITES: b"ERR Script attempted to execute a write command while the cluster is down and readonly",
    UNBOUND: b"ERR Script attempted to access a slot not served",
    ASK: b"ERR Script attempted to access a non local key in a cluster node",
    MOVED: b"ERR Script attempted to access a non local key in a cluster node",
}
_OTHER_SLOT: Final = b"ERR Script attempted to access keys that do not hash to the same slot"


class Route:
    """The outcome for a request: ``verdict`` is one of the constants above, ``slot`` -1 without keys."""

    def __init__(self, verdict: int, slot: int, node: ClusterNode | None = None) -> None:
        self.verdict = verdict
        self.slot = slot
        self.node = node


class _Requests:
    """One command, or all that wait for EXEC: their keys, the databases of these, and what the commands do."""

    def __init__(self, ctx: Context, db: Database, command: Command, args: list[bytes]) -> None:
        self.keys: list[bytes] = []
        self.databases: list[Database] = []  # of each key
        self.writes = False
        self.may_write = False  # a script may
        self.publishes = False
        self.crosses = False  # a key goes from one database to another, where a move may have been before it
        self._db = db
        self._all = ctx.engine.databases
        self._scripts = ctx.engine.scripts
        transaction = ctx.session.transaction
        if command.name == b"exec" and transaction is not None:
            for queued in transaction.commands:
                self._take(queued.command, queued.args)
        else:
            self._take(command, args)

    def _take(self, command: Command, args: list[bytes]) -> None:
        flags = command.flags if command.group != "scripting" else self._scripts.flags_of(command, args)
        self.writes = self.writes or flags & WRITE != 0
        self.may_write = self.may_write or flags & (WRITE | MAY_REPLICATE) != 0
        self.publishes = self.publishes or command.flags & PUBSUB != 0
        if command.name == b"select":
            index = integer_or_none(args[1])
            if index is not None and 0 <= index < len(self._all):
                self._db = self._all[index]
        if not command.keys:
            return
        self.crosses = self.crosses or _crosses(command, args, self._db.index)
        try:
            positions = key_positions(command, args)
        except CommandError:
            return  # a count of keys that makes no sense: the handler reports it
        for position in positions:
            self.keys.append(args[position.index])
            self.databases.append(self._db)

    def missing(self) -> int:
        """The number of keys that this node does not have."""
        return sum([1 for at, key in enumerate(self.keys) if self.databases[at].peek(key) is None])

    def is_held(self, cluster: ClusterState) -> bool:
        """True if it may change a key that is being sent to another node."""
        if not self.may_write or not cluster.sending:
            return False
        return any((self.databases[at].index, key) in cluster.sending for at, key in enumerate(self.keys))


def _crosses(command: Command, args: list[bytes], database: int) -> bool:
    """True if it takes a key into another database. COPY may name a database more than once."""
    if command.name == b"move":
        return True
    if command.name != b"copy":
        return False
    at = 3
    while at + 1 < len(args):
        if args[at].lower() == b"db":
            if integer_or_none(args[at + 1]) != database:
                return True
            at += 1
        at += 1
    return False


def route(ctx: Context, db: Database, cluster: ClusterState, command: Command, args: list[bytes]) -> Route:
    """Find the node for a request; its keys are looked up in ``db``."""
    engine = ctx.engine
    session = ctx.session
    asked = _Requests(ctx, db, command, args)
    keys = asked.keys
    if not keys:
        return Route(HERE, -1)
    slot = slot_of(keys[0])
    owner = cluster.owners[slot]
    if owner is None:
        return Route(UNBOUND, slot)
    for key in keys:
        if key is not keys[0] and slot_of(key) != slot:
            return Route(CROSS_SLOT, slot)
    myself = cluster.myself
    moves = False
    if myself.primary is None or session.reads_replica:
        moves = slot in (cluster.migrating if owner is myself.serving() else cluster.importing)
    counts = not asked.publishes
    if moves and engine.profile.answers_unstable_slots:
        if asked.crosses:
            return Route(UNSTABLE, slot)
        if session.transaction is not None and command.name != b"exec":
            counts = False  # EXEC will see
    if not cluster.healthy:
        verdict = _while_down(engine, asked)
        if verdict != HERE:
            return Route(verdict, slot)
    if moves:
        found = _route_moving(session, cluster, command, asked, slot, counts)
        if found is not None:
            return found
    reads_here = (session.reads_replica or asked.publishes) and not asked.writes and owner is myself.primary
    return Route(HERE, slot) if owner is myself or reads_here else Route(MOVED, slot, owner)


def _route_moving(
    session: Client, cluster: ClusterState, command: Command, asked: _Requests, slot: int, counts: bool
) -> Route | None:
    """The same for a slot that leaves this node's shard or comes to it; None if that makes no difference.

    ``counts``: it matters which of the keys are here.
    """
    if command.name == b"migrate" and cluster.myself.primary is None:
        return Route(HERE, slot)  # it moves keys, wherever they are
    owner = cluster.owners[slot]
    if owner is not None and owner is cluster.myself.serving():
        if not counts:
            return None
        is_queued = session.transaction is not None and command.name != b"exec"
        if slot in cluster.unverified or asked.is_held(cluster):
            return None if is_queued else Route(HELD, slot)
        missing = asked.missing()
        if missing == 0:
            return None
        return Route(UNSTABLE, slot) if missing < len(asked.keys) else Route(ASK, slot, cluster.migrating[slot])
    if not (session.asking or command.flags & ASKING):
        return None
    if session.peer_id and owner is not None and session.peer_id != owner.id:
        return Route(MOVED, slot, owner)  # of a node that was the owner and is so no more
    if counts and any(key != asked.keys[0] for key in asked.keys) and asked.missing():
        return Route(UNSTABLE, slot)
    return Route(HERE, slot)


def _while_down(engine: EngineState, asked: _Requests) -> int:
    if asked.publishes:
        return HERE if engine.config.boolean("cluster-allow-pubsubshard-when-down") else DOWN
    if not engine.config.boolean("cluster-allow-reads-when-down"):
        return DOWN
    return DOWN_FOR_WRITES if asked.writes else HERE


def _are_in(args: list[bytes], command: Command, slot: int) -> bool:
    """True if all keys behind the first one are in ``slot``."""
    at = command.key_at + command.key_step
    while at < len(args):
        if slot_of(args[at]) != slot:
            return False
        at += command.key_step
    return True


def refusal(ctx: Context, cluster: ClusterState, command: Command, args: list[bytes]) -> bytes | None:
    """Why this node does not serve a client's request, as an error line; None if it does.

    A refused EXEC ends its transaction. ASKING holds for the next command, or for the whole transaction that follows.
    """
    session = ctx.session
    if session.asking and session.transaction is None:
        session.asking -= 1
    session.slot = -1
    if not command.keys and command.name != b"exec":
        return None
    if session.peer_id and command.flags & PUBSUB:
        return None  # a message that was published at another node
    if command.key_at and cluster.healthy:  # by far the most requests
        slot = slot_of(args[command.key_at])
        if (
            cluster.owners[slot] is cluster.myself
            and slot not in cluster.migrating
            and (command.key_step == 0 or _are_in(args, command, slot))
        ):
            session.slot = slot
            return None
    way = route(ctx, ctx.db, cluster, command, args)
    if way.verdict == HERE:
        session.slot = way.slot
        return None
    if way.verdict == HELD:
        ctx.engine.slot_moves.hold(session, args)
        return None
    if command.name == b"exec" and session.transaction is not None:
        session.end_transaction()
        unwatch(session)
    return line_of(ctx.engine, session, way)


def line_of(engine: EngineState, client: Client, way: Route) -> bytes:
    """The error line of a request that this node does not serve."""
    node = way.node
    if node is None:
        return _LINES[way.verdict]
    word = b"ASK" if way.verdict == ASK else b"MOVED"
    host = preferred_endpoint(engine, client, node)
    return b"%b %d %b:%d" % (word, way.slot, b"" if host is None else host, port_of(engine, client, node))


def script_refusal(
    ctx: Context, cluster: ClusterState, command: Command, args: list[bytes], slot: int
) -> tuple[bytes | None, int]:
    """The same for a command in a script: an error line or None, and the slot of its keys.

    ``slot`` is the one the script has to stay in, -1 if it may touch any that this node has.
    """
    way = route(ctx, ctx.db, cluster, command, args)
    if way.verdict == CROSS_SLOT:
        name = (
            b"ERR Command '" + command.name + b"' in script attempted to access keys that don't hash to the same slot"
        )
        return name, way.slot
    if way.verdict in {UNSTABLE, HELD}:
        return (
            b"ERR Unable to execute command '" + command.name + b"' in script because undeclared keys were accessed"
            b" during rehashing of the slot"
        ), way.slot
    if way.verdict != HERE:
        return _IN_SCRIPT[way.verdict], way.slot
    if slot >= 0 and way.slot >= 0 and way.slot != slot:
        return _OTHER_SLOT, way.slot
    return None, way.slot


def preferred_endpoint(engine: EngineState, client: Client, node: ClusterNode) -> bytes | None:
    """The address of ``node`` for clients (``cluster-preferred-endpoint-type``); None: the one they used for this node."""
    kind = preferred_kind(engine)
    if kind == "hostname":
        return hostname_of(engine, node) or b"?"
    return ip_of(engine, client, node) if kind == "ip" else None


def preferred_kind(engine: EngineState) -> str:
    """``ip``, ``hostname`` or ``unknown-endpoint``; at ElastiCache a cluster with TLS prefers names."""
    if engine.config.names_nodes_by_tls and engine.cluster is not None and engine.cluster.is_given:
        return "hostname" if engine.cluster.myself.tls else "ip"
    return engine.config.get("cluster-preferred-endpoint-type") or "ip"


def ip_of(engine: EngineState, client: Client, node: ClusterNode) -> bytes:
    """The node's address; empty for this node unless it announces one: Valkey learns its own from others."""
    cluster = engine.cluster
    if cluster is None or cluster.is_given or node is not cluster.myself:
        return node.ip.encode()
    announced = engine.config.get("cluster-announce-ip") or ""
    if not announced and engine.elasticache:
        announced = client.local_address.rpartition(":")[0]
    return announced.encode()


def hostname_of(engine: EngineState, node: ClusterNode) -> bytes:
    """The node's name; empty without one."""
    cluster = engine.cluster
    if cluster is not None and not cluster.is_given and node is cluster.myself:
        return (engine.config.get("cluster-announce-hostname") or "").encode()
    return node.hostname.encode()


def port_of(engine: EngineState, client: Client, node: ClusterNode) -> int:
    """The node's port for clients that come as ``client`` does, over TLS or not."""
    cluster = engine.cluster
    if cluster is None or cluster.is_given or node is not cluster.myself:
        return node.port
    config = engine.config
    text = client.local_address.rpartition(":")[2]
    port = int(text) if text.isdigit() else engine.host.tcp_port
    by_tls = port == config.integer("tls-port")
    for_clients = config.integer("cluster-announce-client-tls-port" if by_tls else "cluster-announce-client-port")
    return for_clients or config.integer("cluster-announce-port") or port


def slots_left(engine: "EngineParts", cluster: ClusterState, slots: list[int]) -> None:
    """This node no longer has ``slots``: clients that listen to their channels or wait for their keys are informed."""
    if not slots:
        return
    gone = set(slots)
    for channel in list(engine.pubsub.shard_channels):
        if slot_of(channel) in gone:
            engine.pubsub.close_shard_channel(channel)
    redirect_waiting(engine, cluster)


def redirect_waiting(engine: EngineState, cluster: ClusterState) -> None:
    """End the wait of clients whose keys this node does not serve any more, with an error that names the right node."""
    for client in list(engine.clients.blocked.values()):
        blocked = client.blocked
        if blocked is None or blocked.postponed or not blocked.keys:
            continue
        slot = slot_of(blocked.keys[0])
        owner = cluster.owners[slot]
        if not cluster.healthy:
            way = Route(DOWN, slot)
        elif (
            owner is cluster.myself
            or slot in cluster.importing
            or (
                owner is not None
                and owner is cluster.myself.primary
                and client.reads_replica
                and not _writes(engine, client)
            )
        ):
            continue
        else:
            way = Route(UNBOUND if owner is None else MOVED, slot, owner)
        client.refuse_wait(b"-" + line_of(engine, client, way) + b"\r\n")


def _writes(engine: EngineState, client: Client) -> bool:
    """True if the command for which ``client`` waits writes."""
    blocked = client.blocked
    command = None if blocked is None else engine.commands.get(blocked.args[0].lower())
    return command is not None and command.flags & WRITE != 0
