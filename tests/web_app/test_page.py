"""The page, used by a browser as a person would."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from tests.web_app.conftest import Service

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


def sources(browser: webdriver.Chrome) -> list[str]:
    """The history's sources, newest first, once it has stopped changing with the row's own text."""
    rows = browser.find_elements(By.CSS_SELECTOR, "#history li")
    return [row.find_element(By.CSS_SELECTOR, ".took b").text for row in rows]


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
    card = browser.find_element(By.CSS_SELECTOR, ".cards button[aria-pressed=true] .price")
    assert card.text == "€12.34"
    wait.until(lambda page: page.find_element(By.ID, "stat-hit-rate").text.endswith("%"))
    assert browser.find_element(By.ID, "cache-lamp").text == "Cache up"
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]
