"""The nearest right word for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

from .errors import one_line


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the entry of `known` most like `word`, or None when none is."""
    by_key = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), by_key, n=1, cutoff=0.6)
    return by_key[close[0]] if close else None


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """Word the complaint: no such `kind`, and the nearest one or all there are.

    >>> unknown("voice", "corl", ["coral", "ash"])
    "no voice 'corl'; did you mean 'coral'?"
    """
    known = list(known)
    close = nearest(word, known)
    hint = f"did you mean '{close}'?" if close else f"there is {', '.join(known) or 'none'}"
    return f"no {kind} '{one_line(word, 60)}'; {hint}"
