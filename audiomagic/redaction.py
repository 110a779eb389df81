"""The keys of this process: they go to their servers, and nowhere else.

They are taken out of errors and completions; a request or a recording that holds one is refused.
A key is found as it is, with escapes of JSON in it, and in pieces; whoever knows it and disguises
it otherwise is not stopped.
"""

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

VARIABLES = (
    "OPENAI_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "AUDIOMAGIC_LLM_KEY",
    "AUDIOMAGIC_STT_KEY",
    "HF_TOKEN",
)
SHORTEST = 16  # characters; anything shorter is a placeholder: "none", "local"
# The words that a longer one is made of, "sk-no-key-required" (llama.cpp); one of it says so.
SAYS_SO = {"none", "null", "no", "not", "any", "anything", "dummy", "fake", "empty", "unused",
           "ignored", "placeholder", "example", "your", "here", "x"}  # fmt: skip
BESIDE = {"sk", "api", "apikey", "key", "token", "secret", "required", "needed", "necessary",
          "used", "is", "a", "the", "for", "this", "test", "replace", "with", "insert", "enter",
          "put", "my", "local", "server", "llama", "cpp", "lm", "studio", "ollama", "vllm",
          "openai", "azure", "hf"}  # fmt: skip
# A piece of a key that may be a word, made by chance or by whoever made the key.
WORD = re.compile(r"[\W_]*(?:[A-Za-z][a-z]{0,13}|[A-Z]{1,14})[\W_]*")
# What a server writes in place of the letters that it hides.
HIDDEN = (r"[*•#…]", r"\.\.", "xxx", "XXX")
BEHIND_HIDDEN = "|".join(f"(?<={signs})" for signs in HIDDEN)
TELLING = 16  # characters of a key, in a row or in pieces, that can only come from it
PIECE, DIGITS = 5, 7  # characters: a shorter piece, or one of hexadecimal digits, is chance
BOUNDARY = "\0"  # between texts that are searched together
ESCAPE = re.compile(r"(?<!\\)\\++(?:u00|x)([2-7][0-9a-fA-F])")
HEXADECIMAL = re.compile(r"[0-9a-fA-F-]+")
SIGNS = re.compile(r"[\W_]+")  # what may stand between two letters of a key
TYPED = re.compile(r"\bsk-[\w-]{6,}")  # looks like a key, as somebody may type it
LOGIN = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*@")  # a user and a password in a URL
_used: set[str] = set()


def keep(key: str) -> None:
    """Remember a key that is in no environment variable."""
    _used.add(key.strip())


def has_key(text: str) -> bool:
    """Whether a text holds a key, or enough of one to tell."""
    return without_key(text) != text


def without_key(text: str) -> str:
    """Take out this process's keys."""
    for key in _keys() if len(text) >= TELLING else ():
        for plain in dict.fromkeys((text, ESCAPE.sub(_unescaped, text))):
            if spans := [*_in_pieces(plain, key), *_in_a_row(plain, key)]:
                text = _cut(plain, spans)
                break
    return text


def without_key_in(texts: Iterable[str]) -> list[str]:
    """Do so in texts that are shown together: each may hold a piece of a key."""
    texts = list(texts)
    if not has_key(BOUNDARY.join(texts)):
        return texts
    return without_key(BOUNDARY.join(text.replace(BOUNDARY, "") for text in texts)).split(BOUNDARY)


def unfinished(text: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a key."""
    return max((_beginning(text, key) for key in _keys()), default=0)


def without(text: str) -> str:
    """Take out keys, whatever looks like one, and the logins in URLs."""
    return LOGIN.sub("…@", TYPED.sub(_hidden, without_key(text)))


def without_pieces(text: str) -> str:
    """Do as `without` in words of a server, which knows the key and may show a part of it."""
    for key in _keys():
        beginnings = [key[:n] for n in range(len(key), 5, -1)]
        for part in beginnings + [key[-n:] for n in range(len(key) - 1, 3, -1)]:
            if part in text:
                text = _without_piece(text, part, key)
    return without(text)


def _hidden(typed: re.Match[str]) -> str:
    return typed[0] if _is_placeholder(typed[0]) else "…"


def _without_piece(text: str, piece: str, key: str) -> str:
    """Take out a piece of a key; of one that may be a word, only what is none.

    That is beside letters that are hidden; or it stands alone, and has a digit before it in the
    key.
    """
    if not WORD.fullmatch(piece):
        return text.replace(piece, "…")
    exact = re.escape(piece)
    shown = f"(?:{BEHIND_HIDDEN})-?{exact}|{exact}(?=-?(?:{'|'.join(HIDDEN)}))"
    if key.endswith(piece) and key[: -len(piece)][-1:].isdigit():
        shown += f"|(?<![^\\W\\d_]){exact}(?![^\\W\\d_])"
    return re.sub(shown, "…", text)


def _keys() -> list[str]:
    named = (os.environ.get(name, "").strip() for name in VARIABLES)
    return [key for key in {*_used, *named} if len(key) >= SHORTEST and not _is_placeholder(key)]


def _is_placeholder(key: str) -> bool:
    words = {word.strip("x") or "x" for word in SIGNS.split(key.lower()) if word}
    return words <= SAYS_SO | BESIDE and not words.isdisjoint(SAYS_SO)


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


@lru_cache(64)
def _pieces(key: str, size: int) -> dict[str, set[int]]:
    """Return the pieces of a key of one size, with the places of their characters in it."""
    pieces: dict[str, set[int]] = {}
    for at in range(len(key) - size + 1):
        pieces.setdefault(key[at : at + size], set()).update(range(at, at + size))
    return pieces


def _in_pieces(text: str, key: str) -> list[tuple[int, int]]:
    """Find the pieces of a key wherever they are, if all together tell."""
    size = DIGITS if HEXADECIMAL.fullmatch(key) else PIECE
    pieces = _pieces(key, size)
    found = [at for at in range(len(text) - size + 1) if text[at : at + size] in pieces]
    places = set[int]().union(*(pieces[text[at : at + size]] for at in found))
    return [(at, at + size) for at in found] if len(places) >= TELLING else []


def _in_a_row(text: str, key: str) -> Iterator[tuple[int, int]]:
    """Find the letters and digits of a key in their order, whatever other signs are between."""
    letters = SIGNS.sub("", text)
    for piece in _pieces(SIGNS.sub("", key), TELLING):
        if piece in letters:
            yield from (match.span() for match in re.finditer(r"[\W_]*+".join(piece), text))


def _cut(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts, at = list[str](), 0
    for start, end in sorted(spans):
        if start > at or not parts:
            parts += [text[at:start], "…"]
        parts.append(BOUNDARY * text.count(BOUNDARY, max(start, at), end))
        at = max(at, end)
    return "".join([*parts, text[at:]])


def _beginning(text: str, key: str) -> int:
    at = text.find(key[0], max(0, len(text) - len(key) + 1))
    while at >= 0 and not key.startswith(text[at:]):
        at = text.find(key[0], at + 1)
    return len(text) - at if at >= 0 else 0
