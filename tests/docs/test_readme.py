"""The README says what the program does: its table of options is the program's own."""

import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path

from traitlets import TraitType

from audiomagic.notebook.arguments import MAGICS, AnyTrait, MagicOptions, flags_of, magics_of

README = Path(__file__).parents[2] / "README.md"
OPTIONS = re.compile(r"(?<=<!-- options -->\n).*?(?=<!-- /options -->)", re.DOTALL)


def options_table() -> str:
    """The table of options, from their declarations; neighbours share a row that are of one magic,
    or of all and take the same.

    `python -m tests.docs.test_readme` writes it.
    """
    lines = ["| option | magic | meaning |", "| --- | --- | --- |"]
    traits = [one for one in vars(MagicOptions).values() if isinstance(one, TraitType)]
    for (magics, _), alike in groupby(traits, _kind):
        row = list(alike)
        flags = [", ".join(f"`{flag}`" for flag in flags_of(one)) + _value(one) for one in row]
        meanings = "<br>".join(trait.help for trait in row)
        lines.append(f"| {'<br>'.join(flags)} | {magics} | {meanings} |")
    return "\n".join(lines) + "\n"


def _kind(trait: AnyTrait) -> tuple[str, str]:
    if magics_of(trait) == MAGICS:
        return "all", trait.metadata["metavar"]
    return ", ".join(magics_of(trait)), ""


def _value(trait: AnyTrait) -> str:
    metavar: str = trait.metadata["metavar"]
    return f" *{metavar}*".replace("|", "\\|") if metavar else ""


def test_the_options_are_the_programs() -> None:
    found = OPTIONS.search(README.read_text("utf-8"))
    assert found and found[0] == options_table(), "run: python -m tests.docs.test_readme"


def test_its_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^):#][^):]*)\)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target


def test_the_files_that_contributing_names_are_there() -> None:
    root = README.parent
    text = (root / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/.]+\.(?:py|toml|js))`", text))
    assert len(named) > 20
    for name in named:
        places = (root, root / "audiomagic", root / "audiomagic" / "static", root / ".github")
        assert any((place / name).exists() for place in places), name


def test_it_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) < 200


def test_the_engines_commands_are_the_programs() -> None:
    command = [sys.executable, "-m", "audiomagic.engine", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in re.findall(r"python -m audiomagic\.engine (\w+)", README.read_text("utf-8")):
        assert re.search(rf"^ +{name} ", told, re.MULTILINE), name


if __name__ == "__main__":
    README.write_text(OPTIONS.sub(lambda _: options_table(), README.read_text("utf-8")), "utf-8")
