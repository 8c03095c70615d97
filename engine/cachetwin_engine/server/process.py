"""The process of a node, whichever engine it runs: limits, garbage collector, event loop, the supervisor's socket."""

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from cachetwin_engine.server.config import OptionError

RESERVED_DESCRIPTORS: Final = 32
"""Files and sockets that are no clients (server.h, CONFIG_MIN_RESERVED_FDS)."""

GC_THRESHOLDS: Final = (10_000, 5, 100_000)
"""Allocations before a young collection, young ones before a middle one, middle ones before one of everything."""


def tame_garbage_collector() -> None:
    """Keep Python's cycle collector away from the data.

    The keyspace holds no cycles, so reference counting frees it; yet a full collection walks every key. What start-up
    left is frozen out, and everything is collected so rarely that only cycles leaked by ourselves would ever need it.
    What start-up left is no garbage but for some hundred objects: to look for them would take 10 ms of the start.
    Measured while redis-benchmark made 800,000 hashes at ``-P 16``: longest stall 410 to 660 ms with Python's defaults,
    52 ms with these (a dict of a million entries that grows stalls for as long), CPU a command 20 to 27 % less.
    """
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()


def raise_file_limit(count: int) -> int:
    """Raise the limit on open files as far as ``count`` clients need; how many it is good for."""
    import resource  # noqa: PLC0415  (1 ms that only a start and a change of maxclients should cost)

    wanted = count + RESERVED_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return count
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # an unlimited limit that the kernel limits all the same
        wanted = soft
    return max(1, wanted - RESERVED_DESCRIPTORS)


@cache
def package_version() -> str:
    """The version of the distribution; ``0+unknown`` when it runs from a source tree that was never installed."""
    for folder in sys.path:
        for metadata in Path(folder).glob(
            "cachetwin_engine-*.dist-info"
        ):  # importlib.metadata takes 15 ms for the same
            return metadata.name.removeprefix("cachetwin_engine-").removesuffix(".dist-info")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  (as above)

    try:
        return version("cachetwin-engine")
    except PackageNotFoundError:
        return "0+unknown"


def control_socket(control_fd: int | None) -> socket.socket | None:
    """The supervisor's socket, if there is one. Raises OptionError."""
    if control_fd is None:
        return None
    try:
        sock = socket.socket(fileno=control_fd)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OptionError(f"control-fd must be an open Unix stream socket, got {control_fd}: {reason}") from error
    if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
        raise OptionError(f"control-fd must be an open Unix stream socket, got another kind of socket as {control_fd}")
    sock.set_inheritable(False)
    return sock


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the event loop."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415  (not on every platform)

        return uvloop.new_event_loop
    return asyncio.new_event_loop
