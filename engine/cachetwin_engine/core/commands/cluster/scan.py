"""CLUSTERSCAN: iterate over the keys of a whole cluster, slot by slot, from node to node.

A cursor is ``0`` or ``fingerprint-{tag}-place``. The tag hashes to the slot that comes next, so a client routes the
cursor as it routes a key, and a node without the slot replies MOVED. The place is a position among the keys of the slot
and valid only on nodes with the same hash function, which the fingerprint identifies; other nodes begin the slot again,
so the keys of a slot that moves meanwhile are returned twice rather than not at all.
"""

from typing import Final

from cachetwin_engine.core.commands.scan import ScanOptions, cursor_or_none, read_scan_options, wanted_keys
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.slots import SLOT_COUNT, slot_of, slot_of_pattern, tag_of_slot
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import array, bulk, bulk_array
from cachetwin_engine.core.registry.command_table import READONLY, KeySpec, command

from .queries import state_of

_FINGERPRINT: Final = b"0;%x" % (hash(b"clusterscan") & 0xFFFFFF)
_ELSEWHERE: Final = b"0"  # the fingerprint of a cursor at the beginning of a slot
_END: Final = b"0"


@command(
    "CLUSTERSCAN",
    summary="Iterate over the keys of a cluster; the cursor says which node comes next.",
    arguments="cursor:string [MATCH match-pattern:pattern] [COUNT count] [TYPE type] [SLOT slot:integer]",
    arity=-2,
    flags=READONLY,
    keys=[KeySpec("", "", not_key=True)],
    group="cluster",
    since="9.1.0",
    complexity="O(1) for each call, O(N) for a complete iteration.",
    categories=[b"keyspace"],
    tips=[b"nondeterministic_output", b"request_policy:special", b"response_policy:special"],
    valkey_only=True,
)
def clusterscan(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTERSCAN cursor [MATCH pattern] [COUNT count] [TYPE type] [SLOT slot]."""
    state_of(ctx)
    options = ScanOptions(0)
    read_scan_options(ctx, options, args, 2, b"SLOT")
    only = options.slot
    matching = -1 if options.pattern is None else slot_of_pattern(options.pattern)
    if args[1] == b"0":
        if only >= 0 and matching not in {-1, only}:
            return _reply(_END, [])
        return _reply(_beginning_of(only if only >= 0 else max(matching, 0)), [])
    fingerprint, slot, place = _parse(args[1])
    if only not in {-1, slot}:
        raise CommandError(b"ERR Cursor slot mismatch with SLOT argument")
    if matching not in {-1, slot}:
        return _reply(_beginning_of(matching) if matching > slot and only < 0 else _END, [])
    if fingerprint != _FINGERPRINT:
        place = 0
    cursor, candidates = _walk(ctx, slot, place, options.count, only >= 0 or matching >= 0)
    return _reply(cursor, wanted_keys(ctx, options, candidates))


def _parse(cursor: bytes) -> tuple[bytes, int, int]:
    """Fingerprint, slot and place of a cursor. Raises CommandError."""
    parts = cursor.split(b"-")
    place = cursor_or_none(parts[2]) if len(parts) == 3 else None
    if place is None:
        raise CommandError(b"ERR Invalid cursor")
    return parts[0], slot_of(parts[1]), place


def _walk(ctx: Context, slot: int, place: int, count: int, one_slot: bool) -> tuple[bytes, list[bytes]]:
    """The next cursor, and about ``count`` keys from a place on, over consecutive slots of this node."""
    cluster = state_of(ctx)
    by_slot = ctx.db.by_slot
    mine = cluster.myself.serving()
    found: list[bytes] = []
    while by_slot is not None:
        place, keys = by_slot.scan(slot, place, count - len(found))
        found += keys
        if place:
            return b"%b-{%b}-%d" % (_FINGERPRINT, tag_of_slot(slot), place), found
        if one_slot:
            break
        slot += 1
        while slot < SLOT_COUNT and cluster.owners[slot] is mine and by_slot.count(slot) == 0:
            slot += 1
        if slot == SLOT_COUNT:
            break
        if cluster.owners[slot] is not mine or len(found) >= count:
            return _beginning_of(slot), found
    return _END, found


def _beginning_of(slot: int) -> bytes:
    return b"%b-{%b}-0" % (_ELSEWHERE, tag_of_slot(slot))


def _reply(cursor: bytes, keys: list[bytes]) -> bytes:
    return array([bulk(cursor), bulk_array(keys)])
