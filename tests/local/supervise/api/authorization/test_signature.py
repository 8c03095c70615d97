"""Requests signed by AWS's own SDK."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials as AwsCredentials  # type: ignore[import-untyped]

from cachetwin_local.identity.credentials import credentials_of
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.api.authorization.signature import InvalidSignature, signed_by
from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpRequest

CREDENTIALS = credentials_of("a seed")
CALLER = (Principal("App/Web", "arn:aws:iam::1:role/web"), CREDENTIALS)
HOST = "127.0.0.1:8090"


def signed(
    method: str = "POST", target: str = "/a%20b/c?q=1&q=%C3%A9&r", body: bytes = b"x", region: str = "us-east-1"
) -> HttpRequest:
    own = AwsCredentials(CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key, CREDENTIALS.session_token)
    request = AWSRequest(method, f"http://{HOST}{target}", {"Host": HOST, "Content-Type": "text/plain"}, body)
    SigV4Auth(own, "execute-api", region).add_auth(request)
    headers: Mapping[str, str] = dict(request.headers.items())
    fields = tuple(Field(name.lower().encode(), value.encode(), b"") for name, value in headers.items())
    return HttpRequest(method, target, fields, body, "127.0.0.1")


def check(request: HttpRequest, now_s: float | None = None) -> str:
    return signed_by(request, [CALLER], "us-east-1", "execute-api", now_s or time.time())[0].name


@pytest.mark.parametrize("target", ["/", "/a%20b/c?q=1&q=%C3%A9&r", "/items/7?b=2&a=1", "/x~y"])
def test_the_caller_of_a_signed_request_is_known(target: str) -> None:
    assert check(signed("GET", target, b"")) == "App/Web"
    assert check(signed("POST", target, b'{"a": 1}')) == "App/Web"


@pytest.mark.parametrize(
    ("changed", "reason"),  # signed by the test: a signature made when pytest collects may be too old by then
    [
        (lambda: replace(signed(), body=b"y"), "signature is wrong"),
        (lambda: replace(signed(), target="/other"), "signature is wrong"),
        (lambda: replace(signed(), fields=()), "not signed"),
        (lambda: signed(region="eu-west-1"), "must be for execute-api in us-east-1"),
    ],
)
def test_a_request_that_was_changed_is_refused(changed: Callable[[], HttpRequest], reason: str) -> None:
    with pytest.raises(InvalidSignature, match=reason):
        check(changed())


def test_an_old_request_and_an_unknown_key_are_refused() -> None:
    with pytest.raises(InvalidSignature, match="at most 300 s old"):
        check(signed(), time.time() + 301)
    with pytest.raises(InvalidSignature, match="nothing that runs here"):
        signed_by(signed(), [], "us-east-1", "execute-api", time.time())
