"""Measure a live conversation: `python -m tests.benchmarks.conversation`.

The engine is beside the chain of its parts, one after the other; the relay between page and server
is beside a bare loop over the openai client's connection, both against the scripted server.
"""

import base64
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from audiomagic import Session, Sound
from audiomagic.engine import synthesize
from audiomagic.realtime.turn_taking import TurnTaking
from audiomagic.speech.silence import frame_size, levels, threshold

from ..support.fake_server import KEY
from ..support.realtime_server import RealtimeServer
from . import figures
from .figures import Row

QUESTIONS = (
    "What is the capital of France?",
    "Who wrote Hamlet?",
    "How many days are there in a week?",
    "What do plants need to grow?",
    "What language do people speak in Brazil?",
)
RUNS = 7
FRAME = 0.05  # seconds of sound that a page sends at a time
SILENCE = 0.5  # seconds of it that end a turn
PATIENCE = 30.0  # seconds


def main() -> None:
    """Print the table."""
    command = figures.command(__doc__)
    command.add_argument("--minutes", type=float, default=30, help="of the long conversation")
    asked = command.parse_args()
    figures.show([*engine(), *relay(), *memory(asked.minutes)])


class Page:
    """A panel without a page: it notes when the first sound of an answer comes."""

    cost = notice = ""

    def __init__(self, taking: TurnTaking):
        self.taking = taking
        self.state = "idle"
        self.first: float | None = None
        self.done = threading.Event()

    def user_words(self, item: str, text: str, final: bool) -> None: ...

    def model_words(self, item: str, text: str) -> None: ...

    def pcm(self, item: str, data: bytes) -> None:
        self.first = self.first or time.perf_counter()

    def item_done(self, item: str) -> None:
        self.done.set()

    def flush(self) -> None:
        self.taking.on_flushed({})

    def heard(self, item: str) -> str:
        return ""


class Talk:
    """A conversation with such a panel."""

    def __init__(self, session: Session, **options: Any):
        self._over = threading.Event()
        self._taking = TurnTaking(session.converse(**options), Page, self._over.set)
        self.page: Page = self._taking.panel  # type: ignore[assignment]
        self._taking.on_start()
        while self.page.state != "listening":
            time.sleep(0.01)

    def say(self, sound: Sound) -> float:
        """Speak in real time; return the seconds from the end of speech to the first sound."""
        self.page.first = None
        self.page.done.clear()
        ended = spoken(sound, self._taking.on_audio, lambda: self.page.first is not None)
        assert self.page.done.wait(PATIENCE)
        assert self.page.first
        return self.page.first - ended

    def append(self, pcm: bytes) -> None:
        """Speak faster than anybody can."""
        self._taking.on_audio(pcm)
        time.sleep(0.004)  # what is a second late is dropped

    def type(self, text: str) -> float:
        self.page.first = None
        self.page.done.clear()
        began = time.perf_counter()
        self._taking.on_text(text)
        assert self.page.done.wait(PATIENCE)
        assert self.page.first
        return self.page.first - began

    def end(self) -> None:
        self._taking.on_end()
        self._over.wait(PATIENCE)


def spoken(sound: Sound, send: Callable[[bytes], object], answered: Callable[[], bool]) -> float:
    """Send a sound in real time, then silence until it is answered; return when speech ended."""
    size = frame_size(sound.rate)
    loud = levels(sound.samples, size)
    end = (int(np.flatnonzero(loud > threshold(float(loud.max())))[-1]) + 1) * size / sound.rate
    pcm, step = sound.pcm16(), round(2 * 24_000 * FRAME)
    began = time.perf_counter()
    for number in range(round(PATIENCE / FRAME)):
        piece = pcm[number * step : (number + 1) * step].ljust(step, b"\0")
        time.sleep(max(0.0, began + (number + 1) * FRAME - time.perf_counter()))
        send(piece)
        if answered():
            break
    return began + end


def engine() -> list[Row]:
    """From the end of speech to the first sound; and by the engine's parts one after another."""
    session = Session(engine="local")
    sounds = [synthesize(question, "verse") for question in QUESTIONS]
    talk = Talk(session)
    talk.say(sounds[0])
    ours = [talk.say(sound) for sound in sounds]
    talk.end()
    chain = [
        SILENCE + (session.listen(sound).receipt.time_to_first_audio or 99) for sound in sounds
    ]
    peer = f"at most 1.0 s (its parts one after another: {statistics.median(chain):.2f} s)"
    return [("engine, end of speech to first sound", f"{statistics.median(ours):.2f} s", peer)]


