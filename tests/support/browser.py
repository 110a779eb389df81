"""Headless Chromium for the tests: no network but loopback, and real playing of sound.

Playwright's `page.evaluate`, locators and `wait_for_function` count as a user's gesture and so hide
autoplay blocking; `Tab.js` goes through CDP without one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from playwright.sync_api import ConsoleMessage, Locator, Page, Route, WebSocket, sync_playwright
from playwright.sync_api import Error as PlaywrightError

Autoplay = Literal[
    "no-user-gesture-required", "user-gesture-required", "document-user-activation-required"
]
Microphone = Literal["granted", "denied", "none"]
CHROMIUM_FLAGS = [
    # Containers run as root, which Chromium's sandbox refuses, and have no GPU.
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-default-apps"),
    # Chromium itself is not to call home.
    *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
    *("--no-pings", "--disable-domain-reliability", "--disable-quic"),
]
LOOPBACK_ONLY = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
_ELSEWHERE = r"^(https?|wss?)://(?!(127\.0\.0\.1|localhost|\[::1\]|{host})[:/])"
_CACHES = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
_BINARIES = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium_headless_shell-*/*/*headless[-_]shell",
)

# One after the other, as a person would; muted, because a test machine may have loudspeakers.
_PLAY_ALL = """async (root, [rate, limit]) => {
  const results = [];
  for (const audio of root.querySelectorAll("audio")) {
    // Its sound may be on its way from the kernel; play() called before that is aborted by it.
    for (let i = 0; i < 100 && audio.networkState % 3 === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const before = [audio.muted, audio.playbackRate];
    [audio.muted, audio.playbackRate, audio.currentTime] = [true, rate, 0];
    const timers = [];
    const end = new Promise((resolve, reject) => {
      const fail = (name, message) => reject({name, message});
      audio.addEventListener("ended", resolve, {once: true});
      audio.addEventListener("error", () => fail("MediaError", audio.error?.message), {once: true});
      // An <audio> that has no source leaves play() pending for ever (networkState 0 or 3).
      timers.push(setTimeout(() => audio.networkState % 3 || fail("NoSource", ""), 2000));
      timers.push(setTimeout(() => fail("Timeout", `at ${audio.currentTime} s`), limit * 1000));
    });
    let error = null;
    try { await Promise.race([audio.play().then(() => end), end]); }
    catch (e) { error = `${e.name}: ${e.message}`; audio.pause(); }
    timers.forEach(clearTimeout);
    const parts = [...Array(audio.played.length).keys()];
    const played = parts.reduce((t, i) => t + audio.played.end(i) - audio.played.start(i), 0);
    const duration = Number.isFinite(audio.duration) ? audio.duration : null;
    results.push({src: audio.currentSrc.slice(0, 40), duration, played, ended: audio.ended, error});
    [audio.muted, audio.playbackRate] = before;
  }
  return results;
}"""


class Played(TypedDict):
    """What became of one `<audio>`: `played` is the seconds really gone through."""

    src: str
    duration: float | None
    played: float
    ended: bool
    error: str | None


def find_browser() -> str | None:
    """A Chromium to run: $CHROMIUM (and then no other), one on PATH, or Playwright's own."""
    if chosen := os.environ.get("CHROMIUM"):
        return shutil.which(chosen)
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    for cache in (os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), *_CACHES):
        for pattern in _BINARIES if cache else ():
            for path in sorted(Path(str(cache)).expanduser().glob(pattern), reverse=True):
                if os.access(path, os.X_OK):
                    return str(path)
    return None


