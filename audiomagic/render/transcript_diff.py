"""A transcript compared with its text: what differs is marked in place."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .html import EDGE, NOTE, WORDS, as_html, note, visible

if TYPE_CHECKING:
    from ..speech.transcript_diff import TranscriptDiff, Word

BELOW = f"margin-top:8px;padding-top:4px;border-top:1px solid {EDGE}"
DELETED = "color:#a01c1c;background:#fdecea;text-decoration:line-through"
INSERTED = "color:#0b5a2b;background:#e6f4ea;text-decoration:underline"
MAX_MARKS = 1_000  # differences that are marked in place


def html(diff: "TranscriptDiff") -> str:
    if diff.score == 1:
        return note(diff.summary)
    return (
        f'<div style="{BELOW}"><div dir="auto" style="{NOTE}">Compared with the text: '
        f"{as_html(diff.summary)}</div>"
        f'<div dir="auto" style="{WORDS}">{_marked(diff, as_html, _in_html)}</div></div>'
    )


def plain(diff: "TranscriptDiff") -> str:
    """Return the text with [wrong → heard], [− missing] and [+ added], and the summary."""
    if diff.score == 1:
        return diff.summary
    return visible(f"{_marked(diff, str, _in_brackets)}\n{diff.summary}")


def _marked(
    diff: "TranscriptDiff", shown: Callable[[str], str], mark: "Callable[[Word], str]"
) -> str:
    """Return the whole text; what was added stands after the word before, or at the very start."""
    parts, at = [], 0
    for word in diff.differences[:MAX_MARKS]:
        parts += [shown(diff.expected[at : word.expected_at]), mark(word)]
        if word.kind == "added":
            parts.insert(len(parts) - (1 if word.expected_at else 0), " ")
        at = word.expected_at + len(word.expected)
    return "".join((*parts, shown(diff.expected[at:])))


def _in_html(word: "Word") -> str:
    """Mark a difference not by colour alone, which neither all eyes nor ears get."""
    missing, heard = as_html(word.expected), as_html(word.heard)
    return " ".join(
        ([f'<del title="not heard" style="{DELETED}">{missing}</del>'] if missing else [])
        + ([f'<ins title="heard" style="{INSERTED}">{heard}</ins>'] if heard else [])
    )


def _in_brackets(word: "Word") -> str:
    signs = {"wrong": f"{word.expected} → {word.heard}", "missing": f"− {word.expected}"}
    return f"[{signs.get(word.kind, f'+ {word.heard}')}]"
