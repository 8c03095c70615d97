"""INFO on the process: server, TLS, CPU, modules, interpreters, cluster and keyspace."""

from cachetwin_engine.core.cluster.info import info_lines
from cachetwin_engine.core.execution.context import Context


def server_lines(ctx: Context) -> list[str]:
    """Version, machine and time."""
    engine = ctx.engine
    profile = engine.profile
    host = engine.host
    uptime_s = (engine.now_ms - engine.started_ms) // 1000
    mode = "cluster" if engine.config.server.cluster_enabled else "standalone"
    lines = [f"redis_version:{profile.compatible_version}"]
    if profile.is_valkey:
        lines += ["server_name:valkey", f"valkey_version:{profile.version}", "valkey_release_stage:ga"]
    if engine.elasticache:  # recorded from the service, which hides the machine
        lines += [
            "redis_git_sha1:0", "redis_git_dirty:0", "redis_build_id:0", f"{_mode_name(ctx)}:{mode}",
            "os:Amazon ElastiCache", "arch_bits:64", "monotonic_clock:POSIX clock_gettime", "multiplexing_api:epoll",
            "gcc_version:0.0.0", "process_id:1", "process_supervised:no",
        ]  # fmt: skip
    else:
        lines += [
            "redis_git_sha1:00000000", "redis_git_dirty:0", f"redis_build_id:{host.run_id[:16]}",
            f"{_mode_name(ctx)}:{mode}", f"os:{host.os}", "arch_bits:64", "monotonic_clock:POSIX clock_gettime",
            "multiplexing_api:epoll", "gcc_version:0.0.0", f"process_id:{host.process_id}", "process_supervised:no",
        ]  # fmt: skip
    lines += [
        f"run_id:{host.run_id}",
        f"tcp_port:{host.tcp_port}",
        f"server_time_usec:{engine.batch_started_us}",
        f"uptime_in_seconds:{uptime_s}",
        f"uptime_in_days:{uptime_s // 86400}",
        f"hz:{engine.config.server.hz}",
        f"configured_hz:{engine.config.server.hz}",
        f"clients_hz:{engine.config.server.hz}",
        f"lru_clock:{engine.now_ms // 1000 & 0xFFFFFF}",
        f"executable:{'-' if engine.elasticache else host.executable}",
        f"config_file:{'-' if engine.elasticache else host.config_file}",
        "io_threads_active:0",
    ]
    if profile.shows_zone:
        lines.append(f"availability_zone:{engine.config.values[b'availability-zone'].decode()}")
    if engine.shutdown.is_waiting():
        lines.append(f"shutdown_in_milliseconds:{engine.shutdown.wait_ms()}")
    return lines + [f"listener{index}:{listener}" for index, listener in enumerate(host.listeners)]


def _mode_name(ctx: Context) -> str:
    if not ctx.engine.profile.is_valkey or ctx.engine.config.boolean("extended-redis-compatibility"):
        return "redis_mode"
    return "server_mode"


def tls_lines(ctx: Context) -> list[str]:
    """Certificates; this engine does not read their content."""
    lines: list[str] = []
    for whose in ("server", "client", "ca"):
        lines += [f"tls_{whose}_cert_serial:none", f"tls_{whose}_cert_expires_in_seconds:0"]
    return lines


def cpu_lines(ctx: Context) -> list[str]:
    """Time of the processor."""
    system, user = ctx.engine.host.cpu_seconds()
    traffic = ctx.engine.traffic
    return [
        f"used_cpu_sys:{system:.6f}",
        f"used_cpu_user:{user:.6f}",
        "used_cpu_sys_children:0.000000",
        "used_cpu_user_children:0.000000",
        f"used_cpu_sys_main_thread:{system:.6f}",
        f"used_cpu_user_main_thread:{user:.6f}",
        f"used_active_time_main_thread:{(traffic.busy_us + traffic.tick_us) / 1e6:.6f}",
    ]


def modules_lines(ctx: Context) -> list[str]:
    """None: this engine loads none."""
    return []


def scripting_engines_lines(ctx: Context) -> list[str]:
    """The one there is, which is no module here."""
    store = ctx.engine.scripts
    used = store.memory_bytes() + store.library_memory_bytes()
    return [
        "engines_count:1",
        f"engines_total_used_memory:{used}",
        "engines_total_memory_overhead:0",
        f"engine_0:name=LUA,module=built-in,abi_version=4,used_memory={used},memory_overhead=0",
    ]


def cluster_lines(ctx: Context) -> list[str]:
    """True if this is a node of a cluster."""
    return [f"cluster_enabled:{int(ctx.engine.config.server.cluster_enabled)}"]


def cluster_info_lines(ctx: Context) -> list[str]:
    """The lines of CLUSTER INFO."""
    cluster = ctx.engine.cluster
    return [] if cluster is None else info_lines(ctx.engine.profile, cluster)


def keyspace_lines(ctx: Context) -> list[str]:
    """Databases with keys."""
    lines: list[str] = []
    for db in ctx.engine.databases:
        if len(db):
            average_ms = db.average_ttl_ms(ctx.engine.now_ms)
            line = f"db{db.index}:keys={len(db)},expires={db.values.expiring},avg_ttl={average_ms}"
            if ctx.engine.profile.has_field_expiry:
                line += f",keys_with_volatile_items={len(db.volatile)}"
            lines.append(line)
    return lines
