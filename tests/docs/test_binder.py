"""Binder: what its image is built of, by the rules of repo2docker."""

import os
import re
import tomllib
from pathlib import Path

from audiomagic.engine import weights

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def _lines(name: str) -> list[str]:
    lines = (ROOT / "binder" / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_it_installs_this_package_with_what_the_notebooks_need() -> None:
    (requirement,) = _lines("requirements.txt")
    extras = re.fullmatch(r"\.\[(.*)\]", requirement)
    assert extras and set(extras[1].split(",")) == {"local", "notebook"}
    assert {"local", "notebook"} <= PROJECT["optional-dependencies"].keys()


def test_its_python_is_one_that_the_package_runs_on() -> None:
    (version,) = _lines("runtime.txt")
    major, minor = version.removeprefix("python-").split(".")
    least = re.fullmatch(r">=3\.(\d+)", PROJECT["requires-python"])
    assert major == "3" and least and int(minor) >= int(least[1])


def test_the_weights_are_fetched_while_it_is_built() -> None:
    script = ROOT / "binder" / "postBuild"
    assert os.access(script, os.X_OK)
    assert "set -e" in script.read_text("utf-8")
    assert weights.INSTALL in _lines("postBuild")


def test_the_badge_opens_the_first_notebook() -> None:
    badge = re.search(r"https://mybinder\.org/v2/gh/\S+\?urlpath=(\S+?)\)", README)
    assert badge and badge[1].startswith("lab/tree/")
    assert (ROOT / badge[1].removeprefix("lab/tree/")).is_file()
