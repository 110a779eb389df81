"""A request that was not recorded: the nearest that was, and what differs."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import takewhile

from ...errors import one_line
from .fingerprint import Fingerprint

COMPARED = 1000  # characters at the end of a conversation that are compared
SHOWN = 2  # differences
BEFORE, QUOTED = 20, 48  # characters shown: before the place where two texts part, in all


def differences(asked: Fingerprint, recorded: Fingerprint) -> str:
    """Say in one line what differs: the part, what is asked, what was recorded."""
    ours, theirs = asked.facets, recorded.facets
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    shown = [f"{name}: {_difference(ours.get(name), theirs.get(name))}" for name in names[:SHOWN]]
    return "; ".join(shown + [f"and {len(names) - SHOWN} more"] * (len(names) > SHOWN))


def nearest(asked: Fingerprint, recorded: Iterable[Fingerprint]) -> Fingerprint | None:
    """Return the recorded request most like the one asked, if there is any."""
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(_conversation(asked))  # the matcher analyses this side once

    def likeness(other: Fingerprint) -> tuple[float, int]:
        matcher.set_seq1(_conversation(other))
        return matcher.quick_ratio(), len(asked.facets.items() & other.facets.items())

    return max(recorded, key=likeness, default=None)


def _conversation(request: Fingerprint) -> str:
    return "\n".join(map(str, request.messages))[-COMPARED:]


def _difference(ours: str | None, theirs: str | None) -> str:
    """Quote both from a little before the place where they part."""
    pairs = zip(ours or "", theirs or "", strict=False)
    start = max(0, sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)) - BEFORE)

    def quoted(text: str | None) -> str:
        return "none" if text is None else f"'{'…' * (start > 0)}{one_line(text[start:], QUOTED)}'"

    return f"{quoted(ours)}, recorded {quoted(theirs)}"
