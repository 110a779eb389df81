"""The local engine as a user serves it: `python -m audiomagic.engine serve`."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served_engine() -> Iterator[dict[str, str]]:
    """Serve it; yield the address and the token that it prints, as the clients name them."""
    command = [sys.executable, "-m", "audiomagic.engine", "serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        url, token = (re.search(r"=(\S+)", line)[1] for line in lines[1:])  # type: ignore[index]
        yield {"base_url": url, "api_key": token}
        process.terminate()
