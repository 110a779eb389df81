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
    """Return a line: there is no such `kind`, and what to use, the nearest name or any known."""
    *most, last = list(known) or [""]
    line = f"no {kind} '{one_line(word, 60)}'"
    if close := nearest(word, [*most, last]):
        return f"{line}; did you mean '{close}'?"
    if not last:
        return f"{line}; there are none"
    choice = f"choose {', '.join(most)} or {last}" if most else f"the only one is {last}"
    return f"{line}; {choice}"
