"""The README says what the program does: its table of options is the program's own."""

import re
import subprocess
import sys
from pathlib import Path

from audiomagic.notebook.arguments import MAGICS, Settings

README = Path(__file__).parents[2] / "README.md"
OPTIONS = re.compile(r"(?<=<!-- options -->\n).*?(?=<!-- /options -->)", re.DOTALL)


def options_table() -> str:
    """The table of options, from their declarations. `python -m tests.docs.test_readme` writes it."""
    lines = ["| option | magic | meaning |", "| --- | --- | --- |"]
    seen: dict[str, list[str]] = {}
    traits = {}
    for magic in MAGICS:
        for name, trait in Settings.declared(magic):
            seen.setdefault(name, []).append(magic)
            traits[name] = trait
    for name, trait in ((n, t) for n, t in vars(Settings).items() if n in seen):
        flags = ", ".join(f"`{flag}`" for flag in trait.metadata["flags"])
        value = trait.metadata.get("metavar", "").replace("|", "\\|")
        flags += f" *{value}*" if value else ""
        where = "both" if len(seen[name]) == 2 else seen[name][0]
        lines.append(f"| {flags} | {where} | {trait.help} |")
    return "\n".join(lines) + "\n"


def test_the_options_are_the_programs() -> None:
    found = OPTIONS.search(README.read_text("utf-8"))
    assert found and found[0] == options_table(), "run: python -m tests.docs.test_readme"


def test_its_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^):#][^):]*)\)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target


def test_it_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) < 200


def test_the_engines_commands_are_the_programs() -> None:
    command = [sys.executable, "-m", "audiomagic.engine", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in re.findall(r"python -m audiomagic\.engine (\w+)", README.read_text("utf-8")):
        assert re.search(rf"^ +{name} ", told, re.MULTILINE), name


if __name__ == "__main__":
    README.write_text(OPTIONS.sub(lambda _: options_table(), README.read_text("utf-8")), "utf-8")
