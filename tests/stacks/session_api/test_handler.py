"""The function as Lambda calls it, with events of API Gateway's payload 2.0."""

import base64
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from stacks.session_api.function.sessions import handler
from stacks.session_api.function.sessions.store import SessionStore
from valkey import Valkey

NOW_S = 1_800_000_000.0
Call = Callable[..., dict[str, Any]]


def _event(method: str, body: object = None, *, path: str = "/session", session: str | None = None) -> dict[str, Any]:
    return {
        "rawPath": path,
        "requestContext": {"http": {"method": method, "sourceIp": "192.0.2.1"}},
        "headers": {},
        "cookies": ["theme=dark", f"{handler.COOKIE}={session}"] if session else [],
        **({"body": body if isinstance(body, str) else json.dumps(body)} if body is not None else {}),
    }


@pytest.fixture
def call(client: Valkey) -> Call:
    sessions = SessionStore(client, key_prefix="session:", ttl_s=100)

    def answer(
        method: str, body: object = None, *, now_s: float = NOW_S, path: str = "/session", session: str | None = None
    ) -> dict[str, Any]:
        return handler.answer(_event(method, body, path=path, session=session), sessions, now_s=now_s)

    return answer


def _content(response: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(response["body"])
    return content


def test_a_session_lives_from_post_to_delete(call: Call) -> None:
    made = call("POST", {"data": 1})
    session = _content(made)["id"]
    assert made["statusCode"] == 201
    assert _content(call("PATCH", {"name": "Ada"}, session=session))["data"] == {"data": 1, "name": "Ada"}
    read = call("GET", session=session)
    assert (read["statusCode"], _content(read)["visits"]) == (200, 1)
    assert "id" not in _content(read)
    assert call("DELETE", session=session)["statusCode"] == 204
    assert call("GET", session=session)["statusCode"] == 404


def test_the_cookie_is_for_this_host_over_tls_and_not_for_scripts(call: Call) -> None:
    made = call("POST")
    (cookie,) = made["cookies"]
    assert cookie == f"__Host-session={_content(made)['id']}; Max-Age=100; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert made["headers"]["cache-control"] == "no-store"


def test_a_bearer_token_opens_a_session_too(client: Valkey, call: Call) -> None:
    session = _content(call("POST", {"a": 1}))["id"]
    event = {**_event("GET"), "headers": {"authorization": f"Bearer {session}"}}
    response = handler.answer(event, SessionStore(client, key_prefix="session:", ttl_s=100), now_s=NOW_S)
    assert _content(response)["data"] == {"a": 1}


@pytest.mark.parametrize(
    ("method", "body", "path", "status"),
    [
        ("POST", "{", "/session", 400),
        ("POST", "[1]", "/session", 400),
        ("POST", "[" * 100_000, "/session", 400),
        ("POST", {"a": "x" * 20_000}, "/session", 413),
        ("GET", None, "/session", 404),
        ("GET", None, "/admin", 404),
        ("PUT", None, "/session", 405),
    ],
)
def test_what_cannot_be_answered_says_why(call: Call, method: str, body: object, path: str, status: int) -> None:
    response = call(method, body, path=path)
    assert response["statusCode"] == status
    assert _content(response)["error"]


def test_a_body_in_base64_is_read(client: Valkey) -> None:
    event = {**_event("POST", base64.b64encode(b'{"a": 1}').decode()), "isBase64Encoded": True}
    sessions = SessionStore(client, key_prefix="session:", ttl_s=100)
    assert _content(handler.answer(event, sessions, now_s=NOW_S))["data"] == {"a": 1}


def test_a_caller_who_asks_too_often_has_to_wait(call: Call) -> None:
    statuses = [call("GET")["statusCode"] for _ in range(handler.CALLER_REQUESTS_MAX + 1)]
    assert set(statuses[:-1]) == {404}
    assert statuses[-1] == 429
    assert call("GET", now_s=NOW_S + 120)["statusCode"] == 404


def test_the_function_logs_in_and_answers(cache_port: int, admin: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    _environment(monkeypatch, cache_port)
    assert handler.handle(_event("POST"), None)["statusCode"] == 201
    assert {entry["user"] for entry in cast("list[dict[str, str]]", admin.client_list())} >= {"sessions"}


def test_a_connection_that_died_while_frozen_is_replaced(
    cache_port: int, admin: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    _environment(monkeypatch, cache_port)
    assert handler.handle(_event("POST"), None)["statusCode"] == 201
    admin.client_kill_filter(user="sessions", skipme=True)
    assert handler.handle(_event("POST"), None)["statusCode"] == 201


def test_without_a_cache_it_says_so_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    _environment(monkeypatch, 1)  # nobody listens there
    response = handler.handle(_event("GET"), None)
    assert (response["statusCode"], response["headers"]["retry-after"]) == (503, "5")


def _environment(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    handler.store.cache_clear()
    variables = {
        "CACHE_HOST": "127.0.0.1", "CACHE_PORT": str(port), "CACHE_TLS": "false", "CACHE_USER": "sessions",
        "CACHE_NAME": "shop", "CACHE_KIND": "serverless", "CACHE_KEY_PREFIX": "session:", "SESSION_TTL_SECONDS": "60",
        "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-key",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
