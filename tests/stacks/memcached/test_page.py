"""The storefront's page, used by a browser as a person would."""

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from tests.stacks.memcached.conftest import Nodes, Storefront
from tests.stacks.web_app.test_page import browser as web_app_browser
from tests.stacks.web_app.test_page import texts

browser = web_app_browser


def sweep(browser: webdriver.Chrome, rows: int) -> str:
    """Read the products once more; the hit rate that is shown then."""
    browser.find_element(By.ID, "sweep").click()
    wait = WebDriverWait(browser, 30)
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, "#sweeps li")) == rows)
    wait.until(lambda page: page.find_element(By.ID, "sweep").is_enabled())
    return texts(browser, "#stat-hit-rate")[0]


@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (400, "dark")])
def test_a_lost_node_shows_in_the_bars(
    storefront: Storefront, nodes: Nodes, browser: webdriver.Chrome, width: int, scheme: str
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    )
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(storefront.url)
    wait = WebDriverWait(browser, 30)
    wait.until(lambda page: texts(page, "#nodes b") == ["0001", "0002", "0003"])
    assert sweep(browser, 1) == "0 %"
    assert sweep(browser, 2) == "100 %"
    nodes.kill(2)
    rate = int(sweep(browser, 3).removesuffix(" %"))
    assert 30 < rate < 90
    assert "of node 0003" in texts(browser, "#verdict")[0]
    wait.until(lambda page: texts(page, "#nodes .status") == ["up", "up", "down"])
    bars = browser.find_elements(By.CSS_SELECTOR, "#sweeps li:first-child .node i")
    assert [bar.get_attribute("class") for bar in bars] == ["hits", "hits", "misses"]
    assert (
        browser.execute_script("const page = document.documentElement; return page.scrollWidth - page.clientWidth") == 0
    )
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, ".cards button")) == 24)
    browser.find_element(By.CSS_SELECTOR, ".cards button").click()
    wait.until(lambda page: texts(page, "#detail-source")[0].startswith("from "))
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium leaves it untyped
