"""The session API, up and with a person at its page.

The commands of docs/how-to/functions.md that call a function are tested here.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from tests.e2e.architectures import DEADLINE_S, cachetwin, status, up
from tests.processes import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.cdk]

FUNCTION = "Sessions/Function"


def is_in_step(folder: Path) -> bool:
    """Whether every replica has what its primary has."""
    return all(node["lag_bytes"] == 0 for node in status(folder)["nodes"])


@pytest.fixture(scope="module")
def checkout(synthesised: Path) -> Path:
    """The checkout of the app."""
    return synthesised


@pytest.fixture(scope="module")
def app(checkout: Path) -> Iterator[dict[str, Any]]:
    """The architecture, up in the background; its status."""
    with up(checkout, "--no-synth", "CachetwinSessionApi") as found:
        yield found


@pytest.fixture(scope="module")
def url(app: dict[str, Any]) -> str:
    """The API's URL, as the stack's output has it."""
    return str(app["outputs"]["CachetwinSessionApi.Url"])


def test_a_session_lives_in_the_serverless_cache(app: dict[str, Any], url: str) -> None:
    assert {resource["state"] for resource in app["resources"]} == {"ready"}
    assert {resource["kind"] for resource in app["resources"]} == {"cache", "function", "HTTP API", "AWS APIs"}
    with httpx.Client(base_url=url, timeout=DEADLINE_S) as client:
        made = client.post("/session", json={"name": "Ada"})
        assert made.status_code == 201, made.text
        bearer = {"Authorization": f"Bearer {made.json()['id']}"}
        assert client.patch("/session", json={"cart": {"lamp": 2}}, headers=bearer).status_code == 200
        read = client.get("/session", headers=bearer).json()
        assert (read["data"], read["visits"]) == ({"name": "Ada", "cart": {"lamp": 2}}, 1)
        assert client.delete("/session", headers=bearer).status_code == 204
        assert client.get("/session", headers=bearer).status_code == 404
        assert client.get("/elsewhere").json() == {"message": "Not Found"}


def test_a_session_survives_a_failover_of_the_cache(checkout: Path, app: dict[str, Any], url: str) -> None:
    first = next(node for node in app["nodes"] if node["role"] == "primary")
    with httpx.Client(base_url=url, timeout=DEADLINE_S) as client:
        bearer = {"Authorization": f"Bearer {client.post('/session', json={'name': 'Ada'}).json()['id']}"}
        changed = client.patch("/session", json={"cart": {"lamp": 2}}, headers=bearer)
        assert changed.status_code == 200, changed.text
        wait_until(lambda: is_in_step(checkout), "the replica has the session", DEADLINE_S)
        os.kill(int(first["pid"]), signal.SIGKILL)
        good = 0

        def is_served() -> bool:
            nonlocal good
            answer = client.get("/session", headers=bearer)
            assert answer.status_code in {200, 503}, answer.text  # 503 while the cache is away, never "no such session"
            good = good + 1 if answer.status_code == 200 else 0
            if good:
                assert answer.json()["data"] == {"name": "Ada", "cart": {"lamp": 2}}
            return good == 5

        wait_until(is_served, "the new primary serves", 120)
    assert [node["node"] for node in status(checkout)["nodes"] if node["role"] == "primary"] != [first["node"]]


def test_a_person_signs_in_fills_a_cart_and_signs_out(url: str, browser: webdriver.Chrome) -> None:
    wait = WebDriverWait(browser, DEADLINE_S)

    def text(element: str) -> str:
        return browser.find_element(By.ID, element).text

    browser.get(url)
    wait.until(lambda page: page.find_element(By.ID, "name").is_displayed())
    browser.find_element(By.ID, "name").send_keys("Ada\n")
    wait.until(lambda _page: text("who") == "Ada")
    for total in ("Together 89 €", "Together 178 €"):
        browser.find_element(By.CSS_SELECTOR, "[aria-label='One Oak lamp more']").click()
        wait.until(lambda _page, total=total: text("total") == total)  # type: ignore[misc]  # bound at once
    left = text("ttl")
    wait.until(lambda _page: text("ttl") != left)
    browser.find_element(By.ID, "many").click()
    wait.until(lambda _page: text("visits") == "10")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#answers .start")) == 10
    browser.refresh()
    wait.until(lambda _page: text("visits") == "11")
    assert text("total") == "Together 178 €"
    browser.find_element(By.ID, "sign-out").click()
    wait.until(lambda page: page.find_element(By.ID, "name").is_displayed())


def test_a_saved_handler_answers_the_next_request(checkout: Path, url: str) -> None:
    handler = checkout / "stacks" / "session_api" / "function" / "sessions" / "handler.py"
    source = handler.read_text()
    asked = {"Authorization": "Bearer nobody"}
    assert "no such session" in httpx.get(f"{url}/session", headers=asked, timeout=DEADLINE_S).text
    try:
        handler.write_text(source.replace("there is no such session", "nobody is here"))
        time.sleep(0.05)  # a look at the files is at most every 20 ms
        assert "nobody is here" in httpx.get(f"{url}/session", headers=asked, timeout=DEADLINE_S).text
    finally:
        handler.write_text(source)


def test_invoke_calls_the_function(checkout: Path, app: dict[str, Any]) -> None:
    assert app["stacks"] == ["CachetwinSessionApi"]
    http = {"method": "GET", "sourceIp": "192.0.2.1"}
    event = {"rawPath": "/session", "requestContext": {"http": http}, "headers": {}}
    (checkout / "event.json").write_text(json.dumps(event))
    called = cachetwin(checkout, "invoke", FUNCTION, "--event", "event.json")
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout)["statusCode"] == 404
    failed = cachetwin(checkout, "invoke", FUNCTION)
    assert (failed.returncode, json.loads(failed.stdout)["errorType"]) == (1, "KeyError")
    unknown = cachetwin(checkout, "invoke", "Session/Function")
    assert "did you mean Sessions/Function?" in unknown.stderr
    (key,) = (str(row["name"]) for row in app["resources"] if row["kind"] == "function")
    logged = cachetwin(checkout, "logs", key).stdout
    assert '"type": "platform.report"' in logged


def test_down_leaves_no_process(checkout: Path, url: str) -> None:
    assert httpx.get(url, timeout=DEADLINE_S).status_code == 200
    supervisor = psutil.Process(json.loads((checkout / ".cachetwin" / "state.json").read_text())["pid"])
    processes = [supervisor, *supervisor.children(recursive=True)]
    assert any("python_runtime" in " ".join(process.cmdline()) for process in processes)
    down = cachetwin(checkout, "down")
    assert down.returncode == 0, down.stderr
    _gone, left = psutil.wait_procs(processes, timeout=DEADLINE_S)
    assert [process for process in left if process.is_running()] == []
