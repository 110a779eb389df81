"""A miss: the nearest recorded question, and what differs."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import takewhile

from ...errors import one_line
from .fingerprint import Fingerprint

OPTION = 0.1  # what another option counts, where other words count up to 1
COMPARED = 1000  # characters at the end of a conversation that are compared
SHOWN = 2  # differences
BEFORE, QUOTED = 20, 48  # characters shown: before the place where two texts part, in all


def differences(asked: Fingerprint, recorded: Fingerprint) -> str:
    """Say what differs, in one line: the part, what is asked, what was recorded."""
    ours, theirs = asked.facets, recorded.facets
    apart = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    told = [f"{name}: {_apart(ours.get(name), theirs.get(name))}" for name in apart[:SHOWN]]
    more = [f"and {len(apart) - SHOWN} more"] if len(apart) > SHOWN else []
    return "; ".join(told + more)


def nearest(asked: Fingerprint, recorded: Iterable[Fingerprint]) -> Fingerprint | None:
    """Return the question most like the one asked, or None where there is none."""
    ours = asked.facets
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(_conversation(asked))  # the side of which the matcher keeps a count

    def distance(other: Fingerprint) -> float:
        theirs = other.facets
        names = [name for name in {**ours, **theirs} if not name.startswith("message ")]
        matcher.set_seq1(_conversation(other))
        apart = sum(ours.get(name) != theirs.get(name) for name in names)
        return OPTION * apart + 1 - matcher.quick_ratio()

    return min(recorded, key=distance, default=None)


def _conversation(question: Fingerprint) -> str:
    return "\n".join(map(str, question.messages))[-COMPARED:]


def _apart(ours: str | None, theirs: str | None) -> str:
    """Quote both from a little before the place where they part."""
    pairs = zip(ours or "", theirs or "", strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = max(0, alike - BEFORE)

    def quoted(text: str | None) -> str:
        return "none" if text is None else f"'{'…' * (start > 0)}{one_line(text[start:], QUOTED)}'"

    return f"{quoted(ours)}, recorded {quoted(theirs)}"
