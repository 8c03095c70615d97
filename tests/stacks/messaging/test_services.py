"""The three services as processes: orders come in, are done and told of, whoever dies in between."""

import re
from collections.abc import Callable

import httpx
import pytest
from tests.processes import free_port, wait_until
from valkey.exceptions import NoPermissionError

from .conftest import CacheServer, Client, Service

Start = Callable[..., Service]
STREAM = "queue:{orders}"
DEAD_LETTERS = "queue:{orders}:dead"


def _place(api: httpx.Client, quantity: int = 1) -> str:
    response = api.post("/orders", json={"item": "tea", "quantity": quantity})
    assert response.status_code == 202, response.text
    return str(response.json()["order"])


def _state(api: httpx.Client, order: str) -> str:
    return str(api.get(f"/orders/{order}").json()["state"])


def _listens(admin: Client) -> bool:
    return bool(admin.pubsub_numpat())


def test_an_order_is_taken_done_and_told_of(api: httpx.Client, start: Start, admin: Client) -> None:
    start("notifier")
    wait_until(lambda: _listens(admin), "the notifier listens")
    order = _place(api)
    assert _state(api, order) == "placed"
    start("worker")
    wait_until(lambda: _state(api, order) == "done", "the order is done")
    wait_until(lambda: admin.hgetall("notice:counts") == {"done": "1"}, "it is told of")
    assert admin.xlen(STREAM) == 0


def test_an_order_that_cannot_be_done_is_given_up_with_its_reason(
    api: httpx.Client, start: Start, admin: Client
) -> None:
    order = _place(api, quantity=5_000)
    start("worker")
    wait_until(lambda: admin.xlen(DEAD_LETTERS) == 1, "the job is among the dead letters")
    ((_, letter),) = admin.xrange(DEAD_LETTERS)
    assert (letter["order"], letter["attempts"]) == (order, "1")
    assert letter["reason"] == f"order {order} asks for more than 1000 pieces"
    assert (_state(api, order), admin.xlen(STREAM)) == ("failed", 0)


def test_the_jobs_of_a_worker_that_was_killed_are_done_by_another(
    api: httpx.Client, start: Start, admin: Client
) -> None:
    admin.xgroup_create(STREAM, "workers", id="0", mkstream=True)
    order = _place(api)
    admin.xreadgroup("workers", "a worker that died", {STREAM: ">"})
    start("worker", STALE_MS="200")
    wait_until(lambda: _state(api, order) == "done", "another worker did it")


def test_a_job_that_was_handed_out_too_often_is_given_up(api: httpx.Client, start: Start, admin: Client) -> None:
    admin.xgroup_create(STREAM, "workers", id="0", mkstream=True)
    _place(api)
    ((_, ((job_id, _),)),) = admin.xreadgroup("workers", "a worker that died", {STREAM: ">"})
    admin.xclaim(STREAM, "workers", "another", 0, [job_id], retrycount=2)
    start("worker", STALE_MS="200", ATTEMPTS_MAX="2")
    wait_until(lambda: admin.xlen(DEAD_LETTERS) == 1, "the job is given up")
    ((_, letter),) = admin.xrange(DEAD_LETTERS)
    assert (letter["job_id"], letter["attempts"], letter["reason"]) == (job_id, "3", "it was tried too often")


def test_doing_an_order_again_changes_nothing_and_tells_nobody(api: httpx.Client, start: Start, admin: Client) -> None:
    start("notifier")
    wait_until(lambda: _listens(admin), "the notifier listens")
    order = _place(api)
    admin.xadd(STREAM, {"order": order})
    start("worker")
    wait_until(lambda: admin.xlen(STREAM) == 0, "both jobs are done")
    wait_until(lambda: "done" in admin.hgetall("notice:counts"), "it is told of")
    assert admin.hget("notice:counts", "done") == "1"


def test_a_worker_that_is_told_to_stop_signs_off_and_ends_well(start: Start, admin: Client) -> None:
    admin.xadd(STREAM, {"order": "none"})
    worker = start("worker")
    wait_until(lambda: admin.xlen(DEAD_LETTERS) == 1, "the worker has had a job")
    assert len(admin.xinfo_consumers(STREAM, "workers")) == 1
    assert worker.stop() == 0, worker.log()
    assert admin.xinfo_consumers(STREAM, "workers") == []


@pytest.mark.parametrize("name", ["order-api", "notifier"])
def test_a_service_that_is_told_to_stop_ends_well(start: Start, admin: Client, name: str) -> None:
    port = free_port()
    service = start(name, **({"PORT": str(port)} if name == "order-api" else {}))
    if name == "notifier":
        wait_until(lambda: _listens(admin), "the notifier listens")
    else:
        wait_until(lambda: _answers(port), "the API answers")
    assert service.stop() == 0, service.log()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_everything_goes_on_after_the_cache_was_away(api: httpx.Client, start: Start, server: CacheServer) -> None:
    worker = start("worker")
    first = _place(api)
    wait_until(lambda: _state(api, first) == "done", "the first order is done")
    server.stop()
    refused = api.post("/orders", json={"item": "tea"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    server.start()
    second = _place(api)
    wait_until(lambda: _state(api, second) == "done", f"the second order is done: {worker.log()}")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"item": ""}', b'{"item": "tea", "quantity": 0}', b'{"item": "tea", "quantity": true}']
)
def test_what_is_no_order_is_refused(api: httpx.Client, body: bytes, admin: Client) -> None:
    response = api.post("/orders", content=body)
    assert response.status_code == 400
    assert response.json()["error"]
    assert admin.xlen(STREAM) == 0


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("order-api", ["XREAD", "STREAMS", STREAM, "0"]),
        ("order-api", ["SUBSCRIBE", "orders.done"]),
        ("order-api", ["PUBLISH", "orders.done", "x"]),
        ("order-api", ["GET", "notice:counts"]),
        ("notifier", ["PUBLISH", "orders.done", "x"]),
        ("notifier", ["XADD", STREAM, "*", "a", "1"]),
        ("notifier", ["HGETALL", "order:1"]),
        ("worker", ["XRANGE", DEAD_LETTERS, "-", "+"]),
        ("worker", ["PUBLISH", "orders.placed", "x"]),
        ("worker", ["FLUSHALL"]),
        ("worker", ["KEYS", "*"]),
    ],
)
def test_no_service_can_do_another_s_part(server: CacheServer, user: str, command: list[str]) -> None:
    client = server.client(user)
    with pytest.raises(NoPermissionError):
        client.execute_command(*command)
    client.close()


@pytest.mark.parametrize(
    ("name", "variables", "message"),
    [
        ("worker", {"DEAD_LETTERS": ""}, "orders.worker: DEAD_LETTERS is required, and it is empty"),
        ("notifier", {"SUBSCRIBES": ""}, "orders.notifier: SUBSCRIBES is required, and it is empty"),
        ("order-api", {"PORT": "0"}, "orders.api: PORT must be a whole number from 1 to 65535, got '0'"),
        ("worker", {"CACHE_TLS": "yes"}, "orders.worker: CACHE_TLS must be one of true, false, got 'yes'"),
    ],
)
def test_a_wrong_environment_ends_in_one_line(start: Start, name: str, variables: dict[str, str], message: str) -> None:
    service = start(name, **variables)
    assert service.process.wait(15) == 1
    assert re.fullmatch(re.escape(message) + "\n", service.log())
