"""``cachetwin-engine cluster``: a whole cluster of engines on this machine, for tests and for the container.

A node is a process, forked from this one, which has loaded the engine. Over its control channel this process gives it the
topology, its listening socket and, to a replica, a connection to its primary; then it waits. A primary that ends is
replaced by its most advanced replica. Nothing is started again.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cachetwin_engine.core.keyspace.slots import SLOT_COUNT
from cachetwin_engine.server.config import OptionError, Options, parse_arguments
from cachetwin_engine.server.listener import ListenError, open_address

START_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 10.0
ANSWER_SECONDS_MAX: Final = 10.0
NODES_MAX: Final = 500
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}  # noqa: S104  (for clients of this machine)


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What the command line asks for; ``node`` are the options of each node, but for its port."""

    shards: int
    replicas: int
    port: int
    ip: str  # by which nodes are announced
    hostname: str
    tls: bool
    node: Options


def cluster_parser() -> argparse.ArgumentParser:
    """The options behind ``cachetwin-engine cluster`` that are not those of every node."""
    parser = argparse.ArgumentParser(
        prog="cachetwin-engine cluster",
        description="Run a cluster on this machine until Ctrl-C. Other directives are those of cachetwin-engine and go to"
        " every node; with --tls-cert-file the nodes speak TLS.",
        allow_abbrev=False,
        exit_on_error=False,
    )
    parser.add_argument("--shards", type=int, default=3, help="number of shards (default 3)")
    parser.add_argument("--replicas", type=int, default=1, help="replicas of each shard (default 1)")
    parser.add_argument(
        "--port", type=int, default=7000, help="port of the first node; the others count on (default 7000)"
    )
    parser.add_argument(
        "--announce-ip", default="", help="the address by which nodes are announced (default: that of --bind)"
    )
    parser.add_argument("--hostname", default="", help="the name by which nodes are announced, beside their address")
    return parser


def parse_cluster_arguments(arguments: Sequence[str]) -> ClusterOptions:
    """What the words behind ``cachetwin-engine cluster`` ask for. Raises OptionError."""
    parser = cluster_parser()
    try:
        known, rest = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise OptionError(str(error)) from None
    count = known.shards * (known.replicas + 1)
    if known.shards < 1 or known.replicas < 0 or count > NODES_MAX:
        raise OptionError(
            f"a cluster must have 1 to {NODES_MAX} nodes, got {known.shards} shards x {known.replicas + 1}"
        )
    if not 0 < known.port <= 65536 - count:
        raise OptionError(f"port must be a number from 1 to {65536 - count}, got {known.port}")
    node = parse_arguments(rest)
    if len(node.bind) != 1:
        raise OptionError(f"bind must be one address for a cluster, got {len(node.bind)}")
    parameters = (("cluster-enabled", "yes"), *node.parameters)
    if known.hostname:
        parameters = (("cluster-preferred-endpoint-type", "hostname"), *parameters)
    bound = node.bind[0].lstrip("-")
    ip = known.announce_ip or (_LOOPBACK.get(bound, bound))
    return ClusterOptions(
        known.shards, known.replicas, known.port, ip, known.hostname, bool(node.tls_cert_file),
        replace(node, parameters=parameters),
    )  # fmt: skip


