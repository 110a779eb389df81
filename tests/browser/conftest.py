"""One Jupyter server for all of these tests, and one Chromium for each of their files."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ..support.browser import Browser, find_browser
from ..support.ipykernels import VERSIONS
from ..support.jupyter import JupyterServer, Opener, ready
from ..support.microphone import spoken
from ..support.realtime_server import RealtimeServer


@pytest.fixture(autouse=True, scope="session")
def there_is_a_browser() -> None:
    if not find_browser():
        pytest.skip("no Chromium was found; set $CHROMIUM")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A Jupyter server: it takes longer to start than most tests run."""
    with JupyterServer(tmp_path_factory.mktemp("root"), ipykernels=VERSIONS) as running:
        yield running


@pytest.fixture(scope="session")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a browser's microphone hears."""
    return spoken(tmp_path_factory.mktemp("sound") / "microphone.wav")


@pytest.fixture
def far_end() -> Iterator[RealtimeServer]:
    """A scripted server of the Realtime API."""
    with RealtimeServer() as server:
        yield server


@pytest.fixture(scope="module")
def browser(microphone: Path, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A Chromium; a file's `BROWSER` says what else it is, `CDN` that its pages ask for one."""
    options = {"viewport": (1000, 1000)} | getattr(request.module, "BROWSER", {})
    with Browser(mic_file=microphone, **options) as running:
        yield running
    assert running.blocked == [] or hasattr(request.module, "CDN")


@pytest.fixture
def loaded(browser: Browser, server: JupyterServer, listening: str) -> Opener:
    """Opens a notebook of these cells, with audiomagic loaded, whose calls the fake server gets."""
    return partial(ready, browser, server, listening)
