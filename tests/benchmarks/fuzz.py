"""Bytes from nowhere, guided by coverage, for all that reads what others wrote (on Linux).

    pip install -e '.[fuzz]'
    python -m tests.benchmarks.fuzz --cases 1000000

Each reader takes its share of the cases in a process of its own; one that fails says so, and leaves
the case in a file `crash-...`, which `python -m tests.benchmarks.fuzz --only NAME FILE` runs again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from . import figures

# What each reader takes of the cases; they are in tests/support/readers.py.
SHARES = {
    "stream": 0.35, "line": 0.15, "cassette": 0.15, "chat": 0.15, "recorder": 0.1, "sound": 0.1,
}  # fmt: skip


def main() -> None:
    parser = figures.command(__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--only", choices=SHARES)
    parser.add_argument("file", nargs="*", help="cases to run again")
    asked = parser.parse_args()
    if asked.only:
        fuzz(asked.only, asked.cases, asked.file)
        return
    failed = []
    for name, share in SHARES.items():
        command = [sys.executable, "-m", "tests.benchmarks.fuzz", "--only", name]
        done = subprocess.run(
            [*command, "--cases", str(round(asked.cases * share))],
            stderr=subprocess.PIPE,
            text=True,
        )
        *_, last = done.stderr.splitlines()
        print(f"{name:10} {last if done.returncode == 0 else done.stderr[-4000:]}", flush=True)
        failed += [name] if done.returncode else []
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def fuzz(name: str, cases: int, again: list[str]) -> None:
    """Run one reader, in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["audiomagic"]):
        from ..support.readers import READERS

    read, seeds = READERS[name]
    corpus = Path(tempfile.mkdtemp())
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    asked = again or [f"-runs={cases}", "-max_len=4096", "-timeout=20", str(corpus)]
    atheris.Setup(sys.argv[:1] + asked, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