class Tab:
    """One page of the browser, with the errors its console has shown."""

    #: Regexes of console errors, searched in "<text> <url>", that are not the page's own doing.
    benign: tuple[str, ...] = (
        # nbconvert's HTML template asks a CDN for these two; the offline guard refuses.
        r"net::ERR_FAILED https://cdnjs\.cloudflare\.com/ajax/libs/(require\.js|mathjax)/",
    )

    def __init__(self, page: Page) -> None:
        self.page = page
        self._errors: list[str] = []
        self._cdp = page.context.new_cdp_session(page)
        page.on("pageerror", lambda error: self._errors.append(f"uncaught: {error}"))
        page.on("console", self._note_console)

    def js(self, function: str, argument: object = None) -> Any:
        """Call a JavaScript function in the page without giving it a user's gesture."""
        call = {"expression": f"({function})({json.dumps(argument)})", "userGesture": False}
        call |= {"awaitPromise": True, "returnByValue": True}
        answer = self._cdp.send("Runtime.evaluate", call)
        if details := answer.get("exceptionDetails"):
            thrown = details.get("exception", {})
            raise PlaywrightError(thrown.get("description") or details["text"])
        return answer["result"].get("value")

    def sleep(self, seconds: float) -> None:
        """Wait as `time.sleep` does, but let Playwright hand out its events meanwhile."""
        self.page.wait_for_timeout(seconds * 1000)

    def wait(self, ready: Callable[[], object], what: str, timeout: float = 30.0) -> None:
        """Poll until `ready()` is true; AssertionError after `timeout` seconds."""
        end, last = time.monotonic() + timeout, ""
        while time.monotonic() < end:
            try:
                if ready():
                    return
            except PlaywrightError as error:  # the page navigates, a node was replaced
                last = f": {error}"
            self.sleep(0.05)
        raise AssertionError(f"waited {timeout:.0f} s for {what}{last}")

    def output(self, i: int) -> Locator:
        """The `i`-th output of nbconvert's page."""
        return self.page.locator(".jp-OutputArea, .output_area").nth(i)

    def play_all(
        self, i: int | None = None, *, rate: float = 4.0, limit: float = 60.0
    ) -> list[Played]:
        """Play every `<audio>` of output `i`, or of the page, from its start to its end.

        `rate` times as fast as it is meant; `limit` is the most seconds to wait for one. It is an
        error if there is none, so that a check of all results cannot succeed on nothing.
        """
        root = self.page.locator("body") if i is None else self.output(i)
        self.wait(root.locator("audio").count, "an <audio>", timeout=10)
        return cast(list[Played], root.evaluate(_PLAY_ALL, [rate, limit]))

    def console_errors(self, include_benign: bool = False) -> list[str]:
        """Errors in the console and uncaught exceptions since the tab was opened."""
        noise = "(?!)" if include_benign else "|".join(self.benign)
        return [error for error in self._errors if not re.search(noise, error)]

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(f"{message.text} {message.location['url']}")

    def close(self) -> None:
        """Close the tab and throw its profile away."""
        self.page.context.close()


class Browser:
    """A headless Chromium as a context manager; every tab has a fresh profile.

    `mic_file` is a WAV spoken into the microphone (without it, Chromium's own beeps; only for
    `mic="granted"`), over and over unless `loop_mic` is false. While `offline`, a request to
    anything but loopback is aborted and its address put in `blocked`. `host` is another name for
    the loopback, one that browsers do not trust with a microphone.
    """

    def __init__(
        self,
        *,
        mic: Microphone = "granted",
        mic_file: Path | None = None,
        loop_mic: bool = True,
        autoplay: Autoplay | None = None,
        offline: bool = True,
        color_scheme: Literal["light", "dark"] | None = None,
        viewport: tuple[int, int] = (1280, 1000),
        init_script: str | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.flags = list(CHROMIUM_FLAGS)
        self.host = host
        self._elsewhere = re.compile(_ELSEWHERE.format(host=re.escape(host)))
        rules = [f"MAP {host} 127.0.0.1"] if host != "127.0.0.1" else []
        rules += [LOOPBACK_ONLY] if offline else []
        self.flags.append(f"--host-resolver-rules={', '.join(rules)}")
        if mic != "none":
            answer = "=deny" if mic == "denied" else ""
            self.flags.append("--use-fake-device-for-media-stream")
            self.flags.append(f"--use-fake-ui-for-media-stream{answer}")
        if mic_file:
            once = "" if loop_mic else "%noloop"
            self.flags.append(f"--use-file-for-fake-audio-capture={mic_file.resolve()}{once}")
        if autoplay:
            self.flags.append(f"--autoplay-policy={autoplay}")
        self.offline, self.color_scheme = offline, color_scheme
        self.viewport, self.init_script = viewport, init_script
        self.blocked: list[str] = []

    def __enter__(self) -> Browser:
        self._playwright = sync_playwright().start()
        try:
            self._chromium = self._playwright.chromium.launch(
                executable_path=find_browser(), args=self.flags, timeout=60_000
            )
        except PlaywrightError:
            self._playwright.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._chromium.close()
        self._playwright.stop()

    def new_page(self) -> Page:
        """An empty page in a profile of its own, behind the offline guard."""
        width, height = self.viewport
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=self.color_scheme,
            locale="en-US",
            service_workers="block",  # their requests would pass by the guard
        )
        context.set_default_timeout(20_000)
        if self.init_script:
            context.add_init_script(self.init_script)
        page = context.new_page()
        if self.offline:
            context.route(self._elsewhere, self._refuse)
            # Sockets cannot be routed here; LOOPBACK_ONLY refuses them, this notes that it did.
            page.on("websocket", self._note_socket)
        return page

    def open_file(self, path: Path) -> Tab:
        """Open an exported HTML file straight from the disk."""
        tab = Tab(self.new_page())
        tab.page.goto(path.resolve().as_uri())
        return tab

    def _refuse(self, route: Route) -> None:
        self.blocked.append(route.request.url)
        route.abort()

    def _note_socket(self, socket: WebSocket) -> None:
        if self._elsewhere.match(socket.url):
            self.blocked.append(socket.url)
