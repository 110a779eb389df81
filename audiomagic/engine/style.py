"""Style: what words on how to speak ask of a voice, and which of them it cannot follow."""

import math
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import one_line
from .prosody import PLAIN, Prosody

STRONG = r"very|really|extremely|incredibly|super|so|much|most|quite|a lot|far|deeply|terribly"
WEAK = (
    r"(?:a (?:little )?bit|a little|a touch|a tad|slightly|somewhat|fairly|rather(?! than)|a shade)"
)
LESS = r"less|too|not (?:so|too|as|that)"  # "too fast" is a complaint, "not too fast" advice
UTMOST = r"as (?:possible|you can)"
DENIED = (
    r"not(?! only)|never|no|nothing|without|avoid|stop|neither|nor|instead of|(?:rather )?than"
    r"|anything but|cannot|(?:do|does|did|is|are|ca|wo|should|must)n'?t"
)
STRONGER, WEAKER = 1.5, 0.5  # powers of what a word changes
CLAUSE = re.compile(r"[,.;!?()\n]+|\b(?:but|yet)\b|\binstead\b(?! of)", re.I)
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
LONGEST_QUOTE = 60  # characters
MOST_QUOTES = 3

# What changes are called, below and above none; and how large one is that is called just that.
CALLED = {
    "pace": ("{}slower", "{}faster", math.log(1.35)),
    "pitch": ("{}lower", "{}higher", math.log(1.22)),
    "melody": ("{}flatter", "{}livelier", math.log(1.5)),
    "loudness": ("{}quieter", "{}louder", 4.0),
    "brightness": ("{}softer", "{}sharper", 2.0),
    "pauses": ("with {}shorter pauses", "with {}longer pauses", math.log(1.6)),
}
SLIGHT, LITTLE, MUCH = 0.12, 0.6, 1.4  # shares of that size
MONOTONE = 0.35  # factor on the melody, below which it is called so
WHISPER, BREATHY = 0.9, 0.1  # shares of breath, above which a voice is called so


@dataclass(frozen=True)
class Style:
    """What is asked of a voice, and the words that it cannot follow, as they were written."""

    prosody: Prosody = PLAIN
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Style":
        """Return what a style asks for, such as "slowly, and a bit deeper"."""
        found, unknown = list[Prosody](), list[str]()
        for clause in CLAUSE.split(plain(text)):
            wishes, rest = _read(clause)
            found += wishes
            unknown += rest
        prosody = Prosody.together(found)
        if found and not _described(prosody):  # "fast and slow"
            unknown = [" ".join(text.split())]
        return cls(prosody, tuple(dict.fromkeys(unknown)))

    @property
    def told(self) -> str:
        """What is followed, and what is not; "" where nothing was asked."""
        quotes = [f"“{one_line(each, LONGEST_QUOTE)}”" for each in self.unknown[:MOST_QUOTES]]
        more = len(self.unknown) - len(quotes)
        quotes += [f"{more} more"] if more else []
        cannot = f"the engine's voice cannot follow {_joined(quotes)}" if quotes else ""
        return "; ".join(filter(None, (_joined(_described(self.prosody)), cannot)))


def is_wish(text: str) -> bool:
    """Whether a text begins with a word that changes something."""
    return _pattern().match(text) is not None


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "styles.toml").read_text(encoding="utf-8"))


@cache
def _changes() -> dict[str, Prosody]:
    """Return what each word or phrase changes."""
    return {
        word: Prosody(**{name: value for name, value in style.items() if name != "words"})
        for style in _table()["style"]
        for word in style["words"]
    }


@cache
def _fillers() -> set[str]:
    """Return the words that ask for nothing by themselves."""
    return {*WORD.findall(f"{_table()['fillers']} {STRONG} {WEAK} {LESS} {UTMOST}")}


@cache
def _pattern() -> re.Pattern[str]:
    """Return what finds a word that changes something, with its degree; or denies what follows."""
    words = "|".join(map(re.escape, sorted(_changes(), key=len, reverse=True)))
    return re.compile(
        rf"(?<![\w-])(?:(?:(?P<less>{LESS})|(?P<strong>{STRONG})|(?P<weak>{WEAK})) (?:more )?)?"
        rf"(?P<word>{words})(?![\w-])(?: (?:(?P<utmost>{UTMOST})|(?P<slightly>{WEAK}))\b)?"
        rf"|\b(?P<denied>{DENIED})\b",
        re.I,
    )


def plain(text: str) -> str:
    """Return words without tags, quotation marks, typographic apostrophes and repeated blanks."""
    text = re.sub(r"<[^<>]*>|[*_`:\"“”]", " ", text.replace("’", "'"))
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def _read(clause: str) -> tuple[list[Prosody], list[str]]:
    """Return what a clause asks for, and what of it is not understood.

    What follows "not" is neither: a voice that does not shout follows "do not shout".
    """
    found, unknown, end, denied = list[Prosody](), list[str](), 0, False
    for match in _pattern().finditer(clause):
        unknown += [] if denied else _quoted(clause[end : match.start()])
        end = match.end()
        if match["denied"]:
            denied = True
        elif not denied:
            found.append(_asked(match))
    unknown += [] if denied else _quoted(clause[end:])
    return found, unknown


def _asked(match: re.Match[str]) -> Prosody:
    prosody = _changes()[match["word"].lower()]
    if match["less"]:
        return prosody**-WEAKER
    if match["weak"] or match["slightly"]:
        return prosody**WEAKER
    return prosody**STRONGER if match["strong"] or match["utmost"] else prosody


def _quoted(text: str) -> Iterator[str]:
    """Yield the part of a text that asks for something: from its first such word to its last."""
    asking = [word for word in WORD.finditer(text) if word[0].lower() not in _fillers()]
    if asking:
        yield text[asking[0].start() : asking[-1].end()]


def _described(prosody: Prosody) -> list[str]:
    """Return what is changed, in words, however it was asked for: the largest change first."""
    found = list[tuple[float, str]]()
    whispers = prosody.breath > WHISPER
    if prosody.breath > BREATHY:
        found.append((prosody.breath, "whispering" if whispers else "breathy"))
    for name, (below, above, size) in CALLED.items():
        value: float = getattr(prosody, name)
        if whispers and name in ("pitch", "melody", "loudness"):  # it has no melody, and is quiet
            continue
        if name == "melody" and value < MONOTONE:
            found.append((MUCH, "in a monotone"))
            continue
        change = (value if name in ("loudness", "brightness") else math.log(value)) / size
        degree = "a little " if abs(change) < LITTLE else "much " if abs(change) > MUCH else ""
        if abs(change) > SLIGHT:
            found.append((abs(change), (below if change < 0 else above).format(degree)))
    return [words for _, words in sorted(found, key=lambda each: -each[0])]


def _joined(parts: Iterable[str]) -> str:
    *before, last = list(parts) or [""]
    return f"{', '.join(before)} and {last}" if before else last
