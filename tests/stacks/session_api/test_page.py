"""The page's files, and which instance says that it answered."""

import json

import pytest
from stacks.session_api.function.sessions.instance import Instance
from stacks.session_api.function.sessions.page import file_response


@pytest.mark.parametrize(
    ("path", "kind", "part"),
    [
        ("/", "text/html", "<!doctype html>"),
        ("/static/app.css", "text/css", ":root"),
        ("/static/app.js", "text/javascript", "fetch("),
    ],
)
def test_the_page_is_three_files(path: str, kind: str, part: str) -> None:
    response = file_response("GET", path)
    assert response is not None
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, f"{kind}; charset=utf-8")
    assert part in response["body"]
    assert "default-src 'none'" in response["headers"]["content-security-policy"]
    assert json.dumps(response)


@pytest.mark.parametrize("path", ["/static/../handler.py", "/static/%2e%2e/handler.py", "/static/other.js", "/static/"])
def test_no_other_file_is_sent(path: str) -> None:
    response = file_response("GET", path)
    assert response is not None
    assert response["statusCode"] == 404


def test_what_is_no_file_is_for_the_sessions() -> None:
    assert file_response("GET", "/session") is None
    assert file_response("POST", "/") is None


def test_the_first_answer_of_an_instance_is_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/28/[$LATEST]0123456789abcdef")
    instance = Instance()
    assert [instance.headers()["x-instance-start"] for _ in range(3)] == ["cold", "warm", "warm"]
    assert instance.headers() == {"x-instance": "89abcdef", "x-instance-start": "warm", "x-instance-answers": "4"}
