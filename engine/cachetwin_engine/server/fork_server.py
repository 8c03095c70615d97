"""``cachetwin-engine fork-server FD``: starts nodes by fork, from a process that has loaded the engine.

A supervisor that starts many nodes would wait for each to load the same code, and hold it in memory as often. This process
loads it once and takes orders over FD, one end of an AF_UNIX seqpacket socket pair. An order is a JSON object,
``{"order": 1, "words": ["--profile", "valkey-8.1", ...], "cwd": "/x", "supervisor": 4711, "death_signal": 9, "descriptors":
[12]}``, with descriptors attached: the node's output first, then those that its command line names, which get the numbers
in ``descriptors``. The node answers itself, ``{"order": 1, "pid": 4712}``; ``{"order": 1, "error": "..."}`` is this
process's answer to an order that it cannot carry out. It ends when the last holder closes the other end.

A node is a child of the supervisor, not of this process (clone(2) with CLONE_PARENT): the supervisor waits for it and
learns its exit code, the kernel ends it when the supervisor dies, and it does not notice when this process does. It leads a
session of its own. Linux with glibc only. As fork(3) does, the clone has the kernel write the thread's id where glibc keeps
it; the address is asked of the kernel.

There are no threads and no event loop before the fork. Random numbers are those of the node: the engine takes its seed from
the system when it is made, and CPython and OpenSSL seed themselves anew in a forked process.
"""

import contextlib
import ctypes
import fcntl
import gc
import json
import os
import platform
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from cachetwin_engine.server.config import OptionError, parse_arguments
from cachetwin_engine.server.process import tame_garbage_collector

ORDER_BYTES_MAX: Final = 65_536
DESCRIPTORS_MAX: Final = 8

_CLONE: Final = {"x86_64": 56, "aarch64": 220}
"""The number of clone(2) by machine."""
_CLONE_PARENT: Final = 0x00008000
_CLONE_CHILD_CLEARTID: Final = 0x00200000
_CLONE_CHILD_SETTID: Final = 0x01000000
_PR_SET_PDEATHSIG: Final = 1
_PR_GET_TID_ADDRESS: Final = 40
_ARG_START: Final = 48  # of /proc/<pid>/stat, where the command line is in memory (proc(5)); 49 is its end
_SERVER_WORD: Final = b"fork-server"
_NODE_WORD: Final = b"forked-node"

Order = dict[str, Any]


def start_by_order(descriptor_text: str) -> list[str]:
    """Take orders until there are no more; return in each node that was ordered, with the words of its command line.

    Raises OptionError where there is no such socket or the platform has no such fork. The process of the orders itself
    ends here.
    """
    orders = _socket(descriptor_text)
    _load()
    fork = _Fork()
    while True:
        data, descriptors = _receive(orders)
        if not data:
            _end(0)
        try:
            order = _order(data, descriptors)
            is_node = fork.fork()
        except (OSError, ValueError, KeyError, TypeError) as error:
            orders.send(json.dumps({"order": _number(data), "error": str(error) or repr(error)}).encode())
        else:
            if is_node:
                return _become(order, descriptors, orders, fork)
        for descriptor in descriptors:
            os.close(descriptor)


def end_node(code: int) -> NoReturn:
    """End a node without taking the interpreter apart: that would copy every page which it shares with other nodes."""
    _end(code)


def _end(code: int) -> NoReturn:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


