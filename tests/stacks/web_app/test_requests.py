"""Requests that change nothing, because they only ask or are refused: one service answers them all."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.stacks.web_app.conftest import PRODUCT, Postgres, Service, running_cache, variables


@pytest.fixture(scope="module")
def service(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("requests")
    with running_cache(folder) as cache:
        started = Service(variables(postgres, postgres.filled_database(), cache), folder / "service.log")
        started.start()
        try:
            started.wait_ready()
            yield started
        finally:
            started.stop()


@pytest.mark.parametrize("text", ["%", "_", "\\", "'; DROP TABLE products --", '"', "-", "ß" * 100])
def test_a_search_takes_any_text_as_text(service: Service, text: str) -> None:
    answer = service.client.get("/api/search", params={"q": text})
    assert answer.status_code == 200
    assert answer.json()["data"]["total"] == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price_cents": -1}, "price_cents"),
        ({"price_cents": 1.5}, "price_cents"),
        ({"price_cents": True}, "price_cents"),
        ({"price_cents": 10**30}, "price_cents"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": None}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(service: Service, change: dict[str, Any], field: str) -> None:
    for answer in (
        service.client.patch("/api/products/7", json=change),
        service.client.post("/api/products", json={**PRODUCT, **change}),
    ):
        assert answer.status_code == 422
        assert list(answer.json()["error"]["fields"]) == [field]


def test_a_lone_surrogate_is_refused(service: Service) -> None:
    headers = {"Content-Type": "application/json"}
    answer = service.client.patch("/api/products/7", content=rb'{"name": "\ud800"}', headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b"{}", "application/json", 422),
        (b"price_cents=1", "application/x-www-form-urlencoded", 415),
        (b" " * 70_000, "application/json", 413),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(service: Service, content: bytes, kind: str, status: int) -> None:
    answer = service.client.patch("/api/products/7", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/products/0", 422),
        ("/api/products/x", 422),
        ("/api/products/99999999999999999999", 422),
        ("/api/products/9223372036854775807", 404),
        ("/api/products?page=0", 422),
        ("/api/products?sort=colour", 422),
        ("/api/search", 422),
        ("/api/search?q=" + "x" * 101, 422),
        ("/api/nothing", 404),
    ],
)
def test_a_request_that_makes_no_sense_gets_a_json_error(service: Service, path: str, status: int) -> None:
    answer = service.client.get(path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_the_page_comes_with_a_strict_policy_and_asks_nobody_else(service: Service) -> None:
    page = service.client.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in page.text.replace("http-equiv", "")
    for name in ("app.js", "app.css", "icon.svg"):
        assert f"/static/{name}" in page.text
        asset = service.client.get(f"/static/{name}")
        assert asset.status_code == 200
        assert asset.headers["x-content-type-options"] == "nosniff"
    assert service.client.get("/static/../web.py").status_code == 404
