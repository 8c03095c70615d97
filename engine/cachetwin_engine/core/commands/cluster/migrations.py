"""CLUSTER MIGRATESLOTS and related commands: migration of whole slots (Valkey 9).

Nodes agree on a migration over the cluster bus, which this engine does not have. So each request is checked as in Valkey,
in the same order and with the same error texts, and a valid one is refused: no migration ever runs, so none can be
listed or cancelled. SYNCSLOTS is what nodes send each other during a migration; every other client gets an error.
"""

from typing import Final

from cachetwin_engine.core.cluster.state import ClusterNode, ClusterState
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import EMPTY_ARRAY
from cachetwin_engine.core.registry.command_table import ADMIN, MAY_REPLICATE, NO_ASYNC_LOADING, STALE, command
from cachetwin_engine.core.text.numbers import integer_or_none

from .queries import slot_named, state_of

_ORDER: Final = ADMIN | STALE | NO_ASYNC_LOADING
_NODE_ID_BYTES: Final = 40
_ONLY_WITHIN: Final = {
    b"snapshot-eof", b"request-pause", b"paused", b"request-failover", b"failover-granted", b"ack",
}  # fmt: skip


class _Ranges:
    """Ranges of slots that one node owns, and the place of the next argument."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.owner: ClusterNode | None = None
        self.end = 0

    def overlap(self, others: list[tuple[int, int]]) -> bool:
        """Whether a slot is in these ranges and in ``others``."""
        for first, last in self.ranges:
            for other_first, other_last in others:
                if first <= other_last and other_first <= last:
                    return True
        return False


_CLUSTER_MIGRATESLOTS_ARGUMENTS: Final = (
    "migration-group=(slotsrange-token=SLOTSRANGE range=(start-slot:integer end-slot:integer)... node-token=NODE "
    "node-id)..."
)


@command(
    "CLUSTER|MIGRATESLOTS",
    summary="Migrate slots of this node to other nodes.",
    arguments=_CLUSTER_MIGRATESLOTS_ARGUMENTS,
    arity=-4,
    flags=_ORDER,
    group="cluster",
    since="9.0.0",
    complexity="O(N) where N is the number of slots.",
    valkey_only=True,
)
def cluster_migrateslots(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER MIGRATESLOTS SLOTSRANGE start end [start end ...] NODE node-id [...]: checked, then refused."""
    cluster = state_of(ctx)
    _check_manual_moves(cluster)
    before: list[tuple[int, int]] = []
    at = 2
    while at < len(args):
        if args[at].lower() != b"slotsrange":
            raise syntax_error()
        asked = _ranges(cluster, args, at + 1)
        if asked.owner is not cluster.myself:
            raise CommandError(b"ERR Slots are not served by this node.")
        if asked.overlap(before):
            raise CommandError(b"ERR Slot ranges in migrations overlap")
        before += asked.ranges
        at = asked.end
        if at + 1 >= len(args) or args[at].lower() != b"node":
            raise syntax_error()
        _check_target(cluster, args[at + 1])
        at += 2
    raise CommandError(
        b"ERR CLUSTER MIGRATESLOTS is not supported: this engine has no cluster bus, its topology comes from outside"
    )


def _check_manual_moves(cluster: ClusterState) -> None:
    """Check that no slot migrates key by key. Raises CommandError."""
    if cluster.importing:
        raise CommandError(b"ERR Slots are being manually imported")
    if cluster.migrating:
        raise CommandError(b"ERR Slots are being manually migrated")


def _ranges(cluster: ClusterState, args: list[bytes], at: int) -> _Ranges:
    """Read pairs of slots from ``at`` up to the first word that is no number. Raises CommandError."""
    asked = _Ranges()
    while at < len(args) and integer_or_none(args[at]) is not None:
        first = slot_named(args[at])
        if at + 1 >= len(args):
            raise CommandError(b"ERR No end slot for final slot range")
        last = slot_named(args[at + 1])
        if first > last:
            raise CommandError(b"ERR Start slot number %d is greater than end slot number %d." % (first, last))
        _take_owner(cluster, asked, first, last)
        for other_first, other_last in asked.ranges:
            if first <= other_last and other_first <= last:
                raise CommandError(
                    b"ERR Slot range %d-%d overlaps with previous range %d-%d." % (first, last, other_first, other_last)
                )
        asked.ranges.append((first, last))
        at += 2
    if not asked.ranges:
        raise CommandError(b"ERR No slot ranges specified")
    asked.end = at
    return asked


