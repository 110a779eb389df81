"""Notebooks that became apps: Voila and marimo, in a real browser."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..support.browser import Browser, Tab
from ..support.fake_server import KEY, FakeServer
from ..support.jupyter import make_notebook

CDN = True  # Voila and marimo ask for fonts and scripts, and do without them
PRIVATE = re.compile(r"(?i)^(jupyter|jpy_|ipython|marimo)|_proxy$|_api_key$")
VOILA = ["%load_ext audiomagic", "%%speak\nHello", "%%listen\nAnswer.", "print('the last cell')"]
MARIMO = """
import marimo
app = marimo.App()

@app.cell
def _():
    from audiomagic import Recorder, Session
    Session().speak("Hello")
    return (Recorder,)

@app.cell
def _(Recorder):
    rec = Recorder()
    rec
    return
"""
RECORD = ".audiomagic-recorder .am-main"
CARD = ".audiomagic-card"
PCM = b"\1\1" * 24_000


@contextmanager
def app(command: list[str], folder: Path, fake_server: FakeServer) -> Iterator[str]:
    """Serve an app on a free loopback port; gives its address."""
    port = _free_port()
    ours = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": fake_server.url, "HOME": str(folder)}
    ours["AUDIOMAGIC_LEDGER"] = str(folder / "ledger.sqlite")
    clean = {name: value for name, value in os.environ.items() if not PRIVATE.search(name)}
    with open(folder / "app.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.format(port=port) for part in command)],
            cwd=folder,
            env=clean | ours,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_until_up(process, url + "favicon.ico", folder / "app.log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with suppress(ConnectionError, urllib.error.URLError):
            try:
                direct.open(url, timeout=10).close()
            except urllib.error.HTTPError:
                return  # it has no such picture, but answers
            return
        time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Tab]:
    tab = Tab(browser.new_page())
    try:
        tab.page.goto(url, wait_until="domcontentloaded", timeout=90_000)
        tab.wait(tab.page.locator(RECORD).count, "the recorder", 90)
        yield tab
    finally:
        tab.close()


def record(tab: Tab) -> None:
    """Press Record, speak for two seconds, press Stop."""
    button = tab.page.locator(RECORD)
    button.click()
    tab.wait(tab.page.locator('[data-state="recording"]').count, "the recording")
    tab.sleep(2.5)
    button.click()


def test_voila(browser: Browser, fake_server: FakeServer, tmp_path: Path) -> None:
    """All cells run before the page is there; what its reader records is answered in the page."""
    make_notebook(tmp_path / "app.ipynb", VOILA)
    fake_server.say("Good morning.", PCM)
    fake_server.say("It is Paris.", PCM)
    command = ["voila", "app.ipynb", "--no-browser", "--port={port}", "--Voila.ip=127.0.0.1"]
    with app(command, tmp_path, fake_server) as url, opened(browser, url) as tab:
        assert "Good morning." in tab.page.locator(CARD).inner_text()
        assert "the last cell" in tab.page.inner_text("body")
        record(tab)
        tab.wait(lambda: tab.page.locator(CARD).count() == 2, "the answer")
        tab.sleep(1)  # and it stays
        assert "It is Paris." in tab.page.locator(CARD).nth(1).inner_text()
        assert tab.page.locator(CARD + " audio[src]").count() == 2
        assert tab.page.locator(RECORD).count() == 0
    assert "input_audio" in str(fake_server.requests[1])


def test_marimo(browser: Browser, fake_server: FakeServer, tmp_path: Path) -> None:
    """No magics there: a cell shows a `Reply` or a `Recorder`."""
    (tmp_path / "app.py").write_text(MARIMO)
    fake_server.say("Good morning.", PCM)
    command = ["marimo", "run", "app.py", "--headless", "--no-token", "--port={port}"]
    with app(command, tmp_path, fake_server) as url, opened(browser, url) as tab:
        assert "Good morning." in tab.page.locator(CARD).inner_text()
        assert tab.page.locator(CARD + " audio[src]").count() == 1
        record(tab)
        shown = tab.page.locator(".audiomagic-recorder")  # in a shadow tree
        tab.wait(lambda: "Recorded" in shown.inner_text(), "the recording's length")
        tab.page.locator(".am-play").click()  # what is played back comes from the kernel
        tab.wait(tab.page.locator(".am-audio[src^=blob]").count, "what was recorded")