class _Fork:
    """fork(2), but the child is the caller's sibling."""

    def __init__(self) -> None:
        machine = platform.machine()
        if sys.platform != "linux" or machine not in _CLONE or platform.libc_ver()[0] != "glibc":
            raise OptionError(
                f"fork-server needs Linux with glibc on x86_64 or aarch64, got {sys.platform} on {machine}"
            )
        self._libc = ctypes.PyDLL(None, use_errno=True)  # calls keep the interpreter's lock, as os.fork does
        self._number = _CLONE[machine]
        address = ctypes.c_void_p()
        if self._libc.prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0) != 0 or not address.value:
            raise OptionError("fork-server needs a kernel that knows PR_GET_TID_ADDRESS")
        self._tid_address = address.value

    def fork(self) -> bool:
        """Make a process. Returns whether this is the new one. Raises OSError."""
        flags = _CLONE_PARENT | _CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID | int(signal.SIGCHLD)
        python = ctypes.pythonapi
        python.PyOS_BeforeFork()
        # The child's thread id is the fourth or the fifth argument, by machine; the other one is not read.
        arguments = (flags, 0, 0, self._tid_address, self._tid_address)
        pid = self._libc.syscall(self._number, *map(ctypes.c_long, arguments))
        if pid == 0:
            python.PyOS_AfterFork_Child()
            return True
        number = ctypes.get_errno()
        python.PyOS_AfterFork_Parent()
        if pid < 0:
            raise OSError(number, os.strerror(number))
        return False

    def die_with_parent(self, number: int) -> None:
        """Have the kernel send a signal to this process when its parent dies."""
        self._libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def _socket(text: str) -> socket.socket:
    try:
        orders = socket.socket(fileno=int(text))
    except (OSError, ValueError) as error:
        raise OptionError(f"fork-server must have an open Unix seqpacket socket, got {text!r}: {error}") from error
    if orders.family != socket.AF_UNIX or orders.type != socket.SOCK_SEQPACKET:
        raise OptionError(f"fork-server must have an open Unix seqpacket socket, got another kind as {text}")
    orders.set_inheritable(False)
    return orders


def _load() -> None:
    """Load both engines, and make a node of each: what that leaves in caches is shared, too."""
    from cachetwin_engine.server.memcached import options as memcached_options  # noqa: PLC0415
    from cachetwin_engine.server.memcached import run as memcached  # noqa: PLC0415
    from cachetwin_engine.server.process import loop_factory  # noqa: PLC0415
    from cachetwin_engine.server.valkey import run as valkey  # noqa: PLC0415

    loop_factory()  # imports uvloop and makes no loop
    for prepare in (
        lambda words: valkey.prepare(parse_arguments(words)),
        lambda words: memcached.prepare(memcached_options.parse(words)),
    ):
        supervisor, node = socket.socketpair()
        with supervisor, node:
            prepare(["--control-fd", str(os.dup(node.fileno()))])
    gc.collect()  # the two nodes, which every other one would have
    tame_garbage_collector()


def _receive(orders: socket.socket) -> tuple[bytes, list[int]]:
    """The next order and its descriptors; no bytes at the end."""
    try:
        data, descriptors, _flags, _address = socket.recv_fds(orders, ORDER_BYTES_MAX, DESCRIPTORS_MAX)
    except (ConnectionError, KeyboardInterrupt):
        return b"", []
    return data, list(descriptors)


def _order(data: bytes, descriptors: list[int]) -> Order:
    """The order. Raises ValueError for one that is not whole."""
    order: Order = json.loads(data)
    if len(descriptors) != len(order["descriptors"]) + 1:
        raise ValueError(f"{len(order['descriptors']) + 1} descriptors are needed, {len(descriptors)} came")
    return order


def _number(data: bytes) -> object:
    try:
        return json.loads(data)["order"]
    except (ValueError, KeyError, TypeError):
        return None


def _become(order: Order, descriptors: list[int], orders: socket.socket, fork: _Fork) -> list[str]:
    """Be the node: its session, its end with the supervisor's, its files, its folder. Returns its command line."""
    os.setsid()
    fork.die_with_parent(order["death_signal"])
    if os.getppid() != order["supervisor"]:
        _end(1)
    orders.send(json.dumps({"order": order["order"], "pid": os.getpid()}).encode())
    orders.close()
    _rename()
    _place(descriptors, [1, *order["descriptors"]])
    os.dup2(1, 2)
    try:
        os.chdir(order["cwd"])
    except OSError as error:
        sys.stderr.write(f"cachetwin-engine: cannot work in {order['cwd']!r}: {(error.strerror or '').lower()}\n")
        _end(1)
    return [str(word) for word in order["words"]]


def _rename() -> None:
    """Show another word than ``fork-server`` in lists of processes, in its place: it must be as long."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        begin, end = int(fields[_ARG_START - 3]), int(fields[_ARG_START - 2])
        at = ctypes.string_at(begin, end - begin).index(_SERVER_WORD)
        ctypes.memmove(begin + at, _NODE_WORD, len(_NODE_WORD))


def _place(descriptors: list[int], numbers: list[int]) -> None:
    """Give descriptors their numbers: first out of the way of each other."""
    highest = max(numbers) + 1

    moved = []
    for descriptor in descriptors:
        moved.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, highest))
        os.close(descriptor)
    for descriptor, number in zip(moved, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
