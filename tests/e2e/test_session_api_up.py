"""The session API, from cdk.json to a person at its page, with the command a newcomer types.

The commands of docs/how-to/functions.md that call a function are tested here.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = [pytest.mark.e2e, pytest.mark.cdk, pytest.mark.xdist_group("session-api")]

ROOT = Path(__file__).parents[2]
FUNCTION = "Sessions/Function"
CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
DEADLINE_S = 60


def cachetwin(folder: Path, *words: str, deadline_s: float = 300) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}
    command = [sys.executable, "-m", "cachetwin_local", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=deadline_s, check=False
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app alone: its stacks, the constructs they use and cdk.json."""
    folder = tmp_path_factory.mktemp("session-api")
    for name in ("stacks", "constructs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cdk.json", folder)
    return folder


@pytest.fixture(scope="module")
def app(checkout: Path) -> Iterator[dict[str, Any]]:
    """The app, up in the background; its status."""
    up = cachetwin(checkout, "up", "-d", "-c", "stack=session-api")
    try:
        assert up.returncode == 0, up.stderr
        status: dict[str, Any] = json.loads(cachetwin(checkout, "status", "--json").stdout)
        yield status
    finally:
        cachetwin(checkout, "down")


@pytest.fixture(scope="module")
def url(app: dict[str, Any]) -> str:
    """The API's URL, as the stack's output has it."""
    return str(app["outputs"]["CachetwinSessionApi.Url"])


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    if not (shutil.which(CHROMIUM) and shutil.which(DRIVER)):
        pytest.skip(f"{CHROMIUM} and {DRIVER} are not installed: the page is tested in a real browser")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"):
        options.add_argument(option)
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    driver = webdriver.Chrome(options=options, service=Driver(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


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
