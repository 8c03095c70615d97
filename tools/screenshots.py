"""Take the pictures of README.md and the documentation from the real thing: ``python tools/screenshots.py``.

Runs `make up` in this folder, on a terminal of its own, and looks at its pages with headless Chromium (Debian's
chromium and chromium-driver). Writes make-up.svg, the terminal, and web-app.png, session-api.png and messaging.png, the
pages, into docs/screenshots.
"""

import contextlib
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

__all__ = ["terminal_text"]

ROOT: Final = Path(__file__).parents[1]
SCREENSHOTS: Final = ROOT / "docs" / "screenshots"
COLUMNS: Final = 132
READY: Final = b"Ctrl-C stops everything"
UP_S_MAX: Final = 1200
DOWN_S_MAX: Final = 120
PAGE_S_MAX: Final = 120
SETTLE_S: Final = 3
"""The page asks for its counters every two seconds."""
SESSION_ROWS: Final = 10
WINDOW_FRAME: Final = 140
"""What the browser's window has above the page."""
KILL: Final = """
const button = document.querySelector("#workers [data-kill]");
button?.click();
return button?.dataset.kill;
"""
"""In one step, because the page makes its rows anew with each state that it is told of."""
_CONTROL = re.compile(r"\x1b\[(\d*)([A-HJKSTfm])|\x1b\[([\d;]+)m|\x1b\[\?\d+[hl]|\r|\n")


def terminal_text(output: str) -> str:
    """What a terminal shows after ``output``: colours kept, lines that were drawn over gone."""
    lines, row, at = [""], 0, 0
    for match in [*_CONTROL.finditer(output), None]:
        lines[row] += output[at : match.start() if match else len(output)]
        if match is None:
            break
        at = match.end()
        if match.group(3) or match.group(2) == "m":
            lines[row] += match.group()
        elif match.group(2) == "A":
            row = max(0, row - int(match.group(1) or 1))
        elif match.group(2) == "K":
            lines[row] = ""
        elif match.group() == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
    return "\n".join(line.rstrip() for line in lines)


@contextlib.contextmanager
def running_app() -> Iterator[str]:
    """The architectures, up in the foreground; what its terminal showed until it was ready. Ctrl-C when it is left."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    command = ["make", "up"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    ) as process:
        os.close(inside)
        try:
            yield _read_until_ready(terminal)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            deadline_s = time.monotonic() + DOWN_S_MAX
            while process.poll() is None and time.monotonic() < deadline_s:
                with contextlib.suppress(OSError):  # the terminal ends with the program
                    os.read(terminal, 65536)
            process.wait(DOWN_S_MAX)
            os.close(terminal)


def _read_until_ready(terminal: int) -> str:
    shown, deadline_s = b"", time.monotonic() + UP_S_MAX
    while READY not in shown:
        if time.monotonic() > deadline_s:
            sys.exit(f"the app was not ready within {UP_S_MAX} s:\n{shown.decode(errors='replace')}")
        shown += os.read(terminal, 65536)
    return shown.decode()


def draw_terminal(text: str, file: Path) -> None:
    """Write the terminal as SVG, with fonts that the reader has."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"), force_terminal=True)  # noqa: SIM115, PTH123  (lives as long as the program)
    console.print(Text.from_ansi(text), soft_wrap=True)
    svg = console.export_svg(title="make up")
    svg = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)
    file.write_text(svg.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono") + "\n")


def _has_more_than(count: int) -> Callable[[webdriver.Chrome], bool]:
    return lambda page: len(page.find_elements(By.CSS_SELECTOR, "#history .took b")) > count


@contextlib.contextmanager
def page_at(url: str) -> Iterator[webdriver.Chrome]:
    """A browser with the page open."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=1300,900"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium") or ""
    with webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"))) as browser:
        browser.get(url)
        yield browser


def photograph_web_app(url: str, file: Path) -> None:
    """Ask for a few products twice, so that the page has hits and misses to show, and take its picture."""
    with page_at(url) as browser:
        time.sleep(SETTLE_S)  # the first visit fills the services' pools
        browser.get(url)
        wait = WebDriverWait(browser, PAGE_S_MAX)
        wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, ".cards button"))
        for place in (1, 4, 1, 4, 8, 1):
            before = len(browser.find_elements(By.CSS_SELECTOR, "#history .took b"))
            browser.find_elements(By.CSS_SELECTOR, ".cards button")[place].click()
            wait.until(_has_more_than(before))
        time.sleep(SETTLE_S)
        browser.save_screenshot(str(file))


def photograph_session_api(url: str, file: Path) -> None:
    """Sign in, fill a cart, ask ten times at once, and take the page's picture."""
    with page_at(url) as browser:
        wait = WebDriverWait(browser, PAGE_S_MAX)
        wait.until(lambda page: page.find_element(By.ID, "name").is_displayed())
        browser.find_element(By.ID, "name").send_keys("Ada\n")
        wait.until(lambda page: page.find_element(By.ID, "who").text == "Ada")
        browser.find_element(By.CSS_SELECTOR, "[aria-label='One Oak lamp more']").click()
        wait.until(lambda page: page.find_element(By.ID, "total").text == "Together 89 €")
        browser.find_element(By.ID, "many").click()
        wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, "#answers .start")) >= SESSION_ROWS)
        browser.save_screenshot(str(file))


def photograph_messaging(url: str, file: Path) -> None:
    """Place an order that cannot be done and many that can, kill a worker, and take the page's picture."""
    with page_at(url) as browser:
        wait = WebDriverWait(browser, PAGE_S_MAX)
        wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, "#workers [data-kill]")) > 1)
        quantity = browser.find_element(By.ID, "quantity")
        quantity.clear()
        quantity.send_keys("5000\n")
        wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, "#dead li"))
        quantity.clear()
        quantity.send_keys("2")
        browser.find_element(By.CSS_SELECTOR, "[data-many='300']").click()
        time.sleep(SETTLE_S)
        killed = wait.until(lambda page: page.execute_script(KILL))
        wait.until(lambda page: not page.find_elements(By.CSS_SELECTOR, f"[data-kill='{killed}']"))
        height = browser.execute_script("return document.documentElement.scrollHeight")
        browser.set_window_size(1300, height + WINDOW_FRAME)
        time.sleep(1)
        browser.save_screenshot(str(file))


def main() -> None:
    """Take the pictures."""
    SCREENSHOTS.mkdir(exist_ok=True)
    with running_app() as shown:
        text = terminal_text(shown)
        draw_terminal("$ make up\n" + text, SCREENSHOTS / "make-up.svg")
        urls = dict(re.findall(r"Cachetwin(\w+)\.Url = (\S+)", text))
        photograph_web_app(urls["WebApp"], SCREENSHOTS / "web-app.png")
        photograph_session_api(urls["SessionApi"], SCREENSHOTS / "session-api.png")
        photograph_messaging(urls["Messaging"], SCREENSHOTS / "messaging.png")


if __name__ == "__main__":
    main()
