"""The page, used by a browser as a person would."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from tests.stacks.web_app.conftest import Service

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,1000",
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    if not (shutil.which(CHROMIUM) and shutil.which(DRIVER)):
        pytest.skip(f"{CHROMIUM} and {DRIVER} are not installed: the page is tested in a real browser")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Driver(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def texts(browser: webdriver.Chrome, selector: str) -> list[str]:
    """The texts of the elements, read in one step: the page replaces its rows as answers come."""
    script = "return Array.from(document.querySelectorAll(arguments[0]), (found) => found.textContent)"
    return [str(text) for text in browser.execute_script(script, selector)]


def sources(browser: webdriver.Chrome) -> list[str]:
    """The history's sources, newest first."""
    return texts(browser, "#history .took b")


def test_choosing_a_product_twice_shows_database_then_cache_and_a_new_price_the_database_again(
    service: Service, browser: webdriver.Chrome
) -> None:
    wait = WebDriverWait(browser, 20)
    browser.get(service.url)
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, ".cards button")) == 24)
    wait.until(lambda page: sources(page) == ["database"])
    browser.find_elements(By.CSS_SELECTOR, ".cards button")[5].click()
    wait.until(lambda page: sources(page) == ["database", "database"])
    browser.find_elements(By.CSS_SELECTOR, ".cards button")[5].click()
    wait.until(lambda page: sources(page) == ["cache", "database", "database"])

    bars = [bar.rect["width"] for bar in browser.find_elements(By.CSS_SELECTOR, "#history .track i")[:2]]
    assert bars[0] < bars[1]

    price = browser.find_element(By.ID, "price")
    price.clear()
    price.send_keys("12.34")
    browser.find_element(By.CSS_SELECTOR, "#price-form button[type=submit]").click()
    wait.until(lambda page: sources(page)[:3] == ["database"] * 3 and len(sources(page)) == 6)
    wait.until(lambda page: texts(page, ".cards button[aria-pressed=true] .price") == ["€12.34"])
    wait.until(lambda page: texts(page, "#stat-hit-rate")[0].endswith("%"))
    assert texts(browser, ".lamps strong") == ["up", "up"]
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium leaves it untyped
