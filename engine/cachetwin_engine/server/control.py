"""The control channel: through it a supervisor gives a node its users and listening sockets, and stops it.

One end of an AF_UNIX stream socketpair, inherited as a file descriptor. Requests and answers are JSON objects, one a
line: ``{"id": 1, "op": "parameters", "parameters": {"maxmemory": "100mb"}}`` is answered by ``{"id": 1, "ok": true}``
or ``{"id": 1, "ok": false, "error": "..."}``. A ``listen`` request carries its listening socket by SCM_RIGHTS with the
line that names it, and so does the connection between a primary (``replica``) and its replica (``follow``): the two
ends of a socket pair. When it breaks the replica sends ``{"event": "link lost"}`` and needs another pair. ``state`` tells
the node's role, how far it is in the replication history and whether a replica is in step with its primary. Passwords come
this way and no other: not by command line, environment or file. The end of the stream means that the supervisor is gone,
and the node shuts down.

``{"op": "iam", ...}`` says what tokens of IAM users are checked against (``server.valkey.iam``), and ``{"op": "clock",
"moves": [[1796000000000, 43200000]]}`` sets the node's time ahead of the machine's: twelve hours, since the machine's clock
showed the first number. All moves are sent each time; the time never goes back.

``{"op": "save", "path": "/x/shop-0001.rdb"}`` begins to write the data to a file that only its owner can read, while
clients go on; ``saving`` is answered by ``{"in_progress": false, "error": ""}`` when it is complete. ``{"op": "load",
"paths": [...]}`` adds the keys of such files to a node that serves nobody yet; in a cluster, those of its slots.

**Cluster mode** (``--cluster-enabled yes``). ``{"op": "topology", "topology": {...}}`` makes a document the node's slot
table; ``server.topology`` has its fields. It says who owns which slot and what CLUSTER shows; the role in replication is
changed by ``lead`` (be a primary, keep the data) and by ``follow`` (be a replica, end the waits of blocked clients with
UNBLOCKED). A failover is ``lead`` at the replica, ``topology`` at all nodes, ``follow`` at the old primary if it lives.

Slots that the topology moves are emptied by the node that owns them. ``{"op": "moves"}`` is answered by
``{"slots": 20, "keys": 311, "done": false}``, and when no key is left the node sends ``{"event": "slots moved", "slots":
[[0, 99]], "epoch": 8}``. Then the next topology names the new owner; it goes to the nodes of the new owner first, then to
those of the old one, then to all others. A failover in between changes primaries in the topology and leaves the moves.
A topology that takes slots from a node before they are empty is refused there.
"""

import asyncio
import json
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, cast

from cachetwin_engine.server.logs import log
from cachetwin_engine.server.tls.certificate import Certificate
from cachetwin_engine.server.tls.contexts import TlsError, TlsFiles, TlsMode

