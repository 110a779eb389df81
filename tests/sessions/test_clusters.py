"""Batches on the clusters that people have; one worker is killed midway, and the job completed."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audiomagic import Session, Sound

from ..support.fake_server import KEY
from ..support.many_clients import Crowd

pytestmark = pytest.mark.cluster
ITEMS = [f"Item {n}." for n in range(24)]


@pytest.fixture
def crowd(tone: Sound, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    with Crowd(tone.pcm16(), delay=0.2) as server:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        yield server


def kill_midway(crowd: Crowd, pid: int) -> threading.Event:
    """Kill a process when a quarter is answered; return what tells that it was."""
    killed = threading.Event()

    def watch() -> None:
        while len(crowd.answered) < len(ITEMS) // 4:
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        killed.set()

    threading.Thread(target=watch, daemon=True).start()
    return killed


def completed(session: Session, executor: Any, crowd: Crowd, tmp_path: Path) -> None:
    """Run the job; all are answered, and only what died with the worker was asked again."""
    session.record(tmp_path / "tape")
    save = str(tmp_path / "{i}.mp3")
    batch = session.map(ITEMS, executor=executor, workers=4, save=save, progress=False)
    assert batch.errors == {}
    assert [reply.text for reply in batch.replies] == ITEMS
    assert len(list(tmp_path.glob("*.mp3"))) == len(ITEMS)
    assert len(crowd.repeated) <= 2  # answered, but the worker died before it was recorded
    assert {row["notebook"] for row in session.ledger.rows()} == {"clusters.ipynb"}


def test_dask(crowd: Crowd, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        assert len(set(pids) - {os.getpid()}) == 2
        killed = kill_midway(crowd, pids[0])
        session = Session(notebook="clusters.ipynb")
        completed(session, client.get_executor(), crowd, tmp_path)
        assert killed.is_set()


def test_ipyparallel(crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ipyparallel

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cluster = ipyparallel.Cluster(n=2, log_level=40)
    with cluster as client:
        client.wait_for_engines(2, timeout=30)
        pids = client[:].apply_sync(os.getpid)
        killed = kill_midway(crowd, pids[0])
        session = Session(notebook="clusters.ipynb")
        completed(session, client.executor(), crowd, tmp_path)
        assert killed.is_set()
