"""Measure what the README promises: `python -m tests.benchmarks`.

Speeds depend on the machine; each is a median of several runs, beside its goal or its peer.
"""

import base64
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient

from ..support.lab_server import JupyterServer
from . import figures
from .call import calls
from .figures import Row

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
RUNS = 7
QUESTIONS = (
    "What is the capital of France?",
    "Who wrote Hamlet?",
    "How many days are there in a week?",
    "What do plants need to grow?",
    "What is the largest planet?",
    "What language do people speak in Brazil?",
    "Why is the sky blue?",
)


def main() -> None:
    """Print the table."""
    figures.command(__doc__).parse_args()
    made = (load_time, calls, cold_start, binder, engine, notebook_bytes, recognition)
    figures.show(row for measure in made for row in measure())


def median(measure: Callable[[], float], runs: int = RUNS) -> float:
    return statistics.median(measure() for _ in range(runs))


def _child(script: str) -> list[float]:
    """Run a script in a fresh Python; return the numbers that it prints."""
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in run.stdout.splitlines()[-1].split()]


def load_time() -> list[Row]:
    """What `%load_ext` adds to a started IPython, and what `import openai` would."""
    script = (
        "import time\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "start = time.perf_counter()\n"
        "{}\n"
        "print((time.perf_counter() - start) * 1000)\n"
    )
    ours = median(
        lambda: _child(script.format("shell.run_line_magic('load_ext', 'audiomagic')"))[0]
    )
    client = median(lambda: _child(script.format("import openai"))[0])
    peers = f"import openai: {client:.0f}"
    if find_spec("jupyter_ai_magics"):
        load = "shell.run_line_magic('load_ext', 'jupyter_ai_magics')"
        peers += f", jupyter_ai_magics: {median(lambda: _child(script.format(load))[0]):.0f}"
    return [("%load_ext audiomagic", f"{ours:.0f} ms", f"at most 50 ms ({peers})")]


def cold_start() -> list[Row]:
    """From nothing loaded to the whole answer, and the memory of that process."""
    script = (
        "import time, resource; start = time.perf_counter()\n"
        "from audiomagic import Session\n"
        "Session(engine='local').listen({!r}, 'Answer the question.')\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(time.perf_counter() - start, peak / 1000)\n"
    )
    question = NOTEBOOKS / "question.mp3"
    runs = [_child(script.format(str(question))) for _ in range(3)]
    seconds = statistics.median(run[0] for run in runs)
    return [
        ("cold start, first answer complete", f"{seconds:.1f} s", "at most 5 s"),
        ("peak memory", f"{max(run[1] for run in runs):.0f} MB", "at most 1000 MB"),
    ]


def binder() -> list[Row]:
    """What a visitor on Binder meets: a Jupyter server, and a kernel for the first notebook."""
    notebook = nbformat.read(NOTEBOOKS / "01_hello.ipynb", as_version=4)
    began, spoke = [], []

    def heard(cell: Any, **_: Any) -> None:
        if "<audio" in str(cell.outputs):
            spoke.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder, JupyterServer(Path(folder)):
        shutil.copy(NOTEBOOKS / "question.mp3", folder)
        client = NotebookClient(notebook, resources={"metadata": {"path": folder}})
        client.on_cell_execute = lambda **_: began.append(time.perf_counter())
        client.on_cell_executed = heard
        with client.setup_kernel(env=os.environ | {"AUDIOMAGIC_LEDGER": f"{folder}/ledger.sqlite"}):
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
            mine = psutil.Process().children(recursive=True)
            memory = sum(process.memory_full_info().pss for process in mine) / 1e6
    return [
        ("Binder, first cell to speech", f"{spoke[0] - began[0]:.1f} s", "at most 10 s"),
        ("Binder, memory of server and kernel", f"{memory:.0f} MB", "at most 2000 MB"),
    ]


def engine() -> list[Row]:
    """The warm engine: first sound after a spoken question, and the speed of speech."""
    from audiomagic import Session
    from audiomagic.engine import synthesize

    session = Session(engine="local")
    sounds = [synthesize(question, "verse") for question in QUESTIONS]
    session.listen(sounds[0])
    replies = [session.listen(sound, "Answer the question.") for sound in sounds]
    first = statistics.median(reply.receipt.time_to_first_audio or 99 for reply in replies)

    def speed() -> float:
        start = time.perf_counter()
        sound = synthesize("The quick brown fox jumps over the lazy dog. " * 4, "onyx")
        return sound.seconds / (time.perf_counter() - start)

    return [
        ("spoken question, first sound", f"{first:.2f} s", "at most 1.0 s"),
        ("speech made", f"{median(speed):.0f} x real time", "at least 10 x"),
    ]


def notebook_bytes() -> list[Row]:
    """Bytes of notebook that a second of speech takes, and what IPython's player takes."""
    from IPython.display import Audio

    from audiomagic.engine import synthesize

    sound = synthesize(" ".join(QUESTIONS), "coral")
    peer = Audio(sound.samples, rate=sound.rate, normalize=False)
    theirs = len(base64.b64encode(peer.data))
    ours, theirs_per_second = (n / sound.seconds / 1000 for n in (len(sound.data_url), theirs))
    goal = f"at most 7 kB (IPython.display.Audio: {theirs_per_second:.0f})"
    return [("saved sound, a second", f"{ours:.1f} kB", goal)]


def recognition() -> list[Row]:
    """Word error rate on real human prompts, where Debian's package of them is installed."""
    from audiomagic import Sound
    from audiomagic.engine import transcribe

    from .wer import prompts, wer

    spoken = prompts()
    if not spoken:
        return [("word error rate", "not measured", "apt install asterisk-core-sounds-en-wav")]
    counts = [wer(text, transcribe(Sound.read(path))) for path, text in spoken]
    rate = 100 * sum(errors for errors, _ in counts) / sum(words for _, words in counts)
    return [
        ("word error rate, human speech", f"{rate:.1f} %", f"at most 5 % ({len(spoken)} prompts)")
    ]


if __name__ == "__main__":
    main()
