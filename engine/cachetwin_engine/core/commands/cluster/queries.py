"""CLUSTER: queries of the slot table and of its nodes. The commands that change the table are in ``changes``."""

from typing import Final

from cachetwin_engine.core.cluster.info import info_lines
from cachetwin_engine.core.cluster.state import BUS_PORT_OFFSET, ClusterNode, ClusterState
from cachetwin_engine.core.cluster.topology import FAILED, ONLINE
from cachetwin_engine.core.commands.help_text import help_reply
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.execution.routing import hostname_of, ip_of, port_of, preferred_endpoint, preferred_kind
from cachetwin_engine.core.keyspace.database import Database
from cachetwin_engine.core.keyspace.slots import SLOT_COUNT, slot_of
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY, ZERO, array, bulk, bulk_array, integer
from cachetwin_engine.core.registry.command_table import ADMIN, LOADING, NONDETERMINISTIC, STALE, command, container
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int

DISABLED: Final = b"ERR This instance has cluster support disabled"


container(
    "CLUSTER",
    summary="Inspect and control a cluster.",
    group="cluster",
    since="3.0.0",
)


def state_of(ctx: Context) -> ClusterState:
    """The slot table. Raises CommandError without cluster mode."""
    cluster = ctx.engine.cluster
    if cluster is None:
        raise CommandError(DISABLED)
    return cluster


def node_named(cluster: ClusterState, node_id: bytes) -> ClusterNode:
    """The node with an ID. Raises CommandError."""
    node = cluster.nodes.get(node_id)
    if node is None:
        raise CommandError(b"ERR Unknown node " + node_id)
    return node


def slot_named(text: bytes) -> int:
    """A slot's number. Raises CommandError."""
    slot = integer_or_none(text)
    if slot is None or not 0 <= slot < SLOT_COUNT:
        raise CommandError(b"ERR Invalid or out of range slot")
    return slot


def keys_in_slot(ctx: Context, slot: int) -> int:
    """The number of keys of a slot in all databases."""
    return sum([_count(db, slot) for db in ctx.engine.databases])


def keys_of(db: Database, slot: int) -> list[bytes]:
    """All keys of a slot in one database."""
    return [] if db.by_slot is None else db.by_slot.first(slot, db.by_slot.count(slot))


def has_keys(ctx: Context) -> bool:
    """Whether any database has a key."""
    return any(len(db) > 0 for db in ctx.engine.databases)


def _count(db: Database, slot: int) -> int:
    return 0 if db.by_slot is None else db.by_slot.count(slot)


@command(
    "CLUSTER|KEYSLOT",
    summary="Return the slot of a key.",
    arguments="key:string",
    arity=3,
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) where N is the number of bytes in the key",
)
def cluster_keyslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER KEYSLOT key."""
    if ctx.engine.profile.keyslot_needs_cluster:
        state_of(ctx)
    return integer(slot_of(args[2]))


@command(
    "CLUSTER|INFO",
    summary="Describe the state of the cluster.",
    arity=2,
    flags=LOADING | STALE,
    group="cluster",
    since="3.0.0",
    tips=NONDETERMINISTIC,
)
def cluster_info(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER INFO."""
    return ctx.verbatim("".join([line + "\r\n" for line in info_lines(ctx.engine.profile, state_of(ctx))]).encode())