LINE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Longest request: 100 users (a user group's limit) with long access strings stay far below it."""

DESCRIPTORS_PER_READ: Final = 16

REQUESTS_WAITING_MAX: Final = 256
"""Requests read ahead of the one being carried out; past this many, the rest waits in the kernel."""

TLS_MODES: Final = ("required", "preferred", "off")

Request = dict[str, object]
Answer = dict[str, object]


class RequestError(Exception):
    """A request that cannot be carried out; the message goes back to the supervisor."""


def _field(request: Request, name: str, kind: type) -> object:
    value = request.get(name)
    if not isinstance(value, kind):
        raise RequestError(f"{request.get('op')}: {name} must be a {kind.__name__}, got {type(value).__name__}")
    return value


def _text(request: Request, name: str) -> str:
    return cast("str", _field(request, name, str))


def _pair_of_numbers(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(number, int) for number in value):
        raise RequestError(f"clock: a move must be two numbers, got {value!r}")
    return value[0], value[1]


class ListensAt(Protocol):
    """An endpoint, as far as the answer to ``listen`` shows it."""

    @property
    def address(self) -> str:
        """Where it listens."""


class Listeners(Protocol):
    """What requests about listening sockets need."""

    async def listen(self, name: str, sock: socket.socket, tls: TlsMode) -> ListensAt:
        """Accept on this listening socket from now on. Raises RequestError."""

    def close_listener(self, name: str, *, keep_connections: bool = False) -> None:
        """Close the endpoint of that name, and its connections unless they are kept. Raises RequestError."""


class ControlledNode(Protocol):
    """What requests of the supervisor need of the node."""

    loop: asyncio.AbstractEventLoop
    certificate: Certificate
    endpoints: Listeners

    def stop(self, reason: str) -> None:
        """Stop serving."""

    def set_users(self, users: list[object]) -> None:
        """Make these the only users. Raises RequestError."""

    def apply_parameters(self, parameters: dict[str, str]) -> list[str]:
        """Set parameters; those that only the service can act on are returned. Raises RequestError."""

    def set_iam(self, request: dict[str, object]) -> None:
        """Check tokens of IAM users against this. Raises RequestError."""

    def move_clock(self, moves: list[tuple[int, int]]) -> None:
        """Be as far ahead of the machine's clock as the last of ``moves`` says. Raises RequestError for less than before.

        Each is a time of the machine's clock and how far ahead this one was from then on, in milliseconds.
        """

    async def follow(self, host: str, port: int, sock: socket.socket | None) -> None:
        """Be a replica of the node at ``host`` and ``port``. Raises RequestError."""

    def lead(self) -> None:
        """Be a primary."""

    async def serve_replica(self, sock: socket.socket) -> None:
        """The other end of ``sock`` is a replica. Raises RequestError."""

    def set_topology(self, document: object) -> None:
        """Make a topology the node's. Raises RequestError."""

    def set_nodes(self, nodes: list[str], version: int) -> None:
        """The nodes of a Memcached cluster, each as ``host|ip|port``. Raises RequestError."""

    def moves(self) -> dict[str, object]:
        """How far the moves of slots away from this node are."""

    def save(self, path: str) -> None:
        """Begin to write the data to this file. Raises RequestError."""

    def saving(self) -> dict[str, object]:
        """Whether a save runs, and why the last one failed."""

    def load(self, paths: list[str]) -> int:
        """Add the keys of these files; how many there are then. Raises RequestError."""

    def info(self) -> str:
        """What INFO answers to a client that may see everything."""

    def slow_log(self, since: int) -> list[dict[str, object]]:
        """The slow commands from the number ``since`` on, the oldest first."""

    def state(self) -> dict[str, object]:
        """The node's part in replication: role, offset, the state of a replica's link, replicas, clients."""


class ControlChannel:
    """The node's end of the channel. Requests are carried out one after the other, in the order they came."""

    def __init__(self, node: ControlledNode, sock: socket.socket) -> None:
        self._node = node
        self._sock = sock
        self._received = b""
        self._descriptors: deque[int] = deque()
        self._requests: asyncio.Queue[bytes] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._reading = True
        self._operations: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "users": self._users,
            "iam": self._iam,
            "clock": self._clock,
            "parameters": self._parameters,
            "tls": self._tls,
            "listen": self._listen,
            "close_listener": self._close_listener,
            "follow": self._follow,
            "lead": self._lead,
            "replica": self._replica,
            "topology": self._topology,
            "nodes": self._nodes,
            "moves": self._moves,
            "save": self._save,
            "saving": self._saving,
            "load": self._load,
            "info": self._info,
            "slow_log": self._slow_log,
            "state": self._state,
            "shutdown": self._shutdown,
        }

    def start(self) -> None:
        """Begin to read requests."""
        self._sock.settimeout(0)
        self._node.loop.add_reader(self._sock, self._readable)
        self._worker = self._node.loop.create_task(self._work())

    async def send(self, message: Answer) -> None:
        """Send one line; waits while the supervisor does not read."""
        data = json.dumps(message).encode() + b"\n"
        try:
            await self._node.loop.sock_sendall(self._sock, data)
        except OSError as error:
            self._gone(str(error))

    def close(self) -> None:
        """Close the channel and every descriptor that came without a use."""
        if self._worker is not None:
            self._worker.cancel()
        self._stop_reading()
        self._sock.close()
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def _stop_reading(self) -> None:
        if self._sock.fileno() >= 0:
            self._node.loop.remove_reader(self._sock)

    def _gone(self, reason: str) -> None:
        self._stop_reading()
        self._node.stop(f"control channel closed: {reason}")

    def _readable(self) -> None:
        try:
            data, descriptors, _flags, _address = socket.recv_fds(
                self._sock, 65536, DESCRIPTORS_PER_READ, getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._gone(str(error))
            return
        self._descriptors.extend(descriptors)
        if not data:
            self._gone("the supervisor is gone")
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._requests.put_nowait(line)
        if self._requests.qsize() > REQUESTS_WAITING_MAX:
            self._stop_reading()
            self._reading = False
        if len(self._received) > LINE_BYTES_MAX:
            self._gone(f"a request is longer than {LINE_BYTES_MAX} bytes")

    async def _work(self) -> None:
        while True:
            await self._answer(await self._requests.get())
            if not self._reading and self._requests.empty():
                self._reading = True
                self._node.loop.add_reader(self._sock, self._readable)

    async def _answer(self, line: bytes) -> None:
        answer: Answer = {"id": None}
        try:
            request = _parse(line)
            answer["id"] = request.get("id")
            answer.update(await self._perform(request))
        except (RequestError, TlsError) as error:
            answer.update(ok=False, error=str(error))
        except Exception as bug:  # noqa: BLE001  (a bug here: the supervisor receives it, the node stays up)
            log.error("internal error in a control request", exc_info=bug)
            answer.update(ok=False, error=f"internal error: {type(bug).__name__}")
        await self.send(answer)

    async def _perform(self, request: Request) -> Answer:
        name = request.get("op")
        operation = self._operations.get(name) if isinstance(name, str) else None
        if operation is None:
            raise RequestError(f"op must be one of {', '.join(self._operations)}, got {name!r}")
        return {"ok": True, **await operation(request)}

    async def _users(self, request: Request) -> Answer:
        self._node.set_users(cast("list[object]", _field(request, "users", list)))
        return {}

    async def _iam(self, request: Request) -> Answer:
        self._node.set_iam(request)
        return {}

    async def _clock(self, request: Request) -> Answer:
        moves = cast("list[object]", _field(request, "moves", list))
        self._node.move_clock([_pair_of_numbers(move) for move in moves])
        return {}

    async def _parameters(self, request: Request) -> Answer:
        parameters = cast("dict[str, object]", _field(request, "parameters", dict))
        values = {name: str(value) for name, value in parameters.items()}
        return {"not_of_the_engine": self._node.apply_parameters(values)}

    async def _tls(self, request: Request) -> Answer:
        ca_file = request.get("ca_file") or ""
        if not isinstance(ca_file, str):
            raise RequestError(f"tls: ca_file must be a str, got {type(ca_file).__name__}")
        self._node.certificate.load(TlsFiles(_text(request, "certificate_file"), _text(request, "key_file"), ca_file))
        return {}

    async def _listen(self, request: Request) -> Answer:
        if not self._descriptors:
            raise RequestError("listen: needs the descriptor of a listening socket sent with the request, got none")
        sock = socket.socket(fileno=self._descriptors.popleft())
        try:
            mode = request.get("tls", "off")
            if mode not in TLS_MODES:
                raise RequestError(f"listen: tls must be one of {', '.join(TLS_MODES)}, got {mode!r}")
            endpoint = await self._node.endpoints.listen(_text(request, "name"), sock, mode)
        except BaseException:
            sock.close()
            raise
        return {"address": endpoint.address}

    async def _close_listener(self, request: Request) -> Answer:
        keep = request.get("keep_connections") is True
        self._node.endpoints.close_listener(_text(request, "name"), keep_connections=keep)
        return {}

    async def _follow(self, request: Request) -> Answer:
        port = cast("int", _field(request, "port", int))
        sock = socket.socket(fileno=self._descriptors.popleft()) if self._descriptors else None
        await self._node.follow(_text(request, "host"), port, sock)
        return {}

    async def _lead(self, _request: Request) -> Answer:
        self._node.lead()
        return {}

    async def _replica(self, _request: Request) -> Answer:
        if not self._descriptors:
            raise RequestError("replica: needs the descriptor of a connected socket sent with the request, got none")
        await self._node.serve_replica(socket.socket(fileno=self._descriptors.popleft()))
        return {}

    async def _topology(self, request: Request) -> Answer:
        self._node.set_topology(request.get("topology"))
        return {}

    async def _nodes(self, request: Request) -> Answer:
        nodes = [str(node) for node in cast("list[object]", _field(request, "nodes", list))]
        self._node.set_nodes(nodes, cast("int", _field(request, "version", int)))
        return {}

    async def _moves(self, _request: Request) -> Answer:
        return self._node.moves()

    async def _save(self, request: Request) -> Answer:
        self._node.save(_text(request, "path"))
        return {}

    async def _saving(self, _request: Request) -> Answer:
        return self._node.saving()

    async def _load(self, request: Request) -> Answer:
        paths = cast("list[object]", _field(request, "paths", list))
        return {"keys": self._node.load([str(path) for path in paths])}

    async def _info(self, _request: Request) -> Answer:
        return {"info": self._node.info()}

    async def _slow_log(self, request: Request) -> Answer:
        return {"entries": self._node.slow_log(cast("int", _field(request, "since", int)))}

    async def _state(self, _request: Request) -> Answer:
        return self._node.state()

    async def _shutdown(self, _request: Request) -> Answer:
        self._node.stop("the supervisor asked for it")
        return {}


def _parse(line: bytes) -> Request:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise RequestError(f"a request must be one JSON object a line: {error}") from None
    if not isinstance(request, dict):
        raise RequestError(f"a request must be one JSON object a line, got a {type(request).__name__}")
    return request
