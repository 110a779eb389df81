"""The keys of this process: they go to their servers, and nowhere else.

They are taken out of errors and completions; a request or a recording that holds one is refused.
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
SHORTEST = 16  # characters; anything shorter is a placeholder: "none", "local"
TELLING = 16  # characters of its beginning or end that can only come from the key
TYPED = re.compile(r"\bsk-[\w-]{6,}")  # looks like a key, as somebody may type it
LOGIN = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*@")  # a user and a password in a URL
_used: set[str] = set()


def keep(key: str) -> None:
    """Remember a key that is in no environment variable."""
    _used.add(key.strip())


def has_key(text: str) -> bool:
    """Whether a text holds a key, or its beginning or end."""
    return any(key[:TELLING] in text or key[-TELLING:] in text for key in _keys())


def without_key(text: str) -> str:
    """Take out this process's keys."""
    return _cut(text, TELLING, TELLING) if has_key(text) else text


def without(text: str) -> str:
    """Take out keys, whatever looks like one, and the logins in URLs."""
    return LOGIN.sub("…@", TYPED.sub("…", without_key(text)))


def without_pieces(text: str) -> str:
    """Do as `without` in words of a server, which knows the key and may show a part of it."""
    return without(_cut(text, 6, 4))


def _cut(text: str, beginning: int, end: int) -> str:
    for key in _keys():
        beginnings = [key[:n] for n in range(len(key), beginning - 1, -1)]
        for part in beginnings + [key[-n:] for n in range(len(key) - 1, end - 1, -1)]:
            text = text.replace(part, "…")
    return text


def _keys() -> list[str]:
    named = (os.environ.get(name, "").strip() for name in VARIABLES)
    return [key for key in {*_used, *named} if len(key) >= SHORTEST]
