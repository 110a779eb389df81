"""One kernel for all tests of this folder, as new for each of them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.fake_server import KEY, FakeServer
from ..support.kernel import Kernel

NOTEBOOK = "/home/ada/lesson.ipynb"
AFRESH = """
%reset -f
%unload_ext audiomagic
import gc, os
gc.freeze()  # what modules hold is not looked at again by the next %reset, which collects garbage
get_ipython().meta.clear()
get_ipython().config.pop("AudioMagics", None)
os.environ |= {environment!r}
os.chdir({folder!r})
del gc, os
%load_ext audiomagic
"""


@pytest.fixture(scope="session")
def serving() -> Iterator[FakeServer]:
    with FakeServer() as fake_server:
        yield fake_server


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = str(tmp_path_factory.mktemp("ipython"))
    with Kernel(os.environ | {"IPYTHONDIR": folder}) as kernel:
        assert kernel.run("%load_ext audiomagic") == []
        yield kernel


@pytest.fixture
def server(serving: FakeServer) -> FakeServer:
    """A scripted server, without scripts and requests of other tests."""
    serving.scripts.clear()
    serving.requests.clear()
    serving.headers.clear()
    return serving


@pytest.fixture
def kernel(running: Kernel, server: FakeServer, tmp_path: Path) -> Kernel:
    """A kernel with a key for the server, and without what other tests did in it."""
    environment = {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": server.url,
        "AUDIOMAGIC_LEDGER": str(tmp_path / "ledger.sqlite"),
        "JPY_SESSION_NAME": NOTEBOOK,
    }
    running.run(AFRESH.format(environment=environment, folder=str(tmp_path)))
    return running
