"""Which route of an HTTP API answers."""

import pytest

from cachetwin_local.supervise.api.routes import RouteTable
from cachetwin_local.supervise.api.throttle import TokenBucket
from cachetwin_local.topology.http_apis import ApiIntegration, ApiRoute

TO = ApiIntegration("App/Greet")
KEYS = (
    "$default",
    "ANY /{proxy+}",
    "GET /items/{id}",
    "ANY /items/{id}",
    "GET /items/new",
    "GET /items/{id}/parts/{part}",
    "POST /files/{path+}",
    "GET /",
)
TABLE = RouteTable([ApiRoute(key, TO) for key in KEYS])


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/items/new", "GET /items/new", {}),
        ("GET", "/items/7", "GET /items/{id}", {"id": "7"}),
        ("PUT", "/items/a%2Fb", "ANY /items/{id}", {"id": "a/b"}),
        ("GET", "/items/7/parts/x", "GET /items/{id}/parts/{part}", {"id": "7", "part": "x"}),
        ("POST", "/files/a/b/c", "POST /files/{path+}", {"path": "a/b/c"}),
        ("PUT", "/files/a/b", "ANY /{proxy+}", {"proxy": "files/a/b"}),
        ("GET", "/", "GET /", {}),
        ("POST", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_answers(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    match = TABLE.match(method, path)
    assert match is not None
    assert (match.route.route_key, match.path_parameters) == (key, parameters)


def test_without_a_default_route_nothing_answers_other_paths() -> None:
    assert RouteTable([ApiRoute("GET /items", TO)]).match("GET", "/other") is None


def test_a_bucket_lets_through_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(2, 3)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
