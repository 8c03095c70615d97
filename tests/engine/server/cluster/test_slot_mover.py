"""Slots move between real processes while a client writes: no acknowledged write is lost."""

import threading
from collections.abc import Iterator

import pytest
from tests.engine.supervised import Supervise
from tests.engine.supervised_cluster import Client, SupervisedCluster
from tests.processes import wait_until

KEYS = 200


class Writer:
    """Increments counters one after the other; a write counts when a replica has it, too (WAIT)."""

    def __init__(self, cluster: SupervisedCluster) -> None:
        self._cluster = cluster
        self.client = Client([node.port for node in cluster.nodes])
        self.acknowledged = dict.fromkeys([f"counter:{number}" for number in range(KEYS)], 0)
        self.rounds = 0
        self.lost: list[str] = []
        self._stops = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stops.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.client.close()

    def _run(self) -> None:
        while not self._stops.is_set():
            for key in self.acknowledged:
                if self._stops.is_set():
                    return
                self._write(key)
            self.rounds += 1

    def _write(self, key: str) -> None:
        try:
            value, copies = self.client.run(key, ("INCR", key), ("WAIT", "1", "20"))
        except OSError:
            self.client.ports.append(self.client.ports.pop(0))  # another node knows where the key is
            self._stops.wait(0.05)
            return
        if not value.startswith(b":"):
            self._stops.wait(0.05)  # CLUSTERDOWN, LOADING
            return
        if int(value[1:]) <= self.acknowledged[key]:
            self.lost.append(f"{key}: {self.acknowledged[key]} was acknowledged, then came {int(value[1:])}")
        if copies != b":0":
            self.acknowledged[key] = int(value[1:])

    def check(self) -> None:
        """Every counter is at least where the last acknowledged write left it."""
        assert not self.lost
        client = Client([node.port for node in self._cluster.nodes])
        for key, value in self.acknowledged.items():
            found = client.run(key, ("GET", key))[0]
            assert int(found) >= value, key
        client.close()

    def wait_for_rounds(self, count: int) -> None:
        begun = self.rounds
        wait_until(lambda: self.rounds >= begun + count, "the writer", 60)


@pytest.fixture
def cluster(supervise: Supervise) -> SupervisedCluster:
    return SupervisedCluster(supervise)


@pytest.fixture
def writer(cluster: SupervisedCluster) -> Iterator[Writer]:
    writer = Writer(cluster)
    writer.start()
    writer.wait_for_rounds(1)
    yield writer
    writer.stop()


def test_slots_move_while_a_client_writes(cluster: SupervisedCluster, writer: Writer) -> None:
    cluster.begin_move([0, 8191], source=1, target=2)
    event = cluster.wait_for_move(source=1)
    assert event["slots"] == [[0, 8191]]
    assert cluster.primary(1).supervisor.ask("moves") == {
        "id": cluster.primary(1).supervisor.last_id, "ok": True, "slots": 8192, "keys": 0, "done": True,
    }  # fmt: skip
    cluster.end_move(source=1, target=2)
    writer.wait_for_rounds(1)
    cluster.begin_move([4000, 8000], source=2, target=1)
    cluster.wait_for_move(source=2)
    cluster.end_move(source=2, target=1)
    writer.wait_for_rounds(1)
    assert writer.client.redirections["MOVED"] > 0
    writer.check()


def test_a_primary_fails_while_its_slots_move_away(cluster: SupervisedCluster, writer: Writer) -> None:
    cluster.begin_move([0, 8191], source=1, target=2)
    cluster.fail_over(1)
    cluster.wait_for_move(source=1)
    cluster.end_move(source=1, target=2)
    writer.wait_for_rounds(1)
    writer.check()


def test_a_primary_fails_while_slots_move_to_it(cluster: SupervisedCluster, writer: Writer) -> None:
    cluster.begin_move([0, 8191], source=1, target=2)
    cluster.fail_over(2)
    cluster.wait_for_move(source=1)
    cluster.end_move(source=1, target=2)
    writer.wait_for_rounds(1)
    writer.check()
