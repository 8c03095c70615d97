"""What tests that start other processes need: a port for them, and a wait for what they do, with a bound."""

import random
import socket
import threading
import time
from collections.abc import Callable

import pytest


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def free_ports(count: int) -> int:
    """The first of ``count`` ports in a row on which nobody listens, below those that the kernel gives to clients."""
    while True:
        first = random.randrange(15_000, 32_000 - count)  # noqa: S311  (nothing secret)
        if not any(accepts(port) for port in range(first, first + count)):
            return first


def accepts(port: int) -> bool:
    """Does somebody listen on this port of 127.0.0.1?"""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    """Poll for an outcome of another process; fail with ``what`` when it does not come."""
    deadline_s = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail(f"waited {timeout_s} s for: {what}")
        pause.wait(0.02)
