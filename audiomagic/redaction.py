"""Secret: the keys of this process. They go to their servers, and nowhere else.

What is shown or written has them taken out; a text that holds one is not sent at all.
"""

import os
import re

VARIABLES = (
    "OPENAI_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "AUDIOMAGIC_LLM_KEY",
    "AUDIOMAGIC_STT_KEY",
    "HF_TOKEN",
)
SHORTEST = 16  # characters; less is a placeholder: "none", "local"
TELLING = 16  # characters of its beginning or end by which a key is told from chance
TYPED = re.compile(r"\bsk-[\w-]{6,}")  # what looks like one, as somebody may type it
LOGIN = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*@")  # a user and a password in an address
_used: set[str] = set()


def keep(key: str) -> None:
    """Know a key that is in no variable."""
    _used.add(key.strip())


def held(text: str) -> bool:
    """Whether a text holds a key, or a telling piece of one."""
    return any(key[:TELLING] in text or key[-TELLING:] in text for key in _keys())


def without(text: str) -> str:
    """Take out keys, what looks like one, and the users and passwords of addresses."""
    return LOGIN.sub("…@", TYPED.sub("…", _cut(text, TELLING, TELLING) if held(text) else text))


def without_pieces(text: str) -> str:
    """Do as `without`, with words of somebody who knows the key, and may show a part of it."""
    return without(_cut(text, 6, 4))


def _cut(text: str, beginning: int, end: int) -> str:
    for key in _keys():
        pieces = [key[:n] for n in range(len(key), beginning - 1, -1)]
        for piece in pieces + [key[-n:] for n in range(len(key) - 1, end - 1, -1)]:
            text = text.replace(piece, "…")
    return text


def _keys() -> list[str]:
    named = (os.environ.get(name, "").strip() for name in VARIABLES)
    return [key for key in {*_used, *named} if len(key) >= SHORTEST]