def _take_owner(cluster: ClusterState, asked: _Ranges, first: int, last: int) -> None:
    """Check that all slots have the same owner. Raises CommandError."""
    for slot in range(first, last + 1):
        owner = cluster.owners[slot]
        if owner is None:
            raise CommandError(b"ERR Slot %d has no node served." % slot)
        if asked.owner is None:
            asked.owner = owner
        elif asked.owner is not owner:
            raise CommandError(b"ERR Requested slots span multiple shards")


def _check_target(cluster: ClusterState, node_id: bytes) -> None:
    if len(node_id) != _NODE_ID_BYTES:
        raise CommandError(b"ERR Invalid node name: " + node_id)
    node = cluster.nodes.get(node_id)
    if node is None:
        raise CommandError(b"ERR Unknown node name: " + node_id)
    if node is cluster.myself:
        raise CommandError(b"ERR Target node can not be this node.")


@command(
    "CLUSTER|GETSLOTMIGRATIONS",
    summary="List running and recent slot migrations.",
    arity=2,
    flags=_ORDER,
    group="cluster",
    since="9.0.0",
    complexity="O(N), where N is the number of migrations.",
    valkey_only=True,
)
def cluster_getslotmigrations(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER GETSLOTMIGRATIONS: always empty."""
    state_of(ctx)
    return EMPTY_ARRAY


@command(
    "CLUSTER|CANCELSLOTMIGRATIONS",
    summary="Cancel all slot migrations.",
    arity=2,
    flags=_ORDER,
    group="cluster",
    since="9.0.0",
    complexity="O(N), where N is the number of migrations that are cancelled.",
    valkey_only=True,
)
def cluster_cancelslotmigrations(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER CANCELSLOTMIGRATIONS: always an error, because no migration runs."""
    state_of(ctx)
    raise CommandError(b"ERR No migrations ongoing")


@command(
    "CLUSTER|SYNCSLOTS",
    summary="Exchange messages between nodes during a slot migration.",
    arity=-3,
    flags=_ORDER | MAY_REPLICATE,
    group="cluster",
    since="9.0.0",
    complexity="Depends on subcommand.",
    valkey_only=True,
)
def cluster_syncslots(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SYNCSLOTS word [...]: refused outside of a migration."""
    cluster = state_of(ctx)
    word = args[2].lower()
    if word == b"establish":
        _check_manual_moves(cluster)
        _check_source(cluster, args)
        raise CommandError(
            b"ERR CLUSTER SYNCSLOTS is not supported: this engine has no cluster bus, its topology comes from outside"
        )
    if word == b"finish":
        raise _refused_end(args)
    if word == b"capa":
        return b""  # the capabilities of the other node; no reply
    if word in _ONLY_WITHIN:
        raise CommandError(b"ERR CLUSTER SYNCSLOTS " + word.upper() + b" should only be used by slot migration clients")
    raise syntax_error()


def _check_source(cluster: ClusterState, args: list[bytes]) -> None:
    """Check SOURCE node-id, NAME name and SLOTSRANGE, in any order, each once. Raises CommandError."""
    source: ClusterNode | None = None
    asked: _Ranges | None = None
    name = b""
    at = 3
    while at < len(args):
        word = args[at].lower()
        value = args[at + 1] if at + 1 < len(args) else b""
        if word == b"slotsrange" and asked is None:
            asked = _ranges(cluster, args, at + 1)
            at = asked.end
            continue
        if len(value) != _NODE_ID_BYTES:
            raise syntax_error()
        if word == b"source" and source is None:
            source = cluster.nodes.get(value)
            if source is None:
                raise CommandError(b"ERR Target node does not know the source node")
            if source is cluster.myself:
                raise CommandError(b"ERR Source node is target node itself")
        elif word == b"name" and not name:
            name = value
        else:
            raise syntax_error()
        at += 2
    if source is None or asked is None or not name:
        raise syntax_error()
    if source is not asked.owner:
        raise CommandError(b"ERR Target node does not agree about current slot ownership")


def _refused_end(args: list[bytes]) -> CommandError:
    """The error for FINISH STATE state NAME name [MESSAGE message]: no migration has that name."""
    found: dict[bytes, bytes] = {}
    for at in range(3, len(args), 2):
        word = args[at].lower()
        if word not in {b"state", b"name", b"message"} or word in found or at + 1 >= len(args):
            return syntax_error()
        if word == b"name" and len(args[at + 1]) != _NODE_ID_BYTES:
            return syntax_error()
        found[word] = args[at + 1]
    if b"state" not in found or b"name" not in found:
        return syntax_error()
    return CommandError(b"ERR No such slot migration job")