def relay() -> list[Row]:
    """What we add between a panel and a server, on a spoken turn and on a typed one."""
    tone = Sound(0.3 * np.sin(np.arange(24_000) / 5).astype(np.float32), 24_000)
    with RealtimeServer() as server:
        talk = Talk(Session(base_url=server.url, api_key=KEY))
        ours, typed = [], []
        for _ in range(RUNS):
            server.say("Yes.", tone.pcm16())
            ours.append(talk.say(tone))
        for _ in range(RUNS):
            server.say("Yes.", tone.pcm16())
            typed.append(talk.type("Hi"))
        talk.end()
    with RealtimeServer() as server, Bare(server) as bare:
        theirs, theirs_typed = [], []
        for _ in range(RUNS):
            server.say("Yes.", tone.pcm16())
            theirs.append(bare.say(tone))
        for _ in range(RUNS):
            server.say("Yes.", tone.pcm16())
            theirs_typed.append(bare.type("Hi"))
    return [
        (name, f"{1000 * (statistics.median(a) - statistics.median(b)):+.0f} ms", goal)
        for name, a, b, goal in (
            (
                "relay, a spoken turn",
                ours,
                theirs,
                "at most 60 ms beside a bare loop over the openai client",
            ),
            ("relay, a typed turn", typed, theirs_typed, "likewise"),
        )
    ]


def memory(minutes: float) -> list[Row]:
    """What a long conversation, spoken as fast as it is heard, adds to the memory of its process.

    Each turn has two seconds of speech, one of silence, and an answer of nine.
    """
    tone = Sound(0.3 * np.sin(np.arange(48_000) / 5).astype(np.float32), 24_000)
    answer = Sound(np.tile(tone.samples, 5)[: 9 * 24_000], 24_000)
    turns = round(minutes * 60 / 12)
    with RealtimeServer() as server:
        for _ in range(turns + 5):
            server.say("A story that goes on and on.", answer.pcm16())
        script = CONVERSATION.format(url=server.url, key=KEY, turns=turns)
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    grown = float(run.stdout.split()[-1])
    kept = turns * answer.samples.nbytes / 1e6
    goal = f"the sound that is kept: {kept:.0f} MB"
    return [(f"memory of {minutes:g} minutes of conversation", f"+{grown:.0f} MB", goal)]


CONVERSATION = """
import psutil
import numpy as np
from audiomagic import Session, Sound
from tests.benchmarks.conversation import Talk
tone = Sound(0.3 * np.sin(np.arange(48_000) / 5).astype(np.float32), 24_000)
talk = Talk(Session(base_url={url!r}, api_key={key!r}))

def turn():
    talk.page.done.clear()
    for pcm in (tone.pcm16(), bytes(48_000)):
        for start in range(0, len(pcm), 4_800):
            talk.append(pcm[start : start + 4_800])
    assert talk.page.done.wait(30)

for _ in range(5):
    turn()
before = psutil.Process().memory_full_info().uss
for _ in range({turns}):
    turn()
print((psutil.Process().memory_full_info().uss - before) / 1e6)
talk.end()
"""


class Bare:
    """A loop over the official client's connection, and nothing else."""

    def __init__(self, server: RealtimeServer):
        import openai

        self._client = openai.OpenAI(base_url=server.url, api_key=KEY, max_retries=0)
        self._first: float | None = None
        self._done = threading.Event()

    def __enter__(self) -> "Bare":
        self._connection = self._client.realtime.connect(model="gpt-realtime-2.1").enter()
        audio = {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}}
        session: Mapping[str, Any] = {"type": "realtime", "audio": audio}
        self._send(type="session.update", session=session)
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._thread.join()
        self._client.close()

    def say(self, sound: Sound) -> float:
        self._first = None
        self._done.clear()

        ended = spoken(sound, self.append, lambda: self._first is not None)
        assert self._done.wait(PATIENCE) and self._first
        return self._first - ended

    def append(self, pcm: bytes) -> None:
        self._send(type="input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    def type(self, text: str) -> float:
        self._first = None
        self._done.clear()
        began = time.perf_counter()
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        self._send(type="conversation.item.create", item=item)
        self._send(type="response.create")
        assert self._done.wait(PATIENCE) and self._first
        return self._first - began

    def _send(self, **event: Any) -> None:
        self._connection.send(event)  # type: ignore[arg-type]

    def _follow(self) -> None:
        for event in self._connection:
            if event.type == "response.output_audio.delta":
                base64.b64decode(event.delta)
                self._first = self._first or time.perf_counter()
            if event.type == "response.done":
                self._done.set()


if __name__ == "__main__":
    main()
