"""CLUSTER: commands that change the slot table of this node.

There is no cluster bus: MEET, REPLICATE and FAILOVER are refused. A node with a topology from outside forgets these changes
with the next one.
"""

from typing import Final

from cachetwin_engine.core.cluster.state import BUS_PORT_OFFSET, ClusterNode, ClusterState
from cachetwin_engine.core.commands.keys import changed_in
from cachetwin_engine.core.config.notifications import NOTIFY_GENERIC
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.execution.routing import slots_left
from cachetwin_engine.core.protocol.errors import CommandError, bad_subcommand, syntax_error, wrong_arity
from cachetwin_engine.core.protocol.replies import OK, simple
from cachetwin_engine.core.registry.command_table import (
    ADMIN,
    NO_ASYNC_LOADING,
    NONDETERMINISTIC,
    NOSCRIPT,
    STALE,
    WRITE,
    command,
)
from cachetwin_engine.core.text.numbers import integer_or_none, parse_int

from .queries import has_keys, keys_in_slot, keys_of, node_named, slot_named, state_of

_ORDER: Final = ADMIN | STALE | NO_ASYNC_LOADING
_PER_SLOT: Final = "O(N) where N is the total number of hash slot arguments"
_PER_RANGE: Final = "O(N) where N is the total number of the slots between the start slot and end slot arguments."
_SETSLOT: Final = b"ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"


