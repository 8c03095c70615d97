"""LATENCY: how long commands take, and the latency monitor's events."""

from typing import Final

from cachetwin_engine.core.acl.rules import rows_of
from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.protocol.replies import array, bulk, integer
from cachetwin_engine.core.registry.command_table import ADMIN, LOADING, NOSCRIPT, STALE, Command, command, container
from cachetwin_engine.core.stats.latency import EventSeries, cumulative

from .help_text import help_reply

_OFF: Final = (
    "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this {name} instance. You may use \"CONFIG SET "
    'latency-monitor-threshold <milliseconds>." in order to enable it.\n'
)
_QUIET: Final = (
    "Dave, no latency spike was observed during the lifetime of this {name} instance, not in the slightest bit.\n"
)
_GRAPH_COLUMNS: Final = 80


container(
    "LATENCY",
    summary="Inspect the latency monitor.",
    group="server",
    since="2.8.13",
)


@command(
    "LATENCY|LATEST",
    summary="Return the latest sample of each event.",
    arity=2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.8.13",
    tips=[b"nondeterministic_output", b"request_policy:all_nodes", b"response_policy:special"],
)
def latency_latest(ctx: Context, args: list[bytes]) -> bytes:
    """LATENCY LATEST: name, time, latest and maximum milliseconds of each event; since 8.1 also sum and count."""
    items: list[bytes] = []
    for name, series in ctx.engine.latency_monitor.events.items():
        at_s, duration_ms = series.samples[-1]
        event = [bulk(name), integer(at_s), integer(duration_ms), integer(series.maximum_ms)]
        if ctx.engine.profile.has_latency_sums:
            event += [integer(series.sum_ms), integer(series.count)]
        items.append(array(event))
    return array(items)


@command(
    "LATENCY|HISTORY",
    summary="List the samples of one event.",
    arguments="event",
    arity=3,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.8.13",
    tips=[b"nondeterministic_output", b"request_policy:all_nodes", b"response_policy:special"],
)
def latency_history(ctx: Context, args: list[bytes]) -> bytes:
    """LATENCY HISTORY event: time and milliseconds of up to 160 samples."""
    series = ctx.engine.latency_monitor.events.get(args[2])
    samples = [] if series is None else series.samples
    return array([array([integer(at_s), integer(duration_ms)]) for at_s, duration_ms in samples])


@command(
    "LATENCY|RESET",
    summary="Delete the samples of events.",
    arguments="[event...]",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.8.13",
    tips=[b"request_policy:all_nodes", b"response_policy:agg_sum"],
)
def latency_reset(ctx: Context, args: list[bytes]) -> bytes:
    """LATENCY RESET [event ...]: the number of events that were reset."""
    events = ctx.engine.latency_monitor.events
    count = 0
    for name in args[2:] or list(events):
        if events.pop(name, None) is not None:
            count += 1
    return integer(count)


@command(
    "LATENCY|GRAPH",
    summary="Draw the samples of one event.",
    arguments="event",
    arity=3,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.8.13",
    tips=[b"nondeterministic_output", b"request_policy:all_nodes", b"response_policy:special"],
)
def latency_graph(ctx: Context, args: list[bytes]) -> bytes:
    """LATENCY GRAPH event: one column for each sample, the latest at the right."""
    series = ctx.engine.latency_monitor.events.get(args[2])
    if series is None:
        raise CommandError(b"ERR No samples available for event '" + args[2] + b"'")
    return ctx.verbatim(_graph(args[2].decode("latin-1"), series, ctx.engine.now_ms // 1000).encode())


def _graph(name: str, series: EventSeries, now_s: int) -> str:
    samples = series.samples[-_GRAPH_COLUMNS:]
    lowest = min([duration_ms for _, duration_ms in samples])
    highest = max([duration_ms for _, duration_ms in samples])
    levels = "_o#"
    rows = 4
    lines = [f"{name} - high {highest} ms, low {lowest} ms (all time high {series.maximum_ms} ms)", "-" * 80]
    for row in range(rows - 1, -1, -1):
        line = ""
        for _, duration_ms in samples:
            share = (duration_ms - lowest) / max(1, highest - lowest) * (rows * len(levels) - 1)
            level = int(share) - row * len(levels)
            line += "|" if level >= len(levels) else levels[level] if level >= 0 else " "
        lines.append(line.rstrip())
    lines.append("")
    ages = [_age(now_s - at_s) for at_s, _ in samples]
    lines.extend("".join([age[row] if row < len(age) else " " for age in ages]).rstrip() for row in range(3))
    return "\n".join(lines) + "\n"


def _age(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@command(
    "LATENCY|DOCTOR",
    summary="Describe latency problems in words.",
    arity=2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="2.8.13",
    tips=[b"nondeterministic_output", b"request_policy:all_nodes", b"response_policy:special"],
)
def latency_doctor(ctx: Context, args: list[bytes]) -> bytes:
    """LATENCY DOCTOR: one sentence for each event, and advice."""
    engine = ctx.engine
    name = "Valkey" if engine.profile.is_valkey else "Redis"
    if not engine.latency_monitor.events:
        text = _OFF if engine.config.monitoring.latency_monitor_threshold == 0 else _QUIET
        return ctx.verbatim(text.format(name=name).encode())
    lines = [
        f"Dave, I have observed latency spikes in this {name} instance. You don't mind talking about it, do you Dave?",
        "",
    ]
    for number, (event, series) in enumerate(engine.latency_monitor.events.items(), 1):
        durations = [duration_ms for _, duration_ms in series.samples]
        average_ms = sum(durations) // len(durations)
        lines.append(
            f"{number}. {event.decode('latin-1')}: {len(durations)} latency spikes (average {average_ms}ms). "
            f"Worst all time event {series.maximum_ms}ms."
        )
    lines += ["", "I have a few advices for you:", "", "- COMMANDLOG GET 10 slow shows which commands took that long."]
    return ctx.verbatim(("\n".join(lines) + "\n").encode())


@command(
    "LATENCY|HISTOGRAM",
    summary="Return how long commands took, as histograms with powers of two.",
    arguments="[command...]",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE,
    group="server",
    since="7.0.0",
    complexity="O(N) where N is the number of commands with latency information being retrieved.",
    tips=[b"nondeterministic_output", b"request_policy:all_nodes", b"response_policy:special"],
)
def latency_histogram(ctx: Context, args: list[bytes]) -> bytes:
    """LATENCY HISTOGRAM [command ...]: calls and their cumulative distribution in microseconds."""
    items: list[bytes] = []
    for row in rows_of(ctx.engine.commands):
        if not row.latency or (len(args) > 2 and not _is_named(row, args[2:])):
            continue
        buckets: list[bytes] = []
        for upper_us, calls in cumulative(row.latency):
            buckets.append(integer(upper_us))
            buckets.append(integer(calls))
        items.append(bulk(row.name))
        items.append(
            ctx.map_reply([bulk(b"calls"), integer(sum(row.latency)), bulk(b"histogram_usec"), ctx.map_reply(buckets)])
        )
    return ctx.map_reply(items)


def _is_named(row: Command, names: list[bytes]) -> bool:
    """Whether ``names`` contain the command or its container."""
    for name in names:
        wanted = name.lower()
        if row.name == wanted or (row.parent is not None and row.parent.name == wanted):
            return True
    return False


@command(
    "LATENCY|HELP",
    summary="Describe the sub-commands.",
    arity=2,
    flags=LOADING | STALE,
    group="server",
    since="2.8.13",
)
def latency_help(ctx: Context, args: list[bytes]) -> bytes:
    """LATENCY HELP."""
    return help_reply(ctx, b"latency")
