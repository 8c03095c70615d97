"""INFO: information and statistics in sections.

Each section is a function in ``core.info`` that returns its lines. Names and order are Valkey 8.1's. Numbers that this
engine does not have (forks, allocator arenas, I/O threads) are 0, because monitoring tools look the names up.
"""

from collections.abc import Callable
from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.info.clients import clients_lines
from cachetwin_engine.core.info.memory import memory_lines
from cachetwin_engine.core.info.persistence import persistence_lines
from cachetwin_engine.core.info.replication import replication_lines
from cachetwin_engine.core.info.server import (
    cluster_info_lines,
    cluster_lines,
    cpu_lines,
    keyspace_lines,
    modules_lines,
    scripting_engines_lines,
    server_lines,
    tls_lines,
)
from cachetwin_engine.core.info.statistics import (
    commandstats_lines,
    debug_lines,
    errorstats_lines,
    latencystats_lines,
    stats_lines,
)
from cachetwin_engine.core.registry.command_table import LOADING, STALE, command

_DEFAULT: Final = [
    "server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "errorstats", "cluster",
    "keyspace",
]  # fmt: skip
_ALL: Final = [
    "server", "tls", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "commandstats",
    "errorstats", "latencystats", "cluster", "cluster_info", "scriptingengines", "keyspace",
]  # fmt: skip
_ONLY_FROM_9_1: Final = {"tls", "cluster_info", "scriptingengines"}


@command(
    "INFO",
    summary="Return information about the server and its statistics.",
    arguments="[section...]",
    arity=-1,
    flags=LOADING | STALE,
    group="server",
    since="1.0.0",
    categories=[b"dangerous"],
    tips=[b"nondeterministic_output", b"request_policy:all_shards", b"response_policy:special"],
    history=[("7.0.0", "Accepts several sections.")],
)
def info(ctx: Context, args: list[bytes]) -> bytes:
    """INFO [section ...]: lines of ``name:value``."""
    wanted: list[str] = []
    for arg in args[1:]:
        wanted.append(arg.decode("latin-1").lower())
    return ctx.verbatim(info_text(ctx, wanted))


def info_text(ctx: Context, wanted: list[str]) -> bytes:
    """The sections in ``wanted`` (empty: ``default``; also ``all`` and ``everything``), in the order of INFO."""
    names: list[str] = [] if wanted else _DEFAULT
    for word in wanted:
        names = names + (_DEFAULT if word == "default" else _ALL if word in {"all", "everything"} else [word])
    parts: list[str] = []
    for name in [*_ALL, "debug"]:
        if name in names and (name not in _ONLY_FROM_9_1 or ctx.engine.profile.has_more_info_sections):
            lines = _SECTIONS[name](ctx)
            through = ctx.engine.profile.commands_through if ctx.engine.profile.is_valkey else (0, 0, 0)
            lines = [line for line in lines if _SINCE.get(line.partition(":")[0], through) <= through]
            parts.append("\r\n".join([f"# {_TITLES.get(name, name.capitalize())}", *lines]) + "\r\n")
    return "\r\n".join(parts).encode()


_OF_VALKEY: Final = [  # in Valkey 8.1 and not in Redis OSS 7.0
    "clients_hz", "pubsub_clients", "watching_clients", "total_watched_keys", "total_blocking_keys",
    "total_blocking_keys_on_nokey", "evicted_scripts", "client_query_buffer_limit_disconnections",
    "client_output_buffer_limit_disconnections", "acl_access_denied_auth", "acl_access_denied_cmd",
    "acl_access_denied_key", "acl_access_denied_channel", "eventloop_cycles", "eventloop_duration_sum",
    "eventloop_duration_cmd_sum", "instantaneous_eventloop_cycles_per_sec", "instantaneous_eventloop_duration_usec",
    "io_threaded_freed_objects", "io_threaded_accept_processed", "io_threaded_poll_processed",
    "io_threaded_total_prefetch_batches", "io_threaded_total_prefetch_entries", "allocator_muzzy",
    "mem_overhead_db_hashtable_rehashing", "listener0", "listener1", "listener2", "replicas_waiting_psync",
]  # fmt: skip
_SINCE: Final[dict[str, tuple[int, int, int]]] = {
    **dict.fromkeys(_OF_VALKEY, (7, 2, 0)),
    "acl_access_denied_db": (9, 1, 0),
    "acl_access_denied_tls_cert": (9, 0, 0),
    "expired_fields": (9, 0, 0),
    "expired_keys_with_volatile_items_stale_perc": (9, 0, 0),
    "io_threaded_reads_pending": (9, 1, 0),
    "io_threaded_writes_pending": (9, 1, 0),
    "mem_cluster_slot_export": (9, 0, 0),
    "mem_cluster_slot_import": (9, 0, 0),
    "mem_replicas_repl_buffer": (9, 1, 0),
    "slot_migration_fork_in_progress": (9, 0, 0),
    "total_net_cluster_slot_export_bytes": (9, 0, 0),
    "total_net_cluster_slot_import_bytes": (9, 0, 0),
    "used_active_time_main_thread": (9, 1, 0),
}
_TITLES: Final[dict[str, str]] = {
    "cluster_info": "Cluster Info", "cpu": "CPU", "scriptingengines": "Scripting Engines", "tls": "TLS",
}  # fmt: skip
_SECTIONS: Final[dict[str, Callable[[Context], list[str]]]] = {
    "server": server_lines,
    "clients": clients_lines,
    "memory": memory_lines,
    "persistence": persistence_lines,
    "stats": stats_lines,
    "replication": replication_lines,
    "cpu": cpu_lines,
    "commandstats": commandstats_lines,
    "latencystats": latencystats_lines,
    "modules": modules_lines,
    "errorstats": errorstats_lines,
    "cluster": cluster_lines,
    "cluster_info": cluster_info_lines,
    "scriptingengines": scripting_engines_lines,
    "tls": tls_lines,
    "keyspace": keyspace_lines,
    "debug": debug_lines,
}
