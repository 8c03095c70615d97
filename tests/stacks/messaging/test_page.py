"""What the page asks of the API: orders under a key, what happened as events, dead letters, and workers to kill."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.processes import free_port, wait_until

from .conftest import Client, Service

Start = Callable[..., Service]
STREAM = "queue:{orders}"


def events(api: httpx.Client, after: str = "") -> Iterator[tuple[str, str, Any]]:
    """The kind, id and data of each event, for a minute at most."""
    deadline_s = time.monotonic() + 60
    headers = {"Last-Event-ID": after} if after else {}
    with api.stream("GET", "/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in answer.iter_lines():  # the state comes each second, so this comes here
            if time.monotonic() > deadline_s:
                pytest.fail("waited a minute for events")
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
            elif "event" in fields:
                yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
                fields = {}


def state(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/state").json()
    return found


def test_an_order_that_is_asked_for_again_is_placed_once(api: httpx.Client, admin: Client) -> None:
    key = {"Idempotency-Key": "basket-0815"}
    for _ in range(2):
        answer = api.post("/orders", json={"item": "tea"}, headers=key)
        assert (answer.status_code, answer.json()["order"]) == (202, "basket-0815")
    assert (admin.xlen(STREAM), state(api)["open"]) == (1, 1)
    assert api.post("/orders", json={"item": "tea"}, headers={"Idempotency-Key": "a b"}).status_code == 400


def test_an_order_that_too_few_nodes_have_is_not_acknowledged(start: Start, admin: Client) -> None:
    port = free_port()
    start("order-api", PORT=str(port), REPLICAS_MIN="1")
    url = f"http://127.0.0.1:{port}"

    def status() -> int:
        try:
            return httpx.post(f"{url}/orders", json={"item": "tea"}, timeout=10).status_code
        except httpx.TransportError:
            return 0

    wait_until(status, "the API answers")
    assert status() == 503
    assert admin.xlen(STREAM) >= 1


def test_events_go_on_where_a_browser_was(api: httpx.Client, start: Start) -> None:
    first = api.post("/orders", json={"item": "tea"}).json()["order"]
    kind, position, news = next(event for event in events(api, "0-0,0-0") if event[0] == "orders")
    assert (kind, [(one["kind"], one["order"]) for one in news]) == ("orders", [("placed", first)])
    start("worker")
    start("notifier")
    seen: list[str] = []
    for _, _, news in (event for event in events(api, position) if event[0] == "orders"):
        seen += [one["kind"] for one in news]
        if "told" in seen:
            break
    assert seen == ["taken", "done", "told"]


def test_a_dead_letter_is_sent_again_once_with_another_quantity(api: httpx.Client, start: Start) -> None:
    order = api.post("/orders", json={"item": "tea", "quantity": 5_000}).json()["order"]
    start("worker")
    wait_until(lambda: state(api)["dead"], "the job is a dead letter")
    ((letter),) = state(api)["letters"]
    assert (letter["order"], letter["item"], letter["quantity"]) == (order, "tea", 5_000)
    assert api.get(f"/orders/{order}").json()["state"] == "failed"
    path = f"/dead-letters/{letter['letter_id']}"
    assert api.post(path, json={"quantity": 0}).status_code == 400
    assert [api.post(path, json={"quantity": 5}).status_code for _ in range(2)] == [202, 404]
    wait_until(lambda: api.get(f"/orders/{order}").json()["state"] == "done", "the order is done")
    assert (state(api)["dead"], state(api)["open"]) == (0, 0)


def test_the_job_of_an_order_that_failed_before_its_worker_died_is_given_up(
    api: httpx.Client, start: Start, admin: Client
) -> None:
    order = api.post("/orders", json={"item": "tea", "quantity": 5_000}).json()["order"]
    admin.hset(f"order:{order}", mapping={"state": "failed", "reason": "too many"})
    start("worker")
    wait_until(lambda: state(api)["dead"], "the job is a dead letter")
    assert state(api)["letters"][0]["reason"] == "too many"


def test_a_worker_that_is_killed_leaves_the_list_and_one_that_is_not_there_is_said(
    api: httpx.Client, start: Start
) -> None:
    worker = start("worker")
    wait_until(lambda: state(api)["workers"], "the worker reports")
    name = state(api)["workers"][0]["worker"]
    assert api.post(f"/workers/{name}/kill", json={}).status_code == 202
    assert worker.process.wait(15) == -signal.SIGKILL
    wait_until(lambda: not state(api)["workers"], "the worker is forgotten")
    assert api.post(f"/workers/{name}/kill", json={}).status_code == 404
    assert api.post(f"/workers/{name}/kill").status_code == 400


def test_no_worker_is_killed_without_drills(start: Start) -> None:
    port = free_port()
    start("order-api", PORT=str(port), DRILLS="false")

    def status() -> int:
        try:
            return httpx.post(f"http://127.0.0.1:{port}/workers/any/kill", json={}, timeout=10).status_code
        except httpx.TransportError:
            return 0

    wait_until(status, "the API answers")
    assert status() == 403


@pytest.mark.parametrize(
    ("path", "kind"), [("/", "text/html"), ("/static/app.js", "text/javascript"), ("/static/app.css", "text/css")]
)
def test_the_page_runs_its_own_files_only(api: httpx.Client, path: str, kind: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert api.get("/static/../api.py").status_code == 404
