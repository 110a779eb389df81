"""Measure batches against a scripted server: `python -m tests.benchmarks.batch`.

The server is a process of its own; it counts what it was asked, and when it had answered.
"""

import multiprocessing
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from audiomagic import Session
from audiomagic.batch.batch import Batch
from audiomagic.costs.ledger import Ledger

from ..support.fake_server import KEY, Handler, spoken
from ..support.many_clients import Crowd
from . import figures
from .figures import Row

PCM = (9000 * np.sin(np.arange(48_000) / 20)).astype("<i2").tobytes()  # two seconds
CAP = Decimal("6")
LIMITED, FAILING = 0.5, 0.1  # of the items, at their first request
FAULTS = ("cut", "silent cut", "500", "503", "400", "no audio", "hang up", "bad json")
SPAWN = multiprocessing.get_context("spawn")


def main() -> None:
    """Print the table."""
    command = figures.command(__doc__)
    command.add_argument("--items", type=int, default=1000, help="of the troubled batch")
    asked = command.parse_args()
    figures.show([*speed(), *memory(), *faults(asked.items)])


# -- the server ------------------------------------------------------------------------------
def trouble(handler: Handler, body: dict[str, Any], words: str, times: int) -> bool:
    """Limit half of the items at their first request; a tenth fail, in some way of the contract."""
    chance = random.Random(words)
    limited, failing, fault = chance.random(), chance.random(), chance.choice(FAULTS)
    first = 1 + (limited < LIMITED)
    if limited < LIMITED and times == 1:
        handler.refuse(429, "Rate limit reached.", None, "rate_limit_exceeded", retry_after_ms="30")
    elif failing < FAILING and times == first:
        _fail(handler, fault)
    else:
        return False
    return True


def _fail(handler: Handler, fault: str) -> None:
    chunks = spoken(["Half"], PCM)
    match fault:
        case "cut" | "silent cut":
            handler.stream(chunks[:14], done=fault == "cut")
        case "500" | "503":
            handler.refuse(int(fault), "The server had an error.", kind="server_error")
        case "400":
            handler.refuse(400, "Invalid value.", "messages", "invalid_value")
        case "no audio":
            handler.stream(chunks[:1])
        case "hang up":
            handler.close_connection = True
        case "bad json":
            handler.stream(["data: {no json\n\n"])


def _serve(pipe: Connection, delay: float, troubled: bool) -> None:
    with Crowd(PCM, delay, trouble if troubled else None) as crowd:
        pipe.send(crowd.url)
        pipe.recv()
        pipe.send((crowd.asked.total(), crowd.answered.total(), crowd.repeated))


@contextmanager
def fake_server(delay: float, troubled: bool = False) -> Iterator[Connection]:
    """Start the server, and point the environment at it; sent anything, it tells its counts."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(theirs, delay, troubled), daemon=True)
    process.start()
    with tempfile.TemporaryDirectory() as folder, chdir(folder), patch.dict(os.environ):
        os.environ.update(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=ours.recv())
        os.environ["AUDIOMAGIC_LEDGER"] = f"{folder}/ledger.sqlite"
        yield ours
    process.terminate()


# -- what is measured -------------------------------------------------------------------------
def speed(count: int = 200, workers: int = 16, delay: float = 1.5) -> list[Row]:
    """Calls at once against as many rounds of the server's delay."""
    with fake_server(delay):
        session = Session()
        session.map(["Warm up."], progress=False)
        items = [f"Item {n}." for n in range(count)]
        start, busy = time.perf_counter(), time.process_time()
        batch = session.map(items, workers=workers, progress=False)
        took, cpu = time.perf_counter() - start, time.process_time() - busy
        assert not batch.errors, next(iter(batch.errors.values()))
    ideal = -(-count // workers) * delay
    return [
        (
            f"{count} calls of {delay} s, {workers} workers",
            f"{took / ideal:.2f} x ideal",
            "<= 1.15",
        ),
        ("processor time of a call", f"{1000 * cpu / count:.0f} ms", ""),
    ]


def memory() -> list[Row]:
    """Memory of this process in megabytes, after 100 items and after 2,000."""
    import psutil

    process = psutil.Process()
    with fake_server(0.0):
        session = Session()
        session.map([f"Warm {n}." for n in range(100)], workers=16, progress=False)
        sizes = []
        for count in (100, 2000):
            batch = session.map([f"{count}: {n}." for n in range(count)], progress=False)
            assert not batch.errors
            sizes.append(process.memory_info().rss / 1e6)
    sound = 2000 * len(PCM) * 2 / 1e6
    grown = f"{sizes[1]:.0f} MB, {sizes[1] - sizes[0]:+.0f}"
    return [("memory after 2,000 items, and since 100", grown, f"flat ({sound:.0f} MB of sound)")]


@dataclass(frozen=True)
class Fared:
    """How a troubled batch fared when run once, and again with its cassette."""

    once: Batch
    twice: Batch
    asked: int  # requests, the server's count
    answered: int
    repeated: list[str]  # asked for after an answer, the server's count
    saved: int  # files
    most: Decimal  # US dollars spent and held at a time

    def check(self, count: int) -> None:
        """Hold that every item was answered or reported, and in the end answered, once."""
        assert len(self.once.replies) + len(self.once.errors) == count
        assert len(self.twice.replies) == self.saved == self.answered == count
        assert self.repeated == [] and 0 < self.most <= CAP


def fare(count: int) -> Fared:
    """Ask for items of which half are rate limited and a tenth fail, twice under one cap."""
    with fake_server(0.05, troubled=True) as server:
        items = [f"Item {n}." for n in range(count)]
        first = Session()
        first.budget.set_cap(CAP, "day", "")
        first.record("tape")
        most, stop = [Decimal(0)], threading.Event()
        watching = threading.Thread(target=_watch, args=(most, stop), daemon=True)
        watching.start()
        once = first.map(items, workers=16, progress=False)
        again = Session()
        again.record("tape")
        twice = again.map(items, workers=16, progress=False)
        stop.set()
        watching.join()
        server.send("tell")
        asked, answered, repeated = server.recv()
        saved = len(list(Path("out").glob("*.mp3")))
    return Fared(once, twice, asked, answered, repeated, saved, max(most))


def faults(count: int) -> list[Row]:
    """Tell how a troubled batch fared."""
    fared = fare(count)
    kinds = sorted({type(error).__name__ for error in fared.once.errors.values()})
    fared.check(count)
    return [
        (f"{count} items: answered at once", f"{len(fared.once.replies)}", ""),
        ("reported", f"{len(fared.once.errors)} ({', '.join(kinds)})", "the rest"),
        ("answered when run again", f"{len(fared.twice.replies)}, {fared.saved} files", f"{count}"),
        ("requests, the server's count", f"{fared.asked}, {fared.answered} answers", ""),
        ("asked after an answer", f"{len(fared.repeated)}", "0"),
        (f"spent and held, of a cap of ${CAP}", f"${fared.most:.4f} at most", f"<= ${CAP}"),
    ]


def _watch(most: list[Decimal], stop: threading.Event) -> None:
    while not stop.wait(0.2):
        with Ledger().reading() as transaction:
            most.append(sum(transaction.charges(), Decimal(0)))


if __name__ == "__main__":
    main()