@dataclass(slots=True)
class Member:
    """A node of the cluster: its place in the topology, its process and this end of its control channel."""

    shard: int
    port: int
    id: str
    role: str
    pid: int
    channel: socket.socket
    health: str = "online"
    listening: asyncio.Future[None] = field(init=False)
    writer: asyncio.StreamWriter | None = None
    answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    asked: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class LocalCluster:
    """The nodes of one cluster, from ``start`` to ``stop``."""

    def __init__(self, options: ClusterOptions) -> None:
        self._options = options
        self._shard_ids = [secrets.token_hex(20) for _ in range(options.shards)]
        self._secret = secrets.token_hex(32)
        self._epoch = options.shards
        self._shard_epochs = list(range(1, options.shards + 1))
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._listening: list[socket.socket] = []  # of each node
        self.members: list[Member] = []

    def fork(self) -> None:
        """Open the ports and start the processes. Call it before there is an event loop. Raises OptionError."""
        count = self._options.shards * (self._options.replicas + 1)
        for port in range(self._options.port, self._options.port + count):
            try:
                sock = open_address(self._options.node.bind[0], port, self._options.node.tcp_backlog)
            except ListenError as error:
                raise OptionError(str(error)) from error
            if sock is None:
                raise OptionError(f"this machine has no address {self._options.node.bind[0]}")
            self._listening.append(sock)
        for at in range(count):
            shard, number = at % self._options.shards, at // self._options.shards
            port = self._options.port + at
            try:
                ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
                pid = os.fork()
            except OSError as error:  # a limit of files, processes or memory
                reason = (error.strerror or str(error)).lower()
                raise OptionError(
                    f"cannot start node {at + 1} of {count}: {reason}; ask for fewer nodes, or raise the limits of"
                    " open files and processes (ulimit -n, ulimit -u)"
                ) from error
            if pid == 0:
                ours.close()
                for sock in [*self._listening, *[member.channel for member in self.members]]:
                    sock.close()
                os._exit(_serve(self._options, port, theirs))
            theirs.close()
            role = "primary" if number == 0 else "replica"
            self.members.append(Member(shard, port, secrets.token_hex(20), role, pid, ours))

    async def start(self) -> None:
        """Return when every node serves and every replica is attached. Raises OptionError."""
        async with asyncio.timeout(START_SECONDS_MAX):
            await asyncio.gather(*[self._open(member) for member in self.members])
            await self._distribute()
            replicas = [member for member in self.members if member.role == "replica"]
            for member in replicas:
                await self._listen(member)
                await self._attach(member)
            while not all(await asyncio.gather(*[self._is_attached(member) for member in replicas])):
                await asyncio.sleep(0.05)
            for member in reversed(self.members[: self._options.shards]):  # whoever gets in finds all of the cluster
                await self._listen(member)

    def release(self) -> None:
        """Close the ports and the control channels; a node ends when its channel does."""
        self._stopping = True
        for sock in self._listening:
            sock.close()
        for member in self.members:
            if member.writer is not None:
                member.writer.close()
            member.channel.close()

    async def stop(self) -> None:
        """End every process, by force if need be."""
        self.release()
        deadline = asyncio.get_running_loop().time() + STOP_SECONDS_MAX
        for member in self.members:
            while not _has_ended(member.pid):
                if asyncio.get_running_loop().time() > deadline:
                    os.kill(member.pid, signal.SIGKILL)
                await asyncio.sleep(0.02)

    def described(self) -> str:
        """One line for each node."""
        lines = []
        for member in sorted(self.members, key=lambda member: (member.shard, member.port)):
            first, last = self._slots(member.shard)
            address = f"{self._options.hostname or self._options.ip}:{member.port}"
            lines.append(f"shard {member.shard + 1}  {member.role:7}  {address}  slots {first}-{last}\n")
        return "".join(lines)

    async def ask(self, member: Member, op: str, descriptor: int | None = None, **fields: object) -> dict[str, Any]:
        """Send a request to a node and return its answer. Raises OptionError for a refusal."""
        async with member.turn, asyncio.timeout(ANSWER_SECONDS_MAX):
            member.asked += 1
            answer = member.answers[member.asked] = asyncio.get_running_loop().create_future()
            line = json.dumps({"id": member.asked, "op": op, **fields}).encode() + b"\n"
            sent = 0
            if descriptor is not None:
                sent = socket.send_fds(member.channel, [line], [descriptor])
            await asyncio.get_running_loop().sock_sendall(member.channel, line[sent:])
            found: dict[str, Any] = await answer
        if not found.get("ok"):
            raise OptionError(f"a node refused the request {op}: {found.get('error')}")
        return found

    async def _open(self, member: Member) -> None:
        member.channel.setblocking(False)  # noqa: FBT003  (the standard library's signature)
        receiving = member.channel.dup()
        receiving.setblocking(False)  # noqa: FBT003
        reader, member.writer = await asyncio.open_connection(sock=receiving, limit=1 << 22)
        member.listening = asyncio.get_running_loop().create_future()
        self._start_task(self._read(member, reader))
        await member.listening

    async def _read(self, member: Member, reader: asyncio.StreamReader) -> None:
        while line := await _line(reader):
            message = json.loads(line)
            if message.get("event") == "ready":
                member.listening.set_result(None)
            elif message.get("event") == "link lost":
                self._start_task(self._attach(member))
            elif (waiting := member.answers.pop(message.get("id"), None)) is not None and not waiting.done():
                waiting.set_result(message)
        problem = OptionError(f"the node on port {member.port} ended")
        for answer in member.answers.values():
            if not answer.done():
                answer.set_exception(problem)
        if not member.listening.done():
            member.listening.set_exception(problem)
        elif not self._stopping:
            await self._lost(member)

    def _start_task(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.add(task := asyncio.get_running_loop().create_task(work))
        task.add_done_callback(self._tasks.discard)

    async def _attach(self, member: Member) -> None:
        """Connect a replica to its primary by a socket pair."""
        primary = self._primary(member.shard)
        if member.role == "primary" or primary is None or member.health != "online":
            return
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with one, other, contextlib.suppress(OSError):
            await self.ask(primary, "replica", one.fileno())
            await self.ask(member, "follow", other.fileno(), host=self._options.ip, port=primary.port)

    async def _listen(self, member: Member) -> None:
        sock = self._listening[member.port - self._options.port]
        tls = "required" if self._options.tls else "off"
        await self.ask(member, "listen", sock.fileno(), name="clients", tls=tls)
        sock.close()

    async def _is_attached(self, member: Member) -> bool:
        return bool((await self.ask(member, "state"))["link"] == "connected")

    async def _lost(self, member: Member) -> None:
        """A process ended: a replica takes the place of its primary."""
        sys.stderr.write(f"cachetwin-engine: the node on port {member.port} ended\n")
        member.health = "fail"
        self._epoch += 1
        with contextlib.suppress(OptionError, OSError, TimeoutError):
            if member.role == "primary":
                await self._promote(member)
            await self._distribute()

    async def _promote(self, lost: Member) -> None:
        """Make the replica that is farthest in the history the primary of its shard."""
        candidates = [member for member in self._of_shard(lost.shard) if member.role == "replica"]
        if not candidates:
            return
        offsets = [int((await self.ask(member, "state"))["offset"]) for member in candidates]
        chosen = candidates[offsets.index(max(offsets))]
        lost.role, chosen.role = "replica", "primary"
        self._shard_epochs[lost.shard] = self._epoch
        await self.ask(chosen, "lead")
        for member in candidates:
            await self._attach(member)
        sys.stderr.write(f"cachetwin-engine: the node on port {chosen.port} is the primary of shard {lost.shard + 1}\n")

    def _of_shard(self, shard: int) -> list[Member]:
        return [member for member in self.members if member.shard == shard and member.health == "online"]

    def _primary(self, shard: int) -> Member | None:
        return next((member for member in self._of_shard(shard) if member.role == "primary"), None)

    def _slots(self, shard: int) -> tuple[int, int]:
        count = self._options.shards
        return round(shard * SLOT_COUNT / count), round((shard + 1) * SLOT_COUNT / count) - 1

    async def _distribute(self) -> None:
        """Give every node the topology."""
        shards = []
        for shard, shard_id in enumerate(self._shard_ids):
            nodes = [
                {
                    "id": member.id, "role": member.role, "ip": self._options.ip, "port": member.port,
                    "host": self._options.hostname, "tls": self._options.tls, "health": member.health,
                }
                for member in self.members
                if member.shard == shard
            ]  # fmt: skip
            shards.append(
                {"id": shard_id, "epoch": self._shard_epochs[shard], "slots": [self._slots(shard)], "nodes": nodes}
            )
        document = {"epoch": self._epoch, "secret": self._secret, "shards": shards}
        online = [member for member in self.members if member.health == "online"]
        await asyncio.gather(
            *[self.ask(member, "topology", topology={**document, "me": member.id}) for member in online]
        )


def run_cluster(options: ClusterOptions) -> None:
    """Run a cluster until SIGINT or SIGTERM. Raises OptionError."""
    from cachetwin_engine.server.process import tame_garbage_collector  # noqa: PLC0415
    from cachetwin_engine.server.valkey import run  # noqa: F401, PLC0415  (loaded before the nodes are forked)

    tame_garbage_collector()  # a collection in a node does not touch what is loaded, so the nodes share it
    cluster = LocalCluster(options)
    try:
        cluster.fork()
    except OptionError:
        cluster.release()  # before there is a loop, which needs files of its own
        asyncio.run(cluster.stop())
        raise
    asyncio.run(_run(cluster))


async def _run(cluster: LocalCluster) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        try:
            await cluster.start()
        except TimeoutError:
            raise OptionError(f"the nodes did not all start within {START_SECONDS_MAX:.0f} s") from None
        sys.stdout.write(cluster.described() + "ready\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await cluster.stop()


def _serve(options: ClusterOptions, port: int, control: socket.socket) -> int:
    """A node's process, from the fork to its end."""
    from cachetwin_engine.server.valkey.run import run  # noqa: PLC0415  (loaded already)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the end of the channel ends a node
    try:
        run(replace(options.node, port=0, tls_port=0, control_fd=control.detach()))
    except OptionError as error:
        sys.stderr.write(f"cachetwin-engine: port {port}: {error}\n")
        return 1
    return 0


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line; empty at the end, also where requests were left unread."""
    try:
        return await reader.readline()
    except ConnectionError:
        return b""


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True
