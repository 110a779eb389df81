"""Text normalization for speech: markdown, symbols and letters that the voices cannot read."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

UNSPEAKABLE = "I cannot pronounce this: I only read English letters."
FOREIGN = "(something I cannot pronounce)"
MARK = "\ue000"  # a private character in place of a word in other letters
URL = re.compile(r"\b(?:https?://|www\.)(\S*[\w/])")
MARKDOWN: tuple[tuple[str, str], ...] = (
    (r"^[ \t]*(?:```|~~~)[^`\n]*$", ""),  # the fence of a code block, not the code
    (r"^[ \t]*[-*_|:=+][-*_|:=+ \t]*[-*_|:=+][ \t]*$", ""),  # a rule, or a line of a table
    (r"^[ \t]*>+[ \t]?", ""),
    (r"^[ \t]*#{1,6}[ \t]+", ""),
    (r"^[ \t]*[-*+•‣][ \t]+(?:\[[ xX]\][ \t]+)?", ""),
    (r"<[|｜][\w▁]{1,40}[|｜]>", " "),  # a special token of a model
    (r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>", " "),  # HTML: a line break in a table
    (r"!?\[([^\]]*)\]\([^)\s]*(?:\s[^)]*)?\)", r"\1"),
    (r"^[ \t]*\||\|[ \t]*$", ""),
    (r"[ \t]*\|[ \t|]*", ", "),
    (r"(?<=\d)\s*[*×]\s*(?=\d)", " times "),
    (r"(?<=\d) [-−–] (?=\d)", " minus "),  # hibari reads a range: "to"
    (r"(?<=\d) [/÷] (?=\d)", " divided by "),
    (r"\*+|`+|~~+", ""),
)


def speakable(text: str) -> str:
    """Return `text` as it can be spoken: no markdown, other scripts replaced by FOREIGN.

    Where nothing is left to pronounce, the answer is UNSPEAKABLE; empty text stays empty.
    """
    return _spoken(text) or (UNSPEAKABLE if text.strip() else "")


def read_aloud(sentence: str) -> str:
    """Return one of several sentences as it can be spoken: "" where there are no words in it."""
    return _spoken(sentence).strip()


def without_comments(texts: Iterable[str]) -> Iterator[str]:
    """Yield a text as it comes, without the comments of HTML, which may hold many sentences."""
    rest, is_comment = "", False
    for text in texts:
        rest, shown = rest + text, list[str]()
        while True:
            before, mark, after = rest.partition("-->" if is_comment else "<!--")
            if not mark:
                break
            shown += [] if is_comment else [before]
            rest, is_comment = after, not is_comment
        begun = re.search(r"-{1,2}\Z" if is_comment else r"<(?:!-?)?\Z", rest)  # a mark, perhaps
        end = begun.start() if begun else len(rest)
        shown += [] if is_comment else [rest[:end]]
        rest = rest[end:]
        yield "".join(shown)
    yield "" if is_comment else rest


def _spoken(text: str) -> str:
    text = "".join(without_comments([text]))
    text = "".join(_plain(character) for character in unicodedata.normalize("NFC", text))
    for pattern, replacement in MARKDOWN:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    text = URL.sub(lambda m: m[1].removeprefix("www.").rstrip("/").replace(".", " dot "), text)
    text = re.sub(r"[^\W\d_]+", lambda m: m[0] if _is_latin(m[0]) else MARK, text)
    text = re.sub(f"(?<={MARK})(?=\\d)|(?<=\\d)(?={MARK})", " ", text)
    spoken = re.sub(f"{MARK}(?:[^\\w\n]*{MARK})?", FOREIGN, text)  # a run of words is one gap
    if re.search(r"[^\W_]", text):
        return spoken
    return UNSPEAKABLE if MARK in text else ""


def _plain(character: str) -> str:
    """Drop combining and invisible characters; make styled letters and digits plain."""
    if ord(character) < 0x100 or character in "\u2018\u2019":  # Latin-1: "½" and "²" are read
        return character if character.isprintable() or character == "\n" else " "
    if unicodedata.category(character)[0] in "MC":  # marks, joiners, text direction, surrogates
        return ""
    folded = unicodedata.normalize("NFKC", character)  # "𝐇" -> "H", "①" -> "1", "ﬁ" -> "fi"
    if folded.isascii() and folded.isalnum():
        return folded
    return str(unicodedata.digit(character)) if character.isdigit() else character


def _is_latin(word: str) -> bool:
    names = (unicodedata.name(letter, "") for letter in word if letter.isalpha())  # not "½"
    return all("LATIN" in name or name == "MICRO SIGN" or "ORDINAL" in name for name in names)