@command(
    "CLUSTER|MYID",
    summary="Return the ID of this node.",
    arity=2,
    flags=LOADING | STALE,
    group="cluster",
    since="3.0.0",
)
def cluster_myid(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER MYID."""
    return bulk(state_of(ctx).myself.id)


@command(
    "CLUSTER|MYSHARDID",
    summary="Return the ID of this node's shard.",
    arity=2,
    flags=LOADING | STALE,
    group="cluster",
    since="7.2.0",
    tips=NONDETERMINISTIC,
)
def cluster_myshardid(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER MYSHARDID."""
    return bulk(state_of(ctx).myself.shard_id)


@command(
    "CLUSTER|NODES",
    summary="List the nodes, one line each.",
    arity=2,
    flags=LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) where N is the total number of Cluster nodes",
    tips=NONDETERMINISTIC,
)
def cluster_nodes(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER NODES."""
    cluster = state_of(ctx)
    ranges = cluster.ranges()
    lines = [_described(ctx, cluster, node, ranges[node.id]) + b"\n" for node in cluster.nodes.values()]
    return ctx.verbatim(b"".join(lines))


def _described(ctx: Context, cluster: ClusterState, node: ClusterNode, ranges: list[tuple[int, int]]) -> bytes:
    """The line of a node in CLUSTER NODES."""
    port = port_of(ctx.engine, ctx.session, node)
    own = node is cluster.myself
    bus_port = node.bus_port or port + BUS_PORT_OFFSET
    if own and not cluster.is_given:
        config = ctx.engine.config
        bus_port = config.integer("cluster-announce-bus-port") or config.integer("cluster-port") or bus_port
    hostname = hostname_of(ctx.engine, node)
    failed = node.health == FAILED
    flags = [b"master" if node.primary is None else b"slave"]
    if own:
        flags.insert(0, b"myself")
    if failed:
        flags.append(b"fail")
    heard_ms = 0 if own or failed or not cluster.is_given else ctx.engine.now_ms
    words = [
        node.id,
        b"%b:%d@%d" % (ip_of(ctx.engine, ctx.session, node), port, bus_port) + (b"," + hostname if hostname else b""),
        b",".join(flags),
        b"-" if node.primary is None else node.primary.id,
        b"0 %d %d" % (heard_ms, node.epoch),
        b"disconnected" if failed else b"connected",
    ]
    words += [b"%d" % first if first == last else b"%d-%d" % (first, last) for first, last in ranges]
    if own and node.primary is None:
        words += [b"[%d->-%b]" % (slot, cluster.migrating[slot].id) for slot in sorted(cluster.migrating)]
        words += [b"[%d-<-%b]" % (slot, cluster.importing[slot].id) for slot in sorted(cluster.importing)]
    return b" ".join(words)


_CLUSTER_SLOTS_HISTORY: Final = [
    ("4.0.0", "Added node IDs."),
    ("7.0.0", "Added additional networking metadata field."),
    ("9.1.0", "Added the availability zone."),
]


@command(
    "CLUSTER|SLOTS",
    summary="List the ranges of slots and the nodes that own them.",
    arity=2,
    flags=LOADING | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) where N is the total number of Cluster nodes",
    tips=NONDETERMINISTIC,
    history=_CLUSTER_SLOTS_HISTORY,
)
def cluster_slots(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SLOTS."""
    cluster = state_of(ctx)
    found: list[tuple[int, int, list[bytes]]] = []
    for node_id, ranges in cluster.ranges().items():
        if ranges:
            node = cluster.nodes[node_id]
            serving = [node, *[replica for replica in cluster.replicas(node) if replica.health == ONLINE]]
            described = [_node_of_slots(ctx, server) for server in serving]
            found += [(first, last, described) for first, last in ranges]
    found.sort()
    return array([array([integer(first), integer(last), *nodes]) for first, last, nodes in found])


def _node_of_slots(ctx: Context, node: ClusterNode) -> bytes:
    """A node in CLUSTER SLOTS: its preferred endpoint, and the others as metadata."""
    preferred = preferred_endpoint(ctx.engine, ctx.session, node)
    kind = preferred_kind(ctx.engine)
    others: list[bytes] = []
    if kind != "ip":
        others += [bulk(b"ip"), bulk(ip_of(ctx.engine, ctx.session, node))]
    hostname = hostname_of(ctx.engine, node)
    if kind != "hostname" and hostname:
        others += [bulk(b"hostname"), bulk(hostname)]
    others += _zone_of(ctx, node)
    host = ctx.null if preferred is None else bulk(preferred)
    return array([host, integer(port_of(ctx.engine, ctx.session, node)), bulk(node.id), ctx.map_reply(others)])


@command(
    "CLUSTER|SHARDS",
    summary="List the shards with their slots and nodes.",
    arity=2,
    flags=LOADING | STALE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) where N is the total number of cluster nodes",
    tips=NONDETERMINISTIC,
    history=[("9.1.0", "Added the ID of a shard and the availability zone of a node.")],
)
def cluster_shards(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SHARDS."""
    cluster = state_of(ctx)
    ranges = cluster.ranges()
    shards: list[bytes] = []
    for members in cluster.shards():
        slots: list[bytes] = []
        for first, last in ranges[members[0].id]:
            slots += [integer(first), integer(last)]
        nodes = array([_node_of_shard(ctx, node) for node in members])
        items = [bulk(b"slots"), array(slots), bulk(b"nodes"), nodes]
        if ctx.engine.profile.shows_shard_ids:
            items += [bulk(b"id"), bulk(members[0].shard_id)]
        shards.append(ctx.map_reply(items))
    return array(shards)


def _zone_of(ctx: Context, node: ClusterNode) -> list[bytes]:
    """The availability zone as name and value, since 9.1; of a node that is not given, this one's parameter."""
    cluster = ctx.engine.cluster
    if cluster is None or not ctx.engine.profile.shows_cluster_zones:
        return []
    zone = node.zone.encode()
    if not zone and node is cluster.myself:
        zone = ctx.engine.config.values[b"availability-zone"]
    return [bulk(b"availability-zone"), bulk(zone)] if zone else []


def _node_of_shard(ctx: Context, node: ClusterNode) -> bytes:
    session = ctx.session
    preferred = preferred_endpoint(ctx.engine, session, node)
    port = bulk(b"tls-port" if node.tls else b"port")
    items = [
        bulk(b"id"), bulk(node.id), port, integer(port_of(ctx.engine, session, node)), bulk(b"ip"),
        bulk(ip_of(ctx.engine, session, node)), bulk(b"endpoint"), ctx.null if preferred is None else bulk(preferred),
    ]  # fmt: skip
    hostname = hostname_of(ctx.engine, node)
    if hostname:
        items += [bulk(b"hostname"), bulk(hostname)]
    role = b"master" if node.primary is None else b"replica"
    items += [
        bulk(b"role"), bulk(role), bulk(b"replication-offset"), integer(_offset_of(ctx, node)), bulk(b"health"),
        bulk(node.health.encode()),
    ]  # fmt: skip
    items += _zone_of(ctx, node)
    return ctx.map_reply(items)


def _offset_of(ctx: Context, node: ClusterNode) -> int:
    """How far a node is in the history of its shard, as far as this node knows."""
    cluster = ctx.engine.cluster
    if cluster is not None and cluster.is_given and node is cluster.myself:
        return ctx.engine.replication.offset
    return node.offset


@command(
    "CLUSTER|COUNTKEYSINSLOT",
    summary="Count the keys of a slot.",
    arguments="slot",
    arity=3,
    flags=STALE,
    group="cluster",
    since="3.0.0",
)
def cluster_countkeysinslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER COUNTKEYSINSLOT slot: in the selected database."""
    state_of(ctx)
    slot = parse_int(args[2])
    if not 0 <= slot < SLOT_COUNT:
        raise CommandError(b"ERR Invalid slot")
    return integer(_count(ctx.db, slot))


@command(
    "CLUSTER|GETKEYSINSLOT",
    summary="List keys of a slot.",
    arguments="slot count",
    arity=4,
    flags=STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) where N is the number of requested keys",
    tips=NONDETERMINISTIC,
)
def cluster_getkeysinslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER GETKEYSINSLOT slot count: of the selected database."""
    state_of(ctx)
    slot, count = parse_int(args[2]), parse_int(args[3])
    if not 0 <= slot < SLOT_COUNT or count < 0:
        raise CommandError(b"ERR Invalid slot or number of keys")
    by_slot = ctx.db.by_slot
    return EMPTY_ARRAY if by_slot is None else bulk_array(by_slot.first(slot, count))


@command(
    "CLUSTER|REPLICAS",
    summary="List the replicas of a node.",
    arguments="node-id",
    arity=3,
    flags=ADMIN | STALE,
    group="cluster",
    since="5.0.0",
    complexity="O(N) where N is the number of replicas.",
    tips=NONDETERMINISTIC,
)
def cluster_replicas(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER REPLICAS node-id."""
    cluster = state_of(ctx)
    node = node_named(cluster, args[2])
    if node.primary is not None:
        raise CommandError(b"ERR The specified node is not a master")
    return bulk_array([_described(ctx, cluster, replica, []) for replica in cluster.replicas(node)])


@command(
    "CLUSTER|SLAVES",
    summary="List the replicas of a node.",
    arguments="node-id",
    arity=3,
    flags=ADMIN | STALE,
    group="cluster",
    since="3.0.0",
    deprecated="5.0.0|`CLUSTER REPLICAS`",
    complexity="O(N) where N is the number of replicas.",
    tips=NONDETERMINISTIC,
)
def cluster_slaves(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SLAVES node-id."""
    return cluster_replicas(ctx, args)


@command(
    "CLUSTER|COUNT-FAILURE-REPORTS",
    summary="Count the nodes that report a node as failed.",
    arguments="node-id",
    arity=3,
    flags=ADMIN | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) where N is the number of failure reports",
    tips=NONDETERMINISTIC,
    history=[("9.0.0", "Reports about a node that is marked as failed are not counted.")],
)
def cluster_count_failure_reports(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER COUNT-FAILURE-REPORTS node-id: always 0, because no node reports to this one."""
    node_named(state_of(ctx), args[2])
    return integer(0)


@command(
    "CLUSTER|LINKS",
    summary="List the connections between this node and the others.",
    arity=2,
    flags=STALE,
    group="cluster",
    since="7.0.0",
    complexity="O(N) where N is the total number of Cluster nodes",
    tips=NONDETERMINISTIC,
)
def cluster_links(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER LINKS: those that carry messages; there are none before a message was published."""
    links = [_link(ctx, b"to", link.node_id, link.created_ms) for link in state_of(ctx).links.values()]
    for client in ctx.engine.clients.connected.values():
        if client.peer_id:
            links.append(_link(ctx, b"from", client.peer_id, client.created_ms))
    return array(links)


def _link(ctx: Context, direction: bytes, node_id: bytes, created_ms: int) -> bytes:
    items = [bulk(b"direction"), bulk(direction), bulk(b"node"), bulk(node_id)]
    items += [bulk(b"create-time"), integer(created_ms), bulk(b"events"), bulk(b"r" if direction == b"from" else b"rw")]
    return ctx.map_reply([*items, bulk(b"send-buffer-allocated"), ZERO, bulk(b"send-buffer-used"), ZERO])


@command(
    "CLUSTER|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="cluster",
    since="5.0.0",
)
def cluster_help(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER HELP."""
    state_of(ctx)
    return help_reply(ctx, b"cluster")
