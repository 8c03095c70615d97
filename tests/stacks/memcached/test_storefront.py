"""The storefront over real nodes: which node answers, what a lost one costs, and how the list of nodes is followed."""

import os
import subprocess
import sys

import pytest
from stacks.memcached.service.storefront.discovery import DiscoveryError, Members, Node, discover, parse
from tests.processes import free_port, wait_until
from tests.stacks.memcached.conftest import ROOT, Nodes, Storefront

HOST = "shop.abc123.{}.use1.cache.amazonaws.com"


def total(counts: dict[str, dict[str, int]], name: str) -> int:
    return sum(node[name] for node in counts.values())


def test_each_product_has_a_node_and_is_read_from_it_the_second_time(storefront: Storefront) -> None:
    first, second = storefront.sweep(), storefront.sweep()
    assert total(first, "misses") == 60
    assert total(second, "hits") == 60
    assert set(second) == {"0001", "0002", "0003"}
    assert all(node["hits"] > 5 for node in second.values())
    one, again = (storefront.client.get("/api/products/70").json() for _ in range(2))
    assert (one["source"], one["cache"]) == ("database", "miss")
    assert (again["source"], again["node"]) == ("cache", one["node"])
    assert again["data"] == one["data"]
    missing = storefront.client.get("/api/products/99999")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")


def test_a_lost_node_costs_its_share_until_it_is_back_and_filled(storefront: Storefront, nodes: Nodes) -> None:
    storefront.sweep()
    full = storefront.sweep()
    share = full["0002"]["hits"]
    nodes.kill(1)
    lost = storefront.sweep()
    assert (lost["0002"]["hits"], lost["0002"]["away"]) == (0, share)
    assert total(lost, "hits") == 60 - share
    assert [node["status"] for node in storefront.client.get("/api/nodes").json()["nodes"]] == ["up", "down", "up"]
    nodes.start(1)
    wait_until(lambda: storefront.sweep()["0002"]["away"] == 0, "the node is asked again")
    wait_until(lambda: total(storefront.sweep(), "hits") == 60, "the node is filled")


def test_the_list_of_nodes_is_followed_and_the_others_keep_their_keys(storefront: Storefront, nodes: Nodes) -> None:
    storefront.sweep()
    full = storefront.sweep()
    nodes.tell(7, 2)
    wait_until(lambda: storefront.client.get("/api/nodes").json()["version"] == 7, "the new list is known")
    fewer = storefront.sweep()
    assert set(fewer) == {"0001", "0002"}
    assert total(fewer, "hits") == full["0001"]["hits"] + full["0002"]["hits"]
    assert total(fewer, "misses") == full["0003"]["hits"]


def test_a_change_is_seen_at_once_and_what_was_read_before_is_not_stored(storefront: Storefront) -> None:
    storefront.client.get("/api/products/5")
    assert storefront.client.get("/api/products/5").json()["source"] == "cache"
    assert storefront.client.patch("/api/products/5", json={"price_cents": 4321}).status_code == 200
    after = storefront.client.get("/api/products/5").json()
    assert (after["cache"], after["data"]["price_cents"]) == ("changed", 4321)

    def is_cached_again() -> bool:
        found = storefront.client.get("/api/products/5").json()
        assert found["data"]["price_cents"] == 4321
        return bool(found["source"] == "cache")

    wait_until(is_cached_again, "the new value is cached", 30)
    wrong = storefront.client.patch("/api/products/5", json={"price_cents": -1})
    assert (wrong.status_code, wrong.json()["error"]["fields"]) == (422, {"price_cents": "must be from 0 to 100000000"})


def test_without_any_node_the_database_answers(storefront: Storefront, nodes: Nodes) -> None:
    for index in range(3):
        nodes.kill(index)
    answer = storefront.client.get("/api/products/9").json()
    assert (answer["source"], answer["cache"]) == ("database", "away")
    assert storefront.client.get("/healthz").headers["X-Dependencies"].endswith("database=up")
    assert storefront.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("count", ["0", "481", "many"])
def test_a_read_of_too_many_products_is_refused(storefront: Storefront, count: str) -> None:
    answer = storefront.client.get(f"/api/sweep?count={count}")
    assert (answer.status_code, answer.json()["error"]["fields"]["count"]) == (
        422, "must be a whole number from 1 to 480",
    )  # fmt: skip


def test_a_wrong_environment_is_one_line(storefront: Storefront) -> None:
    environment = {**storefront.environment, "CACHE_DISCOVERY_SECONDS": "never"}
    command = [sys.executable, "-m", "stacks.memcached.service.storefront"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "storefront: CACHE_DISCOVERY_SECONDS must be a whole number from 1 to 3600, got 'never'" + os.linesep
    )


# Discovery


def test_an_answer_has_a_version_and_nodes() -> None:
    line = f"{HOST.format('0001')}|10.0.0.1|11211 {HOST.format('0002')}||11212"
    text = f"12\n{line}\n"
    answer = f"CONFIG cluster 0 {len(text)}\r\n{text}\r\nEND\r\n".encode()
    members = parse(answer)
    assert members == Members(
        12, (Node(HOST.format("0001"), "10.0.0.1", 11211), Node(HOST.format("0002"), HOST.format("0002"), 11212))
    )
    assert [node.id for node in members.nodes] == ["0001", "0002"]


@pytest.mark.parametrize("answer", [b"", b"ERROR\r\n", b"END\r\n", b"CONFIG cluster 0 3\r\nx\ny\n\r\nEND\r\n"])
def test_an_answer_without_nodes_is_an_error(answer: bytes) -> None:
    with pytest.raises(DiscoveryError, match="when asked for the nodes"):
        parse(answer)


def test_an_endpoint_out_of_reach_is_an_error() -> None:
    with pytest.raises(DiscoveryError, match="is out of reach"):
        discover("127.0.0.1", free_port(), None, 1.0)
