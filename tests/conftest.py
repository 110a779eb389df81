"""Fixtures: a server, a sound, an IPython of one's own; fast tests come first; no key is left."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from audiomagic import redaction
from audiomagic.sound import Sound

from .support.fake_server import KEY, FakeServer, loading
from .support.key_scan import leaks

TESTS = Path(__file__).parent
# `HYPOTHESIS_PROFILE=thorough pytest -k any` looks longer for what nobody thought of.
settings.register_profile("everyday", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=400, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))
SLOW = ("models", "clients", "node", "browser")  # in this order, after all others
# Folders whose tests bear marks: clients talk to the engine's real models.
MARKED = {"models": ("models",), "clients": ("clients", "models"), "browser": ("browser",)}
STRICT = ("unit", "sessions")  # folders of which no test may leave one of these behind:
FAULTS = ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning",
          "pytest.PytestUnhandledThreadExceptionWarning")  # fmt: skip
SPREAD = "unit"  # a folder whose tests share nothing that is slow to start: any worker takes any
SHARED = "kernel"  # a folder whose files share what is slow to start: one worker takes all


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a folder of which `-m "not models and not browser"` leaves no test."""
    chosen = config.option.markexpr.split(" and ")
    if collection_path.parent == TESTS and collection_path.name in MARKED:
        return any(f"not {mark}" in chosen for mark in MARKED[collection_path.name]) or None
    return None


def pytest_collection_finish() -> None:
    gc.freeze()  # thousands of tests need not be looked at whenever garbage is collected


@pytest.hookimpl(tryfirst=True)  # before those are chosen that have a mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def slowness(item: pytest.Item) -> int:
        return max(
            (i + 1 for i, mark in enumerate(SLOW) if item.get_closest_marker(mark)), default=0
        )

    for item in items:
        path = item.path.relative_to(TESTS)
        for mark in MARKED.get(path.parts[0], ()):
            item.add_marker(mark)
        if path.parts[0] in STRICT:
            item.add_marker(pytest.mark.filterwarnings(*(f"error::{name}" for name in FAULTS)))
        if item.get_closest_marker("browser"):  # a machine's pause fails what waits for it
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=slowness)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give a worker all tests of a file, or folder, that share a kernel, an engine or a browser.

    The marks that `--dist loadgroup` looks for are lost with pytest 9.2 and pytest-xdist 3.8.
    """
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = Path(file).parts[:2][-1]
            return {SPREAD: nodeid, SHARED: folder}.get(folder, file)

    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Have everything written in two places: pytest's own, and one for files without a name."""
    if not hasattr(config, "workerinput"):  # its workers are told by the environment
        os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.gettempdir()
        os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp()
        os.chmod(tempfile.tempdir, 0o755)  # some tests become another user
    # A server or kernel that serves several tests keeps its ledger here; see `nothing_of_mine`.
    os.environ["AUDIOMAGIC_LEDGER"] = tempfile.mkdtemp() + "/ledger.sqlite"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After the whole suite: nothing that it wrote holds the key."""
    if hasattr(session.config, "workerinput"):
        return  # the one who started the workers looks at what all of them wrote
    named = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    nameless = Path(tempfile.gettempdir())
    for path in leaks([named, nameless, Path(__file__).parents[1] / "notebooks"]):
        print(f"\nFAILED the key is in {path}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(nameless, ignore_errors=True)


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_open() -> Iterator[None]:
    """Fail in the module that dropped an open socket or file, not in whichever comes next."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def nothing_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, address, ledger or IPython profile of the developer's reaches a test."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "AZURE_", "AUDIOMAGIC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AUDIOMAGIC_LEDGER", str(tmp_path / "ledger.sqlite"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    # Each client reads the certificates it trusts: one is read sooner than the system's hundreds.
    monkeypatch.setenv("SSL_CERT_FILE", str(TESTS / "support" / "certificate.pem"))
    monkeypatch.setattr(redaction, "_used", set())  # nor those of another test


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, fake_server: FakeServer) -> str:
    """A key and an address in the environment, as a user sets them."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", fake_server.url)
    return KEY


@pytest.fixture(scope="session")
def tone() -> Sound:
    """A second of a 440 Hz tone."""
    return Sound(0.3 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000), 24_000)


@pytest.fixture
def listening(fake_server: FakeServer) -> str:
    """A cell that sends the magics to the scripted server."""
    return loading(fake_server.url)
