"""A checkout with several architectures, synthesised once, and a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from tests.e2e.architectures import cachetwin, copy_of_the_app

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the app with the assembly of three architectures; each module of tests brings up one of them."""
    folder = copy_of_the_app(tmp_path_factory.mktemp("checkout"))
    planned = cachetwin(folder, "plan", "-c", "stack=session-api,messaging,memcached")
    assert planned.returncode == 0, planned.stderr
    assert "synthesised in" in planned.stderr
    return folder


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
