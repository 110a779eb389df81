"""A long day in one kernel: many calls, a tenth of which fail in the ways of the fault matrix.

    python -m tests.benchmarks.soak --calls 1000 --seed 7

Prints what was counted, and fails where memory grew, a socket or a thread stayed open, or the
ledger and the conversation tell another story than the server.
"""

import json
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client import BlockingKernelClient, KernelManager
from jupyter_client.manager import start_new_kernel

from audiomagic.costs.ledger import Ledger

from ..support.fake_server import KEY, FakeServer, Script, spoken, usage
from ..support.faults import BEGUN, FAULTS, hang
from ..support.other_servers import lenient
from . import figures

FORGOTTEN = 50  # calls after which the conversation is counted, and forgotten
STOP = "the stop button"
MEASURE = """
import ctypes, gc, json, psutil, threading, time
def measured(port):
    me, until = psutil.Process(), time.monotonic() + 5
    def still():
        return sum(bool(c.raddr) and c.raddr.port == port for c in me.net_connections("tcp"))
    while still() and time.monotonic() < until:
        time.sleep(0.05)
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)  # glibc keeps what was given back
    print(json.dumps({"memory": me.memory_info().rss, "sockets": still(), "files": me.num_fds(),
                      "threads": [thread.name for thread in threading.enumerate()]}))
"""
# What IPython itself keeps of each cell is not what is measured.
QUIET = "get_ipython().displayhook.do_full_cache = 0; get_ipython().history_manager.enabled = False"


@dataclass
class Soaked:
    """What was counted, by the server and by the kernel."""

    ways: Counter[str] = field(default_factory=Counter)  # how often the server did what
    tokens: int = 0  # that the server reported
    turns: int = 0  # of the conversation, that it should have
    counted: int = 0  # of the conversation, that it had
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """How much memory grew since the warm-up, as a part of it."""
        return float(self.after["memory"] / self.before["memory"]) - 1

    def check(self) -> None:
        """Hold the kernel's story against the server's."""
        assert self.counted == self.turns, (self.counted, self.turns)
        outcomes = Counter(row["outcome"] for row in self.rows)
        failed = Counter[str]()
        for way in FAULTS:
            # Each try is a request of its own.
            failed[f"failed: {FAULTS[way].kind.__name__}"] += self.ways[way] * FAULTS[way].tries
        expected = Counter(answered=self.ways["answered"], stopped=self.ways[STOP]) + failed
        assert outcomes == expected, (outcomes, expected)
        booked = [row for row in self.rows if row["outcome"] == "answered"]
        split = (
            "input_text_tokens",
            "input_audio_tokens",
            "output_text_tokens",
            "output_audio_tokens",
        )
        assert sum(row[kind] for row in booked for kind in split) == self.tokens
        assert self.after["sockets"] == 0
        assert self.after["files"] <= self.before["files"], (self.before, self.after)
        assert sorted(self.after["threads"]) == sorted(self.before["threads"])
        assert self.growth < 0.1, f"memory grew by {self.growth:.0%}"


class Day:
    """One kernel, one server, and a die."""

    def __init__(self, client: BlockingKernelClient, manager: KernelManager, server: FakeServer):
        self.client, self.manager, self.server = client, manager, server

    def messages(self, source: str) -> list[dict[str, Any]]:
        """Run a cell, as a front end with a reader does; return what the kernel said of it."""
        said: list[dict[str, Any]] = []
        self.client.execute_interactive(
            source, allow_stdin=True, output_hook=said.append, timeout=60
        )
        return said

    def run(self, source: str) -> str:
        """Run a cell; return what it printed."""
        said = [one["content"] for one in self.messages(source) if one["msg_type"] == "stream"]
        return "".join(one["text"] for one in said)

    def measured(self) -> dict[str, Any]:
        port = int(self.server.url.split(":")[2].split("/")[0])
        return dict(json.loads(self.run(f"measured({port})")))

    def stopped(self) -> None:
        """Press the stop button once the server says no more."""
        self.server.silent.clear()
        self.server.stall(BEGUN)

        def press() -> None:
            if self.server.silent.wait(10):
                time.sleep(0.05)
                self.manager.interrupt_kernel()

        thread = threading.Thread(target=press)
        thread.start()
        self.run("%speak --chat day Hi")
        thread.join()


@contextmanager
def day(server: FakeServer, ledger: Path) -> Iterator[Day]:
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url, "AUDIOMAGIC_LEDGER": str(ledger)}
    manager, client = start_new_kernel(env=os.environ | env)
    try:
        one = Day(client, manager, server)
        one.run("from audiomagic.transports import openai_client as client, retry")
        one.run("client.SILENCE, retry.PAUSES = 0.3, (0,) * 3")
        one.run(f"%load_ext audiomagic\n{MEASURE}\n{QUIET}")
        yield one
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def soak(calls: int, seed: int, folder: Path) -> Soaked:
    """Make calls; the first tenth warms up."""
    die, done = random.Random(seed), Soaked()
    # A call that a server leaves in silence takes its time, and teaches nothing more.
    ways = [*(name for name, fault in FAULTS.items() if fault.script is not hang), STOP]
    with FakeServer() as server, day(server, folder / "ledger.sqlite") as one:
        server.checks = lenient
        for number in range(1, calls + 1):
            way = die.choice(ways) if die.random() < 0.1 else "answered"
            done.ways[way] += 1
            if way == STOP:
                one.stopped()
            else:
                server.scripts[:] = _scripts(way, number, done)
                one.run("%speak --chat day Hi")
            done.turns += way in ("answered", STOP)
            if number % FORGOTTEN == 0:
                forgot = one.run("%audiomagic chat day --forget")  # chat day (12 turns)
                done.counted += int(forgot.split("(")[1].split()[0])
            if number == calls // 10:
                done.before = one.measured()
            server.requests.clear(), server.headers.clear()
        done.after = one.measured()
    done.rows = Ledger(folder / "ledger.sqlite").rows()
    return done


def _scripts(way: str, number: int, done: Soaked) -> list[Script]:
    if way != "answered":
        return [FAULTS[way].script] * FAULTS[way].tries
    done.tokens += number + 36
    chunks = spoken(["Here ", "I ", "am."], bytes(9_600), usage(number, 10, 6, 20), 3_200)
    return [lambda handler, body: handler.stream(chunks)]


def main() -> None:
    parser = figures.command(__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = soak(asked.calls, asked.seed, Path(folder))
    for way, count in done.ways.most_common():
        print(f"{count:6} {way}")
    print(
        f"memory {done.before['memory'] / 1e6:.0f} → {done.after['memory'] / 1e6:.0f} MB", end=" "
    )
    print(f"({done.growth:+.1%}), {done.after['sockets']} sockets, {done.after['files']} files")
    done.check()


if __name__ == "__main__":
    main()
