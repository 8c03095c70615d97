"""The SVG of a picture: valid, accessible, the same every time, and readable in a real browser in both colour schemes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from tests.local.drawing.architectures import ASSEMBLIES

from cachetwin_local.assembly.template import Assembly
from cachetwin_local.drawing.reading.survey import architecture_of
from cachetwin_local.drawing.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
OVERLAPS = """
const texts = [...document.querySelectorAll('text')].map((text) => {
  const box = text.getBBox();
  return { words: text.textContent, x: box.x, y: box.y + box.height * 0.2, right: box.x + box.width,
           bottom: box.y + box.height * 0.8 };
});
const found = [];
texts.forEach((one, index) => texts.slice(index + 1).forEach((other) => {
  if (one.x < other.right && other.x < one.right && one.y < other.bottom && other.y < one.bottom)
    found.push(one.words + ' / ' + other.words);
}));
const canvas = document.documentElement.viewBox.baseVal;
texts.forEach((text) => { if (text.right > canvas.width) found.push(text.words + ' / the canvas'); });
return found;
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    if not (shutil.which(CHROMIUM) and shutil.which(DRIVER)):
        pytest.skip(f"{CHROMIUM} and {DRIVER} are not installed: text is measured in a real browser")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    profile = tmp_path_factory.mktemp("profile")
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Driver(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.mark.parametrize("assembly", ASSEMBLIES.values(), ids=ASSEMBLIES)
def test_the_picture_is_valid_accessible_and_refers_to_nothing_outside(assembly: Assembly) -> None:
    architecture = architecture_of(assembly)
    text = to_svg(architecture)
    root = Xml.fromstring(text)  # noqa: S314  (our own text)
    labels = {element.get("id"): "".join(element.itertext()) for element in root if element.get("id")}
    assert root.get("role") == "img"
    assert labels[str(root.get("aria-labelledby")).split()[0]] == architecture.title
    assert all(box.title in labels["desc"] for box in architecture.boxes)
    assert len(list(root.iter(f"{SVG}g"))) >= len(architecture.boxes)
    assert "prefers-color-scheme:dark" in text
    assert not [word for word in ("href", "<script", "@import", "url(http", "<image") if word in text]


@pytest.mark.parametrize("assembly", ASSEMBLIES.values(), ids=ASSEMBLIES)
def test_drawing_twice_gives_the_same_bytes(assembly: Assembly) -> None:
    assert to_svg(architecture_of(assembly)) == to_svg(architecture_of(assembly))


@pytest.mark.parametrize("name", ASSEMBLIES)
def test_no_text_covers_another_in_a_browser(name: str, tmp_path: Path, browser: webdriver.Chrome) -> None:
    path = tmp_path / "picture.svg"
    path.write_text(to_svg(architecture_of(ASSEMBLIES[name])), encoding="utf-8")
    browser.get(path.as_uri())
    assert browser.execute_script(OVERLAPS) == []


@pytest.mark.parametrize(("scheme", "page"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(15, 20, 26)")])
def test_the_colours_follow_the_readers_system(
    scheme: str, page: str, tmp_path: Path, browser: webdriver.Chrome
) -> None:
    path = tmp_path / "picture.svg"
    path.write_text(to_svg(architecture_of(ASSEMBLIES["web_app"])), encoding="utf-8")
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(path.as_uri())
    script = "return getComputedStyle(document.querySelector('.page')).fill"
    assert browser.execute_script(script) == page
