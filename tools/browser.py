"""The chat page in a real browser."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from mem0_slm import io
from pipeline import params
from tools.servers import ROOT, free_port

PATIENCE = 600.0
"""Seconds until something is taken to hang. However busy a machine is, nothing else should end by this."""
WAITING = "Looking for something to remember"
"""What stands under a message that is still to be added."""


@dataclass
class App:
    url: str
    process: subprocess.Popen
    lines: list[str]
    """What it printed so far."""


@contextlib.contextmanager
def running_app(place: Path, environment: dict | None = None, /, **settings):
    """app.py as a process of its own on a free port, with these `app` settings; ended at the end.

    place: the folder of its params file. Raises RuntimeError with what it printed if it ends before it is ready.
    """
    from ruamel.yaml import YAML

    section = params.read(ROOT / params.PARAMS_FILE)["app"] | {"port": free_port()} | settings
    file = Path(place) / "params.yaml"
    with open(file, "w") as f:
        YAML().dump({"app": section}, f)
    process = subprocess.Popen(
        [sys.executable, "app.py", "--params", str(file)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | (environment or {}),
    )
    app, ready = App("", process, []), threading.Event()

    def read():
        for line in process.stdout:
            app.lines.append(line)
            if line.startswith("Chat with memory: "):
                app.url = line.split()[3]
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        ready.wait(PATIENCE)
        if not app.url:
            raise RuntimeError(f"app.py did not start:\n{''.join(app.lines)}")
        yield app
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(PATIENCE)
        process.stdout.close()


@contextlib.contextmanager
def chromium():
    """A headless browser: the system's Chromium, driven by Playwright. Raises DataError where it is not installed."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise io.DataError("chromium is not installed. Run `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser, **context):
    """A page that waits as long as it takes (PATIENCE)."""
    page = browser.new_page(**context)
    page.set_default_timeout(1000 * PATIENCE)
    return page


def enter(page, url: str, name: str) -> None:
    page.goto(url)
    enter_name(page, name)


def enter_name(page, name: str) -> None:
    page.locator("#name textarea, #name input").fill(name)
    page.locator("#start").click()
    page.locator("#message textarea").wait_for()


def say(page, text: str) -> None:
    """Send a message and wait for the end of its reply."""
    said = page.locator("#talk .user")
    before = said.count()
    page.locator("#message textarea").fill(text)
    page.keyboard.press("Enter")
    said.nth(before).wait_for()
    page.locator("#stop").wait_for(state="hidden")
    page.locator("#send").wait_for(state="visible")


def settled(page) -> None:
    """Wait until nothing is to be added any more."""
    page.get_by_text(WAITING).first.wait_for(state="detached")
