"""INFO memory: keys, scripts, buffers, and what the process takes for them."""

from typing import Final

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.memory.overhead import MemoryOverhead
from cachetwin_engine.core.registry.dispatch_flags import CLIENT_REPLICA_STREAM
from cachetwin_engine.core.scripting.store import ScriptStore

_UNITS: Final = "KMGTP"


def memory_lines(ctx: Context) -> list[str]:
    """What keys and buffers take."""
    engine = ctx.engine
    used = engine.used_memory()
    peak = max(used, engine.memory_peak)
    overhead = MemoryOverhead(engine, used)
    resident = engine.host.resident_bytes()
    limit = engine.config.memory.maxmemory
    total = engine.host.total_memory_bytes
    client_bytes = 0
    replica_bytes = 0
    for session in engine.clients.connected.values():
        if session.client_flags & CLIENT_REPLICA_STREAM:
            replica_bytes += session.memory_bytes()
        else:
            client_bytes += session.memory_bytes()
    return [
        f"used_memory:{used}",
        f"used_memory_human:{_human(used)}",
        f"used_memory_rss:{resident}",
        f"used_memory_rss_human:{_human(resident)}",
        f"used_memory_peak:{peak}",
        f"used_memory_peak_human:{_human(peak)}",
        f"used_memory_peak_perc:{100 * used / max(peak, 1):.2f}%",
        f"used_memory_overhead:{overhead.total}",
        f"used_memory_startup:{overhead.startup}",
        f"used_memory_dataset:{overhead.data}",
        f"used_memory_dataset_perc:{overhead.data_percent:.2f}%",
        f"allocator_allocated:{used}",
        f"allocator_active:{resident}",
        f"allocator_resident:{resident}",
        "allocator_muzzy:0",
        f"total_system_memory:{total}",
        f"total_system_memory_human:{_human(total)}",
        *_scripts(engine.scripts),
        f"maxmemory:{limit}",
        f"maxmemory_human:{_human(limit)}",
        f"maxmemory_policy:{engine.config.memory.maxmemory_policy.decode()}",
        "allocator_frag_ratio:1.00",
        "allocator_frag_bytes:0",
        "allocator_rss_ratio:1.00",
        "allocator_rss_bytes:0",
        "rss_overhead_ratio:1.00",
        "rss_overhead_bytes:0",
        f"mem_fragmentation_ratio:{resident / max(used, 1):.2f}",
        f"mem_fragmentation_bytes:{resident - used}",
        "mem_not_counted_for_evict:0",
        f"mem_replication_backlog:{0 if engine.replication.backlog is None else engine.replication.backlog.length}",
        f"mem_total_replication_buffers:{engine.replication.buffer_bytes()}",
        "mem_replicas_repl_buffer:0",
        f"mem_clients_slaves:{replica_bytes}",
        f"mem_clients_normal:{client_bytes}",
        "mem_cluster_links:0",
        "mem_cluster_slot_import:0",
        "mem_cluster_slot_export:0",
        f"mem_aof_buffer:{engine.log.buffer_bytes}",
        "mem_allocator:pymalloc",
        "mem_overhead_db_hashtable_rehashing:0",
        "active_defrag_running:0",
        "lazyfree_pending_objects:0",
        f"lazyfreed_objects:{engine.statistics.lazily_freed}",
    ]


def _scripts(store: ScriptStore) -> list[str]:
    """The interpreters, and the texts of what was loaded."""
    evaluated, functions = store.memory_bytes(), store.library_memory_bytes()
    scripts_bytes = sum([len(script.body) for script in store.scripts.values()])
    libraries_bytes = sum([len(library.code) for library in store.libraries.values()])
    return [
        f"used_memory_lua:{evaluated}",
        f"used_memory_vm_eval:{evaluated}",
        f"used_memory_lua_human:{_human(evaluated)}",
        f"used_memory_scripts_eval:{scripts_bytes}",
        f"number_of_cached_scripts:{len(store.scripts)}",
        f"number_of_functions:{len(store.functions)}",
        f"number_of_libraries:{len(store.libraries)}",
        f"used_memory_vm_functions:{functions}",
        f"used_memory_vm_total:{evaluated + functions}",
        f"used_memory_vm_total_human:{_human(evaluated + functions)}",
        f"used_memory_functions:{libraries_bytes}",
        f"used_memory_scripts:{scripts_bytes + libraries_bytes}",
        f"used_memory_scripts_human:{_human(scripts_bytes + libraries_bytes)}",
    ]


def _human(size: int) -> str:
    """Bytes for people: ``1.29M``."""
    if size < 1024:
        return f"{size}B"
    value = size / 1024
    unit = 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:.2f}{_UNITS[unit]}"
