"""CLUSTER on one node: it owns all slots, or, without cluster mode, every question is refused."""

from typing import Final

from ..command_table import ADMIN, LOADING, NOSCRIPT, STALE, command, container
from ..context import Context
from ..errors import CommandError, syntax_error
from ..numbers import integer_or_none, parse_int
from ..replies import EMPTY_ARRAY, OK, array, bulk, bulk_array, integer
from ..slots import SLOT_COUNT, slot_of
from .help_text import help_reply

_DISABLED: Final = b"ERR This instance has cluster support disabled"
_BAD_SLOT: Final = b"ERR Invalid or out of range slot"


container("CLUSTER", group="cluster", since="3.0.0", summary="Questions and orders about a cluster.")


@command("CLUSTER|KEYSLOT", arity=3, flags=STALE, group="cluster", since="3.0.0", complexity="O(N) where N is the number of bytes in the key", categories=[b"slow"], arguments="key", summary="The slot of a key.")  # fmt: skip
def cluster_keyslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER KEYSLOT key."""
    _check(ctx)
    return integer(slot_of(args[2]))


@command("CLUSTER|INFO", arity=2, flags=LOADING | STALE, group="cluster", since="3.0.0", categories=[b"slow"], tips=[b"nondeterministic_output"], summary="The state of the cluster.")  # fmt: skip
def cluster_info(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER INFO."""
    _check(ctx)
    lines = [
        "cluster_state:ok", f"cluster_slots_assigned:{SLOT_COUNT}", f"cluster_slots_ok:{SLOT_COUNT}",
        "cluster_slots_pfail:0", "cluster_slots_fail:0", "cluster_known_nodes:1", "cluster_size:1",
        "cluster_current_epoch:1", "cluster_my_epoch:1", "cluster_stats_messages_sent:0",
        "cluster_stats_messages_received:0", "total_cluster_links_buffer_limit_exceeded:0",
    ]  # fmt: skip
    return ctx.verbatim("".join([line + "\r\n" for line in lines]).encode())


