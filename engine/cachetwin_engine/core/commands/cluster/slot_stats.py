"""CLUSTER SLOT-STATS: the number of keys in this node's slots, and their CPU time and traffic."""

from typing import Final

from cachetwin_engine.core.cluster.state import ClusterState, SlotUsage
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.slots import SLOT_COUNT
from cachetwin_engine.core.protocol.errors import CommandError, syntax_error
from cachetwin_engine.core.protocol.replies import array, bulk, integer
from cachetwin_engine.core.registry.command_table import LOADING, STALE, command
from cachetwin_engine.core.text.numbers import integer_or_none

from .queries import keys_in_slot, slot_named, state_of


class _SlotOrder:
    """The order that CLUSTER SLOT-STATS ORDERBY asks for."""

    def __init__(self, metric: bytes) -> None:
        self.metric = metric
        self.limit = SLOT_COUNT
        self.descending = True


_CLUSTER_SLOT_STATS_ARGUMENTS: Final = (
    "filter=<SLOTSRANGE slotsrange=(start-slot:integer end-slot:integer) "
    "| ORDERBY orderby=(metric [LIMIT limit] [order=<ASC | DESC>])>"
)


@command(
    "CLUSTER|SLOT-STATS",
    summary="Return usage statistics of this node's slots.",
    arguments=_CLUSTER_SLOT_STATS_ARGUMENTS,
    arity=-4,
    flags=LOADING | STALE,
    group="cluster",
    since="8.0.0",
    complexity="O(N) where N is the total number of slots based on arguments. O(N*log(N)) with ORDERBY subcommand.",
    tips=[b"nondeterministic_output", b"request_policy:all_shards"],
    valkey_only=True,
)
def cluster_slot_stats(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SLOT-STATS SLOTSRANGE start end | ORDERBY metric [LIMIT limit] [ASC | DESC]."""
    cluster = state_of(ctx)
    how = args[2].lower()
    if how == b"slotsrange" and len(args) == 5:
        first, last = slot_named(args[3]), slot_named(args[4])
        if first > last:
            raise CommandError(b"ERR Start slot number %d is greater than end slot number %d" % (first, last))
        slots = [slot for slot in range(first, last + 1) if cluster.owners[slot] is cluster.myself.serving()]
        return array([_slot_stats(ctx, cluster, slot) for slot in slots])
    if how != b"orderby":
        raise syntax_error()
    order = _slot_order(ctx, args)
    ranked = [
        (_metric(ctx, cluster, slot, order.metric), slot)
        for slot in range(SLOT_COUNT)
        if cluster.owners[slot] is cluster.myself.serving()
    ]
    if order.descending:
        ranked = [(-value, slot) for value, slot in ranked]
    ranked.sort()
    return array([_slot_stats(ctx, cluster, slot) for _, slot in ranked[: order.limit]])


def _slot_order(ctx: Context, args: list[bytes]) -> _SlotOrder:
    order = _SlotOrder(args[3].lower())
    if order.metric not in _METRICS or (order.metric != _METRICS[0] and not ctx.engine.counts_slots):
        raise CommandError(b"ERR Unrecognized sort metric for ORDERBY.")
    limits = directions = 0
    options = ctx.options(args, 4)
    while word := options.next_word():
        if word == b"LIMIT":
            limit = integer_or_none(options.value)
            if limit is None or not 1 <= limit <= SLOT_COUNT:
                raise CommandError(b"ERR Limit has to lie in between 1 and 16384 (maximum number of slots).")
            order.limit = limit
            limits += 1
        else:
            order.descending = word == b"DESC"
            directions += 1
        if limits > 1 or directions > 1:
            raise CommandError(b"ERR Multiple filters of the same type are disallowed.")
    return order


_METRICS: Final = [b"key-count", b"cpu-usec", b"network-bytes-in", b"network-bytes-out"]


def _metric(ctx: Context, cluster: ClusterState, slot: int, metric: bytes) -> int:
    if metric == b"key-count":
        return keys_in_slot(ctx, slot)
    usage = cluster.usage.get(slot)
    if usage is None:
        return 0
    return _values(usage)[_METRICS.index(metric) - 1]


def _values(usage: SlotUsage) -> list[int]:
    return [usage.cpu_us, usage.bytes_in, usage.bytes_out]


def _slot_stats(ctx: Context, cluster: ClusterState, slot: int) -> bytes:
    items = [bulk(_METRICS[0]), integer(keys_in_slot(ctx, slot))]
    if ctx.engine.counts_slots:
        usage = cluster.usage.get(slot)
        values = [0, 0, 0] if usage is None else _values(usage)
        for at, value in enumerate(values):
            items += [bulk(_METRICS[at + 1]), integer(value)]
    return array([integer(slot), ctx.map_reply(items)])
