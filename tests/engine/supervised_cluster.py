"""A cluster of real processes whose supervisor is the test: it makes the topology, fails over and moves slots."""

import contextlib
import socket
from typing import Any

from tests.engine.supervised import Supervise, Supervisor
from tests.engine.topologies import Document, node_id, shard_id, topology


class Node:
    """A process with the place it has in the topology."""

    def __init__(self, supervise: Supervise, shard: int, number: int) -> None:
        self.shard = shard
        self.id = node_id(shard, number)
        self.supervisor: Supervisor = supervise("--cluster-enabled", "yes")
        self.port = self.supervisor.listen("clients")


class SupervisedCluster:
    """Shards with one replica each."""

    def __init__(self, supervise: Supervise, shards: int = 2) -> None:
        self.document: Document = {**topology(shards), "secret": "only the nodes know"}
        self.nodes = [Node(supervise, shard, number) for number in (1, 2) for shard in range(1, shards + 1)]
        for node in self.nodes:
            self._place(node).update(ip="127.0.0.1", port=node.port, host="")
        for node in self.nodes[shards:]:
            self.attach(node)
        self.distribute(self.nodes)

    def _place(self, node: Node) -> dict[str, Any]:
        shard = self.document["shards"][node.shard - 1]
        place: dict[str, Any] = next(place for place in shard["nodes"] if place["id"] == node.id)
        return place

    def primary(self, shard: int) -> Node:
        return next(node for node in self.nodes if node.shard == shard and self._place(node)["role"] == "primary")

    def replica(self, shard: int) -> Node:
        return next(node for node in self.nodes if node.shard == shard and self._place(node)["role"] == "replica")

    def attach(self, replica: Node) -> None:
        """Connect a replica to its primary."""
        primary = self.primary(replica.shard)
        one, other = socket.socketpair()
        with one, other:
            assert primary.supervisor.ask("replica", descriptors=(one.fileno(),))["ok"]
            request = {"host": "127.0.0.1", "port": primary.port}
            assert replica.supervisor.ask("follow", descriptors=(other.fileno(),), **request)["ok"]

    def distribute(self, nodes: list[Node]) -> None:
        """Give ``nodes`` the topology, one after the other."""
        for node in nodes:
            answer = node.supervisor.ask("topology", topology={**self.document, "me": node.id})
            assert answer["ok"], answer

    def begin_move(self, slots: list[int], source: int, target: int) -> None:
        """Let slots go from one shard to another."""
        self.document["epoch"] += 1
        self.document["moves"] = [{"slots": [slots], "from": shard_id(source), "to": shard_id(target)}]
        self.distribute(self._in_order(target, source))

    def wait_for_move(self, source: int) -> dict[str, Any]:
        """The event that all keys have left."""
        supervisor = self.primary(source).supervisor
        while True:
            event = supervisor.events.pop(0) if supervisor.events else supervisor.read()
            if event.get("event") == "slots moved":
                return event

    def end_move(self, source: int, target: int) -> None:
        """Name the new owner of the slots that moved; those of the source are a single range."""
        self.document["epoch"] += 1
        (first, last) = self.document.pop("moves")[0]["slots"][0]
        shards = self.document["shards"]
        shards[target - 1]["slots"].append([first, last])
        kept: list[list[int]] = []
        for low, high in shards[source - 1]["slots"]:
            kept += [[low, first - 1], [last + 1, high]] if low <= first and last <= high else [[low, high]]
        shards[source - 1]["slots"] = [[low, high] for low, high in kept if low <= high]
        self.distribute(self._in_order(target, source))

    def fail_over(self, shard: int) -> None:
        """Kill a primary and put its replica in its place."""
        lost, heir = self.primary(shard), self.replica(shard)
        for sock in lost.supervisor.sockets:
            sock.close()
        lost.supervisor.engine.process.kill()
        lost.supervisor.engine.process.wait()
        self.nodes.remove(lost)
        assert heir.supervisor.ask("lead")["ok"]
        self._place(lost).update(role="replica", health="fail")
        self._place(heir).update(role="primary")
        self.document["epoch"] += 1
        self.distribute(self.nodes)

    def _in_order(self, target: int, source: int) -> list[Node]:
        rank = {target: 0, source: 1}
        return sorted(self.nodes, key=lambda node: rank.get(node.shard, 2))


class Client:
    """A cluster client that does as it is told: MOVED, ASK, TRYAGAIN, and another node when one is gone."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.redirections = {"MOVED": 0, "ASK": 0, "TRYAGAIN": 0}
        self._open: dict[int, Any] = {}
        self._owners: dict[str, int] = {}  # of a key, as far as it is known

    def run(self, key: str, *requests: tuple[str, ...]) -> list[bytes]:
        """The replies to requests about ``key``, sent in one go to the node that has it. Raises OSError."""
        port = self._owners.get(key, self.ports[0])
        asking = False
        for _ in range(100):
            try:
                replies = self._send(port, [("ASKING",), *requests] if asking else list(requests))
            except OSError:
                self._close(port)
                self._owners.pop(key, None)
                raise
            first = replies[1 if asking else 0]
            word = first[1:].split(b" ")[0].decode()
            if not first.startswith(b"-") or word not in self.redirections:
                self._owners[key] = port if not asking else self._owners.get(key, port)
                return replies[1:] if asking else replies
            self.redirections[word] += 1
            asking = word == "ASK"
            if word != "TRYAGAIN":
                port = int(first.rpartition(b":")[2])
        raise AssertionError(f"{key} is redirected without end: {first!r}")

    def close(self) -> None:
        for port in list(self._open):
            self._close(port)

    def _close(self, port: int) -> None:
        lines = self._open.pop(port, None)
        if lines is not None:
            with contextlib.suppress(OSError):
                lines.close()

    def _send(self, port: int, requests: list[tuple[str, ...]]) -> list[bytes]:
        if port not in self._open:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
                self._open[port] = sock.makefile("rwb")
        lines = self._open[port]
        for words in requests:
            parts = [b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words]
            lines.write(b"*%d\r\n" % len(words) + b"".join(parts))
        lines.flush()
        replies = []
        for _ in requests:
            reply = lines.readline()
            if not reply:
                raise ConnectionError("the node is gone")
            if reply.startswith(b"$") and reply != b"$-1\r\n":
                reply = lines.readline()
            replies.append(reply.rstrip(b"\r\n"))
        return replies