@command(
    "CLUSTER|ADDSLOTS",
    summary="Assign unassigned slots to this node.",
    arguments="slot...",
    arity=-3,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
    complexity=_PER_SLOT,
)
def cluster_addslots(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER ADDSLOTS slot [slot ...]."""
    return _take(ctx, _slots(args))


@command(
    "CLUSTER|ADDSLOTSRANGE",
    summary="Assign ranges of unassigned slots to this node.",
    arguments="range=(start-slot:integer end-slot:integer)...",
    arity=-4,
    flags=_ORDER,
    group="cluster",
    since="7.0.0",
    complexity=_PER_RANGE,
)
def cluster_addslotsrange(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER ADDSLOTSRANGE start end [start end ...]."""
    return _take(ctx, _ranges(args, b"cluster|addslotsrange"))


@command(
    "CLUSTER|DELSLOTS",
    summary="Unassign slots.",
    arguments="slot...",
    arity=-3,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
    complexity=_PER_SLOT,
)
def cluster_delslots(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER DELSLOTS slot [slot ...]."""
    return _release(ctx, _slots(args))


@command(
    "CLUSTER|DELSLOTSRANGE",
    summary="Unassign ranges of slots.",
    arguments="range=(start-slot:integer end-slot:integer)...",
    arity=-4,
    flags=_ORDER,
    group="cluster",
    since="7.0.0",
    complexity=_PER_RANGE,
)
def cluster_delslotsrange(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER DELSLOTSRANGE start end [start end ...]."""
    return _release(ctx, _ranges(args, b"cluster|delslotsrange"))


@command(
    "CLUSTER|FLUSHSLOTS",
    summary="Unassign all slots of this node.",
    arity=2,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
)
def cluster_flushslots(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER FLUSHSLOTS: allowed on an empty node only."""
    cluster = state_of(ctx)
    if has_keys(ctx):
        raise CommandError(b"ERR DB must be empty to perform CLUSTER FLUSHSLOTS.")
    owned = [slot for slot, owner in enumerate(cluster.owners) if owner is cluster.myself]
    for slot in owned:
        cluster.release(slot)
    return _changed(ctx, cluster, owned)


@command(
    "CLUSTER|FLUSHSLOT",
    summary="Delete all keys of a slot.",
    arguments="slot [flush-type=<ASYNC | SYNC>]",
    arity=-3,
    flags=WRITE | ADMIN | NO_ASYNC_LOADING,
    group="cluster",
    since="9.0.0",
    complexity="O(N) where N is the number of keys in the slot",
    categories=[b"keyspace"],
    valkey_only=True,
)
def cluster_flushslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER FLUSHSLOT slot [ASYNC | SYNC]: in all databases; with both options the keys are gone when it returns."""
    state_of(ctx)
    if len(args) > 4:
        raise bad_subcommand(args)
    slot = slot_named(args[2])
    mode = args[3].lower() if len(args) == 4 else b""
    if mode not in {b"", b"async", b"sync"}:
        raise syntax_error()
    engine = ctx.engine
    usual = engine.frees_lazily
    engine.frees_lazily = mode == b"async" or (not mode and engine.config.boolean("lazyfree-lazy-user-flush"))
    for db in engine.databases:
        for key in keys_of(db, slot):
            if db.delete(key):
                changed_in(ctx, db, key, NOTIFY_GENERIC, b"del")
    engine.frees_lazily = usual
    return OK


def _slots(args: list[bytes]) -> list[int]:
    return [slot_named(text) for text in args[2:]]


def _ranges(args: list[bytes], name: bytes) -> list[int]:
    if len(args) % 2:
        raise wrong_arity(name)
    slots: list[int] = []
    for at in range(2, len(args), 2):
        first, last = slot_named(args[at]), slot_named(args[at + 1])
        if first > last:
            raise CommandError(b"ERR start slot number %d is greater than end slot number %d" % (first, last))
        slots += list(range(first, last + 1))
    return slots


def _take(ctx: Context, slots: list[int]) -> bytes:
    cluster = state_of(ctx)
    _check_once(cluster, slots, assigned=False)
    for slot in slots:
        cluster.assign(slot, cluster.myself)
        cluster.importing.pop(slot, None)
    return _changed(ctx, cluster, [])


def _release(ctx: Context, slots: list[int]) -> bytes:
    cluster = state_of(ctx)
    _check_once(cluster, slots, assigned=True)
    for slot in slots:
        cluster.release(slot)
    return _changed(ctx, cluster, slots)


def _check_once(cluster: ClusterState, slots: list[int], assigned: bool) -> None:
    """Check that no slot is given twice, and that each is assigned or not, as ``assigned`` says. Raises CommandError."""
    seen: set[int] = set()
    for slot in slots:
        if (cluster.owners[slot] is not None) != assigned:
            raise CommandError(b"ERR Slot %d is already %b" % (slot, b"unassigned" if assigned else b"busy"))
        if slot in seen:
            raise CommandError(b"ERR Slot %d specified multiple times" % slot)
        seen.add(slot)


def _changed(ctx: Context, cluster: ClusterState, left: list[int]) -> bytes:
    """Update the cluster after a change of the table; this node no longer owns the slots ``left``."""
    cluster.update()
    slots_left(ctx.engine, cluster, left)
    return OK


_CLUSTER_SETSLOT_ARGUMENTS: Final = (
    "slot subcommand=<IMPORTING importing{node-id} | MIGRATING migrating{node-id} | NODE node{node-id} | STABLE> "
    "[TIMEOUT timeout:integer@8.0.0]"
)


@command(
    "CLUSTER|SETSLOT",
    summary="Start or finish the migration of a slot, or set its owner.",
    arguments=_CLUSTER_SETSLOT_ARGUMENTS,
    arity=-4,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
    history=[("8.0.0", "Added the `TIMEOUT` option.")],
)
def cluster_setslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SETSLOT slot IMPORTING|MIGRATING|NODE node-id | STABLE [TIMEOUT ms]: without replicas it never waits."""
    cluster = state_of(ctx)
    slot = slot_named(args[2])
    action = args[3].lower()
    at = 4
    if action in {b"migrating", b"importing", b"node"} and len(args) >= 5:
        _set_with_node(ctx, cluster, slot, action, args[4])
        at = 5
    elif action == b"stable":
        cluster.migrating.pop(slot, None)
        cluster.importing.pop(slot, None)
    else:
        raise CommandError(_SETSLOT)
    for place in range(at, len(args)):
        if args[place].lower() == b"timeout" and place + 1 >= len(args):
            raise CommandError(b"ERR Missing timeout value")
    return OK


def _set_with_node(ctx: Context, cluster: ClusterState, slot: int, action: bytes, node_id: bytes) -> None:
    owner = cluster.owners[slot]
    if action == b"migrating" and owner is not cluster.myself:
        raise CommandError(b"ERR I'm not the owner of hash slot %d" % slot)
    if action == b"importing" and owner is cluster.myself:
        raise CommandError(b"ERR I'm already the owner of hash slot %d" % slot)
    node = cluster.nodes.get(node_id)
    if node is None:
        raise CommandError((b"ERR Unknown node " if action == b"node" else b"ERR I don't know about node ") + node_id)
    if action == b"migrating":
        cluster.migrating[slot] = node
    elif action == b"importing":
        cluster.importing[slot] = node
    else:
        _give(ctx, cluster, slot, node)


def _give(ctx: Context, cluster: ClusterState, slot: int, node: ClusterNode) -> None:
    """SETSLOT NODE: the end of a slot migration, on the source or the target."""
    keys = keys_in_slot(ctx, slot)
    was_mine = cluster.owners[slot] is cluster.myself
    if was_mine and node is not cluster.myself and keys:
        raise CommandError(
            b"ERR Can't assign hashslot %d to a different node while I still hold keys for this hash slot." % slot
        )
    if not keys:
        cluster.migrating.pop(slot, None)
    cluster.assign(slot, node)
    if node is cluster.myself and cluster.importing.pop(slot, None) is not None:
        cluster.bump_epoch()
    _changed(ctx, cluster, [slot] if was_mine and node is not cluster.myself else [])


@command(
    "CLUSTER|BUMPEPOCH",
    summary="Raise this node's epoch above all others.",
    arity=2,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
    tips=NONDETERMINISTIC,
)
def cluster_bumpepoch(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER BUMPEPOCH."""
    cluster = state_of(ctx)
    word = b"BUMPED" if cluster.bump_epoch() else b"STILL"
    return simple(b"%b %d" % (word, cluster.myself.epoch))


@command(
    "CLUSTER|SET-CONFIG-EPOCH",
    summary="Set the epoch of a new node.",
    arguments="config-epoch:integer",
    arity=3,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
)
def cluster_set_config_epoch(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SET-CONFIG-EPOCH config-epoch."""
    cluster = state_of(ctx)
    epoch = parse_int(args[2])
    if epoch < 0:
        raise CommandError(b"ERR Invalid config epoch specified: %d" % epoch)
    if len(cluster.nodes) > 1:
        raise CommandError(b"ERR The user can assign a config epoch only when the node does not know any other node.")
    if cluster.myself.epoch:
        raise CommandError(b"ERR Node config epoch is already non-zero")
    cluster.myself.epoch = epoch
    cluster.current_epoch = max(cluster.current_epoch, epoch)
    return OK


@command(
    "CLUSTER|SAVECONFIG",
    summary="Save the slot table to disk.",
    arity=2,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
)
def cluster_saveconfig(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SAVECONFIG: the table is not kept across restarts, so there is nothing to write."""
    state_of(ctx)
    return OK


@command(
    "CLUSTER|MEET",
    summary="Introduce another node to this node.",
    arguments="ip port [cluster-bus-port:integer@4.0.0]",
    arity=-4,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
    history=[("4.0.0", "Added the optional `cluster_bus_port` argument.")],
)
def cluster_meet(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER MEET ip port [bus port]: checked, then refused, because there is no cluster bus."""
    state_of(ctx)
    if len(args) > 5:
        raise CommandError(b"ERR unknown subcommand or wrong number of arguments for 'meet'. Try CLUSTER HELP.")
    port = integer_or_none(args[3])
    if port is None:
        raise CommandError(b"ERR Invalid base port specified: " + args[3])
    if not 0 < port <= 65535:
        raise CommandError(b"ERR Port number is out of range")
    bus_port = integer_or_none(args[4]) if len(args) == 5 else port + BUS_PORT_OFFSET
    if bus_port is None:
        raise CommandError(b"ERR Invalid bus port specified: " + args[4])
    if not 0 < bus_port <= 65535:
        raise CommandError(b"ERR Cluster bus port number is out of range")
    raise CommandError(
        b"ERR CLUSTER MEET is not supported: this engine has no cluster bus, its topology comes from outside"
    )


@command(
    "CLUSTER|FORGET",
    summary="Remove a node from this node's table.",
    arguments="node-id",
    arity=3,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
)
def cluster_forget(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER FORGET node-id."""
    cluster = state_of(ctx)
    node = node_named(cluster, args[2])
    if node is cluster.myself:
        raise CommandError(b"ERR I tried hard but I can't forget myself...")
    cluster.forget(node)
    return _changed(ctx, cluster, [])


@command(
    "CLUSTER|REPLICATE",
    summary="Make this node a replica of another node, or a primary.",
    arguments="args=<node-id | no-one=(NO ONE)@9.0.0>",
    arity=-3,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
    history=[("9.0.0", "Added `NO ONE`, which makes a replica a primary.")],
)
def cluster_replicate(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER REPLICATE node-id | NO ONE: a node ID is checked, then refused; NO ONE changes nothing."""
    cluster = state_of(ctx)
    if len(args) > 3:
        if [word.lower() for word in args[2:]] != [b"no", b"one"]:
            raise bad_subcommand(args)
        return OK
    node = node_named(cluster, args[2])
    if node is cluster.myself:
        raise CommandError(b"ERR Can't replicate myself")
    if cluster.myself.slot_count or has_keys(ctx):
        raise CommandError(b"ERR To set a master the node must be empty and without assigned slots.")
    raise CommandError(
        b"ERR CLUSTER REPLICATE is not supported: this engine has no cluster bus, its topology comes from outside"
    )


@command(
    "CLUSTER|FAILOVER",
    summary="Promote this replica in place of its primary.",
    arguments="[options=<FORCE | TAKEOVER>]",
    arity=-2,
    flags=_ORDER,
    group="cluster",
    since="3.0.0",
)
def cluster_failover(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER FAILOVER [FORCE | TAKEOVER]: refused; who is primary is decided outside."""
    cluster = state_of(ctx)
    if len(args) > 3 or (len(args) == 3 and args[2].lower() not in {b"force", b"takeover"}):
        raise syntax_error()
    if cluster.myself.primary is None:
        raise CommandError(b"ERR You should send CLUSTER FAILOVER to a replica")
    raise CommandError(
        b"ERR CLUSTER FAILOVER is not supported: this engine has no cluster bus, its topology comes from outside"
    )


@command(
    "CLUSTER|RESET",
    summary="Reset this node's slot table.",
    arguments="[reset-type=<HARD | SOFT>]",
    arity=-2,
    flags=ADMIN | NOSCRIPT | STALE,
    group="cluster",
    since="3.0.0",
    complexity="O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.",
)
def cluster_reset(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER RESET [HARD | SOFT]: allowed on an empty node only."""
    cluster = state_of(ctx)
    if len(args) > 3 or (len(args) == 3 and args[2].lower() not in {b"hard", b"soft"}):
        raise syntax_error()
    if has_keys(ctx):
        raise CommandError(b"ERR CLUSTER RESET can't be called with master nodes containing keys")
    owned = [slot for slot, owner in enumerate(cluster.owners) if owner is cluster.myself]
    cluster.reset(hard=len(args) == 3 and args[2].lower() == b"hard")
    return _changed(ctx, cluster, owned)
