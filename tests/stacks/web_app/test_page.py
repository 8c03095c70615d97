"""The page, used by a browser as a person would."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from tests.stacks.web_app.conftest import Postgres, Service

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
    assert texts(browser, "#stat-reads") == [str(len(sources(browser)) - 1)]  # a write is no read
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium leaves it untyped


def open_page(browser: webdriver.Chrome, service: Service, address: str = "/") -> None:
    """Open an address of the page and wait for its first answer."""
    browser.get(service.url + address)
    WebDriverWait(browser, 30).until(lambda page: texts(page, "#count")[0].endswith(("product", "products")))


def shown(browser: webdriver.Chrome, selector: str) -> bool:
    return browser.find_element(By.CSS_SELECTOR, selector).is_displayed()


def test_a_search_has_an_address_that_shows_it_again_and_the_browser_goes_back(
    service: Service, browser: webdriver.Chrome
) -> None:
    wait = WebDriverWait(browser, 20)
    open_page(browser, service)
    browser.find_element(By.ID, "q").send_keys("oak kettle\n")
    wait.until(lambda page: texts(page, "#count") == ["1 product"])
    browser.find_element(By.CSS_SELECTOR, ".cards button").click()
    wait.until(lambda page: texts(page, "#detail-title") == ["Oak Kettle"])
    wait.until(lambda page: "product=1" in page.current_url)
    address = browser.current_url.removeprefix(service.url)
    assert address == "/?q=oak+kettle&product=1"
    open_page(browser, service, address)
    wait.until(lambda page: texts(page, "#detail-title") == ["Oak Kettle"])
    assert texts(browser, ".cards b") == ["Oak Kettle"]
    assert browser.find_element(By.ID, "q").get_attribute("value") == "oak kettle"
    browser.back()
    wait.until(lambda page: page.current_url == service.url + "/?q=oak+kettle")
    browser.back()
    wait.until(lambda page: texts(page, "#count") == ["480 products"])
    assert not shown(browser, "#detail")


def test_a_search_that_finds_nothing_says_what_to_try(service: Service, browser: webdriver.Chrome) -> None:
    open_page(browser, service, "/?q=nothing+of+the+kind")
    assert shown(browser, "#empty")
    assert "Nothing matches “nothing of the kind”" in texts(browser, "#empty-text")[0]
    assert not shown(browser, "#pages")
    browser.find_element(By.ID, "show-all").click()
    WebDriverWait(browser, 20).until(lambda page: texts(page, "#count") == ["480 products"])
    assert not shown(browser, "#empty")
    assert browser.current_url == service.url + "/"


def test_on_a_narrow_screen_nothing_is_cut_off_and_a_quick_answer_has_a_short_bar(
    service: Service, browser: webdriver.Chrome
) -> None:
    service.client.get("/api/products")
    screen = {"width": 400, "height": 1200, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    open_page(browser, service, "/?q=a+search+of+so+many+words+that+its+name+has+to+be+cut+off")
    open_page(browser, service, "/?q=a+search+of+so+many+words+that+its+name+has+to+be+cut+off")
    assert texts(browser, "#history .how") == ["hit"]
    whole = (
        "const it = document.querySelector(arguments[0]); return it.scrollWidth <= it.clientWidth && it.clientWidth > 0"
    )
    assert browser.execute_script("return document.documentElement.scrollWidth") == 400
    how = browser.find_element(By.CSS_SELECTOR, "#history .how").rect
    took = browser.find_element(By.CSS_SELECTOR, "#history .took").rect
    assert how["width"] > 10
    assert how["x"] + how["width"] < took["x"]
    assert took["x"] + took["width"] < 400
    assert browser.execute_script(whole, "#stat-cache")
    bar = browser.find_element(By.CSS_SELECTOR, "#history .track i").rect["width"]
    track = browser.find_element(By.CSS_SELECTOR, "#history .track").rect["width"]
    took_ms = float(texts(browser, "#history .took")[0].split()[1])
    assert bar / track == pytest.approx(max(took_ms, 0) / max(took_ms, 10), abs=0.02)


def test_an_outage_of_the_database_is_one_state_on_the_page_and_over_when_it_is_over(
    service: Service, browser: webdriver.Chrome, postgres: Postgres
) -> None:
    wait = WebDriverWait(browser, 30)
    open_page(browser, service)
    service.client.get("/api/products/1")
    postgres.stop()
    try:
        browser.find_elements(By.CSS_SELECTOR, ".cards button")[3].click()
        wait.until(lambda page: shown(page, "#notice"))
        assert texts(browser, "#notice")[0].startswith("503: the database is out of reach")
        assert texts(browser, "#database-lamp strong") == ["down"]
    finally:
        postgres.start()
    wait.until(lambda page: not shown(page, "#notice"))
    wait.until(lambda page: texts(page, "#database-lamp strong") == ["up"])
    assert shown(browser, "#detail")  # asked again, without a click


def test_the_counters_are_of_what_the_page_shows(service: Service, browser: webdriver.Chrome) -> None:
    for product_id in range(1, 9):
        service.client.get(f"/api/products/{product_id}")  # others ask the same process
    open_page(browser, service)
    assert texts(browser, "#stat-reads") == ["1"]
    assert texts(browser, "#stat-queries") == ["1"]
    assert texts(browser, "#stat-hit-rate") == ["0 %"]
