"""The Memcached architecture, up and with a lost node, with the commands that its README has."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.e2e.architectures import cachetwin, runs, status, up
from tests.processes import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.cdk]


@pytest.fixture(scope="module")
def checkout(synthesised: Path) -> Iterator[Path]:
    """The checkout with this architecture up in the background."""
    with up(synthesised, "--no-synth", "CachetwinMemcached"):
        yield synthesised


def test_the_storefront_follows_its_nodes(checkout: Path) -> None:
    before = status(checkout)
    url = next(str(row["endpoint"]) for row in before["endpoints"] if str(row["endpoint"]).startswith("http"))
    with httpx.Client(base_url=url, timeout=60) as client:

        def hits() -> dict[str, int]:
            """Hits of each node in a read of 60 products; empty while the service does not answer for itself."""
            answer = client.get("/api/sweep?count=60")
            nodes = answer.json().get("nodes", {}) if answer.status_code == 200 else {}
            return {name: counts["hits"] for name, counts in nodes.items()}

        wait_until(lambda: len(client.get("/api/nodes").json()["nodes"]) == 3, "the nodes are known", 60)
        wait_until(lambda: sum(hits().values()) == 60, "the nodes are filled", 60)
        full = hits()

        def loses_the_share_of_a_killed_node() -> bool:
            """And nothing else; on a busy machine a call to another node can take too long, which counts as a miss."""
            os.kill(status(checkout)["nodes"][1]["pid"], signal.SIGKILL)
            lost = hits()
            wait_until(lambda: sum(hits().values()) == 60, "the lost node is back and filled", 60)
            return set(lost) == set(full) and {name for name in full if lost[name] < full[name]} == {"0002"}

        wait_until(loses_the_share_of_a_killed_node, "a killed node costs its share", 180)

        cluster = before["nodes"][0]["resource"]
        done = cachetwin(checkout, "scale", cluster, "--nodes", "4")
        assert done.returncode == 0, done.stderr
        assert [row["shard"] for row in status(checkout)["nodes"]] == ["0001", "0002", "0003", "0004"]

        def served_by_four() -> bool:
            """By one answer, whose task may still know three nodes, or have learnt of the fourth while it read."""
            found = hits()
            return {name for name, count in found.items() if count} == {*full, "0004"} and sum(found.values()) == 60

        wait_until(served_by_four, "the new node is known and filled", 60)

        def every_node_was_read() -> bool:
            """By the metrics, which the supervisor reads in turns of its own."""
            metrics = [row["metrics"] for row in status(checkout)["nodes"]]
            return all(one["GetHits"] > 0 and one["CurrItems"] > 0 for one in metrics)

        wait_until(every_node_was_read, "the metrics of each node tell of the reads", 30)

    pids = [before["pid"], *(row["pid"] for row in status(checkout)["nodes"])]
    down = cachetwin(checkout, "down")
    assert down.returncode == 0, down.stderr
    assert not [pid for pid in pids if runs(pid)]
