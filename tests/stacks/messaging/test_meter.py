"""The function that measures queues, against a real server as a user that may do just that."""

import json

import pytest

from cachetwin_cdk.patterns.queue_meter import meter

from .conftest import CacheServer, Client

QUEUES = {"orders": ["queue:{orders}", "queue:{orders}:dead"]}


def _environment(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    variables = {
        "CACHE_HOST": "127.0.0.1", "CACHE_PORT": str(port), "CACHE_TLS": "false", "CACHE_USER": "meter",
        "CACHE_NAME": "shop", "CACHE_KIND": "replication-group", "METRIC_NAMESPACE": "Cachetwin/Messaging",
        "QUEUES": json.dumps(QUEUES), "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-key",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_it_prints_metrics_in_the_embedded_format(
    server: CacheServer, admin: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        admin.xadd("queue:{orders}", {"order": "1"})
    admin.xadd("queue:{orders}:dead", {"order": "2"})
    _environment(monkeypatch, server.port)
    meter.handle({}, None)
    line = json.loads(capsys.readouterr().out)
    assert (line["Cache"], line["Queue"], line["Backlog"], line["DeadLetters"]) == ("shop", "orders", 3, 1)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Cachetwin/Messaging", [["Cache", "Queue"]])
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "Backlog": "Count",
        "OldestJobAge": "Seconds",
        "DeadLetters": "Count",
    }


def test_the_age_is_that_of_the_oldest_job(server: CacheServer, admin: Client) -> None:
    admin.xadd("queue:{orders}", {"order": "1"}, id="1000000-0")
    admin.xadd("queue:{orders}", {"order": "2"}, id="1090000-0")
    with meter.Connection("127.0.0.1", server.port, tls=False) as cache:
        numbers = meter.measure(cache, "queue:{orders}", "queue:{orders}:dead", 1_100_500)
    assert numbers == {"Backlog": 2, "OldestJobAge": 100, "DeadLetters": 0}


def test_a_queue_that_was_never_used_is_empty(server: CacheServer) -> None:
    with meter.Connection("127.0.0.1", server.port, tls=False) as cache:
        assert meter.measure(cache, "queue:{none}", "queue:{none}:dead", 5) == {
            "Backlog": 0,
            "OldestJobAge": 0,
            "DeadLetters": 0,
        }


def test_a_refusal_of_the_cache_is_an_error_that_says_so(server: CacheServer) -> None:
    with meter.Connection("127.0.0.1", server.port, tls=False) as cache:
        cache.run("AUTH", "meter", "any")
        with pytest.raises(meter.CacheError, match="NOPERM"):
            cache.run("FLUSHALL")


def test_a_connection_that_was_cut_is_an_error(server: CacheServer) -> None:
    with meter.Connection("127.0.0.1", server.port, tls=False) as cache:
        server.stop()
        with pytest.raises(ConnectionError):
            cache.run("PING")


def test_its_token_is_signed_for_the_cache_and_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    _environment(monkeypatch, 1)
    settings = {"CACHE_USER": "meter", "CACHE_NAME": "shop", "CACHE_KIND": "serverless"}
    token = meter.iam_token(settings)
    assert token.startswith("shop/?Action=connect&User=meter&ResourceType=ServerlessCache&X-Amz-Algorithm=")
    assert "X-Amz-Expires=900" in token
    assert "%2Feu-west-1%2Felasticache%2Faws4_request" in token