@command("CLUSTER|MYID", arity=2, flags=LOADING | STALE, group="cluster", since="3.0.0", categories=[b"slow"], summary="This node's id.")  # fmt: skip
def cluster_myid(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER MYID."""
    _check(ctx)
    return bulk(_node_id(ctx))


@command("CLUSTER|MYSHARDID", arity=2, flags=LOADING | STALE, group="cluster", since="7.2.0", categories=[b"slow"], tips=[b"nondeterministic_output"], summary="This shard's id.")  # fmt: skip
def cluster_myshardid(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER MYSHARDID."""
    _check(ctx)
    return bulk(_node_id(ctx)[::-1])


@command("CLUSTER|NODES", arity=2, flags=LOADING | STALE, group="cluster", since="3.0.0", complexity="O(N) where N is the total number of Cluster nodes", categories=[b"slow"], tips=[b"nondeterministic_output"], summary="The nodes as text.")  # fmt: skip
def cluster_nodes(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER NODES."""
    _check(ctx)
    host, port = _address(ctx)
    line = b"%b %b:%d@%d myself,master - 0 0 1 connected 0-%d\n" % (
        _node_id(ctx),
        host,
        port,
        port + 10000,
        SLOT_COUNT - 1,
    )
    return ctx.verbatim(line)


@command("CLUSTER|SLOTS", arity=2, flags=LOADING | STALE, group="cluster", since="3.0.0", complexity="O(N) where N is the total number of Cluster nodes", categories=[b"slow"], tips=[b"nondeterministic_output"], history=[("4.0.0", "Added node IDs."), ("7.0.0", "Added additional networking metadata field.")], summary="Slots and who has them.")  # fmt: skip
def cluster_slots(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SLOTS."""
    _check(ctx)
    host, port = _address(ctx)
    node = array([bulk(host), integer(port), bulk(_node_id(ctx)), EMPTY_ARRAY])
    return array([array([integer(0), integer(SLOT_COUNT - 1), node])])


@command("CLUSTER|SHARDS", arity=2, flags=LOADING | STALE, group="cluster", since="7.0.0", complexity="O(N) where N is the total number of cluster nodes", categories=[b"slow"], tips=[b"nondeterministic_output"], summary="Shards, their slots and nodes.")  # fmt: skip
def cluster_shards(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER SHARDS."""
    _check(ctx)
    host, port = _address(ctx)
    node = ctx.map_reply(
        [
            bulk(b"id"), bulk(_node_id(ctx)), bulk(b"port"), integer(port), bulk(b"ip"), bulk(host),
            bulk(b"endpoint"), bulk(host), bulk(b"role"), bulk(b"master"), bulk(b"replication-offset"), integer(0),
            bulk(b"health"), bulk(b"online"),
        ]
    )  # fmt: skip
    slots = array([integer(0), integer(SLOT_COUNT - 1)])
    return array([ctx.map_reply([bulk(b"slots"), slots, bulk(b"nodes"), array([node])])])


@command("CLUSTER|COUNTKEYSINSLOT", arity=3, flags=STALE, group="cluster", since="3.0.0", categories=[b"slow"], arguments="slot", summary="How many keys a slot has.")  # fmt: skip
def cluster_countkeysinslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER COUNTKEYSINSLOT slot."""
    _check(ctx)
    return integer(len(_keys_of(ctx, _slot(args[2]))))


@command("CLUSTER|GETKEYSINSLOT", arity=4, flags=STALE, group="cluster", since="3.0.0", complexity="O(N) where N is the number of requested keys", categories=[b"slow"], arguments="slot count", tips=[b"nondeterministic_output"], summary="Keys of a slot.")  # fmt: skip
def cluster_getkeysinslot(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER GETKEYSINSLOT slot count."""
    _check(ctx)
    slot = _slot(args[2])
    count = parse_int(args[3])
    if count < 0:
        raise CommandError(b"ERR Invalid number of keys")
    return bulk_array(_keys_of(ctx, slot)[:count])


@command("CLUSTER|RESET", arity=-2, flags=ADMIN | NOSCRIPT | STALE, group="cluster", since="3.0.0", complexity="O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side effect.", categories=[b"admin", b"slow", b"dangerous"], arguments="[HARD | SOFT]", summary="Forget the cluster.")  # fmt: skip
def cluster_reset(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER RESET [HARD | SOFT]: a single node has nothing to forget but must be empty."""
    _check(ctx)
    if len(args) > 3 or (len(args) == 3 and args[2].lower() not in {b"hard", b"soft"}):
        raise syntax_error()
    if len(ctx.engine.databases[0]):
        raise CommandError(b"ERR CLUSTER RESET can't be called with master nodes containing keys")
    return OK


@command("CLUSTER|HELP", arity=2, flags=LOADING | STALE, group="cluster", since="5.0.0", categories=[b"slow"], summary="Describe the sub-commands.")  # fmt: skip
def cluster_help(ctx: Context, args: list[bytes]) -> bytes:
    """CLUSTER HELP."""
    return help_reply(ctx, b"cluster")


def _check(ctx: Context) -> None:
    if not ctx.engine.config.cluster_enabled:
        raise CommandError(_DISABLED)


def _node_id(ctx: Context) -> bytes:
    return ctx.engine.host.run_id.encode()


def _address(ctx: Context) -> tuple[bytes, int]:
    host, _, port = ctx.session.local_address.rpartition(":")
    return host.encode(), integer_or_none(port.encode()) or ctx.engine.host.tcp_port


def _slot(text: bytes) -> int:
    slot = integer_or_none(text)
    if slot is None or not 0 <= slot < SLOT_COUNT:
        raise CommandError(_BAD_SLOT)
    return slot


def _keys_of(ctx: Context, slot: int) -> list[bytes]:
    return [key for key in ctx.engine.databases[0].values if slot_of(key) == slot]
