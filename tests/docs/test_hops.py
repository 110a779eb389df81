"""The way of one `%%speak` as the README tells it, held to the frames of a real call.

`python -m tests.docs.test_hops` writes the list in the README anew.
"""

import re
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
HOPS = re.compile(r"(?<=<!-- hops -->).*?(?=<!-- /hops -->)", re.DOTALL)
MOST = 8  # frames of our own, from the magic to the transport


@cache
def frames() -> list[str]:
    """`package/module.function`, outermost first, in a process whose shell nobody else uses."""
    command = [sys.executable, "-m", "tests.support.hops"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=README.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_readme_tells_the_way_of_a_call() -> None:
    told = HOPS.search(README.read_text("utf-8"))
    assert told, "the README has no <!-- hops -->"
    assert re.findall(r"`([\w/]+\.[\w<>]+)`", told[0]) == frames(), (
        "run: python -m tests.docs.test_hops"
    )


def test_the_way_is_short() -> None:
    found = frames()
    assert found[0] == "notebook/magics.speak" and found[-1].endswith(".stream")
    assert len(found) <= MOST, found


if __name__ == "__main__":
    way = textwrap.fill(" → ".join(f"`{name}`" for name in frames()), 150)
    README.write_text(HOPS.sub(lambda _: way, README.read_text("utf-8")), "utf-8")
