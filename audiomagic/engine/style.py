"""Style: what words on how to speak ask of a voice, and which of them it cannot follow."""

import math
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, reduce
from importlib.resources import files
from operator import mul
from typing import Any

from ..errors import one_line
from .prosody import PLAIN, Prosody

NOT = r"not|never|no|without|less|(?:do|does|did|is|are|ca)n['’]t"
STRONG = r"very|really|extremely|incredibly|super|so|too|much|most"
WEAK = r"a bit|a little|a touch|slightly|somewhat|fairly|rather|kind of"
UTMOST = r"as (?:possible|you can)"
STRONGER, WEAKER = 1.5, 0.5  # powers of what a word changes
CLAUSE = re.compile(r"[,.;:!?()\n]+|\b(?:but|yet|instead)\b", re.IGNORECASE)
OR = re.compile(r"\W+n?or\W+", re.IGNORECASE)  # what follows it is denied with what is before
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# A sentence of a model's instructions that is about its voice.
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
OF_THE_VOICE = re.compile(
    r"\b(?:speak|talk|sound|whisper|shout|pronounce|read aloud)(?:s|ing)?\b|\b(?:voice|tone)\b",
    re.IGNORECASE,
)
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
SLIGHT, LITTLE, MUCH = 0.2, 0.6, 1.4  # shares of that size
MONOTONE, WHISPER, BREATHY = 0.35, 0.9, 0.1  # of `melody`; of `breath`


@dataclass(frozen=True)
class Style:
    """What is asked of a voice, and the words that it cannot follow, as they were written."""

    prosody: Prosody = PLAIN
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Style":
        """Return what a style asks for, such as "slowly, and a bit deeper"."""
        found, unknown = list[Prosody](), list[str]()
        for clause in CLAUSE.split(text):
            end, denied = 0, False
            for match in _pattern().finditer(clause):
                before = clause[end : match.start()]
                denied = bool(match["not"]) or (denied and OR.fullmatch(before) is not None)
                found += [] if denied else [_asked(match)]
                unknown += _quoted(before)
                end = match.end()
            unknown += _quoted(clause[end:])
        return cls(reduce(mul, found, PLAIN).limited(), tuple(dict.fromkeys(unknown)))

    @classmethod
    def wished(cls, instructions: str) -> "Style":
        """Return what a model's instructions ask of its voice, in sentences about the voice."""
        about = filter(OF_THE_VOICE.search, SENTENCE.split(instructions))
        return cls(cls.of("\n".join(about)).prosody)  # what else they ask, the model is told

    def __add__(self, other: "Style") -> "Style":
        """Return what both ask for."""
        return Style((self.prosody * other.prosody).limited(), (*self.unknown, *other.unknown))

    @property
    def note(self) -> str:
        """Say in a sentence what is followed, and what is not; "" where nothing was asked."""
        followed = _joined(_described(self.prosody))
        quotes = [f"'{one_line(each, LONGEST_QUOTE)}'" for each in self.unknown[:MOST_QUOTES]]
        cannot = f"the engine's voice cannot follow {_joined(quotes)}" if quotes else ""
        told = "; ".join(filter(None, (followed, cannot)))
        return f"Style: {told}." if told else ""


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
    return {*re.findall(r"\w+", f"{_table()['fillers']} {NOT} {STRONG} {WEAK} {UTMOST}")}


@cache
def _pattern() -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(_changes(), key=len, reverse=True)))
    return re.compile(
        rf"(?:\b(?P<not>{NOT})\W+(?:\w+\W+){{0,2}}?)?"
        rf"(?:\b(?:(?P<strong>{STRONG})|(?P<weak>{WEAK}))\W+)?"
        rf"\b(?P<word>{words})\b(?:\W+(?P<utmost>{UTMOST})\b)?",
        re.IGNORECASE,
    )


def _asked(match: re.Match[str]) -> Prosody:
    prosody = _changes()[match["word"].lower()]
    if match["strong"] or match["utmost"]:
        return prosody**STRONGER
    return prosody**WEAKER if match["weak"] else prosody


def _quoted(text: str) -> Iterator[str]:
    """Yield the part of a text that asks for something: from its first such word to its last."""
    asking = [word for word in WORD.finditer(text) if word[0].lower() not in _fillers()]
    if asking:
        yield text[asking[0].start() : asking[-1].end()]


def _described(prosody: Prosody) -> Iterator[str]:
    """Yield what is changed, in words, however it was asked for."""
    for name, (below, above, size) in CALLED.items():
        value: float = getattr(prosody, name)
        if name == "melody" and value < MONOTONE:
            yield "in a monotone"
            continue
        change = (value if name in ("loudness", "brightness") else math.log(value)) / size
        degree = "a little " if abs(change) < LITTLE else "much " if abs(change) > MUCH else ""
        if abs(change) > SLIGHT:
            yield (below if change < 0 else above).format(degree)
    if prosody.breath > BREATHY:
        yield "whispered" if prosody.breath > WHISPER else "breathy"


def _joined(parts: Iterable[str]) -> str:
    *before, last = list(parts) or [""]
    return f"{', '.join(before)} and {last}" if before else last
