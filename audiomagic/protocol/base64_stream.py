"""Base64 that comes in chunks: each chunk by itself, as the service sends it, or one text cut
anywhere; with or without padding, line breaks, a `data:` head, percent signs, in either alphabet.
"""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

import numpy as np

HEAD = "data:"
LONGEST_HEAD = 200  # characters
LETTERS = re.compile(r"[A-Za-z0-9+/=]*+")
TEXTS = re.compile(r"[^=]++=*+|=++")  # each with its padding
# The URL alphabet; and no byte order mark, nor the end of a string in C.
PLAIN = str.maketrans("-_", "+/", "\ufeff\0")
CUT_ESCAPE = re.compile(r"%[0-9A-Fa-f]?\Z")
SPARE = {0: "", 2: "AQgw", 3: "AEIMQUYcgkosw048"}  # the letters after which no bits are left
# Letters of a chunk without padding that leave no bits by chance: bits of evidence that it ends
# there. "A" is none, as silence is nothing else.
EVIDENCE = {2: 4, 3: 2}
ENOUGH = 16  # bits, ...
ENOUGH_AT_END = 8  # ... and where no more can come
TELLING = 2.0  # times as rough as the other: this reading of samples is noise
# It may be cut off between the two signs of its padding.
HALF_PADDED = re.compile(r"[AQgw]=\Z")
MOST_HELD = 1_000_000  # characters


@dataclass
class Base64Stream:
    """Decodes chunks of text to chunks of bytes.

    Whether a chunk without padding ends its text or is cut off inside can be unclear for a few
    chunks: until then they are held back.
    """

    _escape: str = ""  # the beginning of a percent-encoded character, to be continued
    _head: list[str] = field(default_factory=list)  # chunks that may begin a `data:` head
    _headed: bool = False  # whether there was a head
    _apart: bool | None = None  # whether each chunk is a text of its own; None: not known yet
    _held: list[str] = field(default_factory=list)  # chunks until that is known
    _letters: int = 0  # in them
    _evidence: int = 0  # bits, for each being its own
    _returned: int = 0  # bytes
    _rest: str = ""  # of a text that goes on in the next chunk: less than four characters

    def add(self, chunk: str) -> list[bytes]:
        """Take a chunk. Raises ValueError where it is not base64."""
        chunk = "".join(self._unescaped(chunk).translate(PLAIN).split())
        texts = self._without_head(chunk) if chunk else []
        return [data for text in filter(None, texts) for data in self._add(text)]

    def _add(self, chunk: str) -> list[bytes]:
        if not LETTERS.fullmatch(chunk):
            raise ValueError("not base64")
        self._held.append(chunk)
        self._letters += len(chunk)
        if self._apart is None:
            self._apart = self._judged(chunk)
        if self._apart is None and (len(self._held) > 1 or len(chunk) % 4):
            return []
        chunks, self._held, self._letters = self._held, [], 0
        found = self._decoded(chunks)
        self._returned += sum(map(len, found))
        return found

    def end(self) -> list[bytes]:
        """Return what is still held back; half a byte is dropped."""
        held, self._held, apart = self._held, [], self._apart
        if HEAD[:-1].startswith("".join(self._head).lower()):  # it was none
            held += self._head
        self._head, self._escape = [], ""
        if apart is None:
            self._apart = self._judged_at_end(held)
        found = self._decoded(held)
        self._apart = apart
        rest, self._rest = self._rest.rstrip("="), ""
        return found + ([_bytes(rest)] if len(rest) > 1 else [])

    def _unescaped(self, chunk: str) -> str:
        chunk, self._escape = self._escape + chunk, ""
        if cut := CUT_ESCAPE.search(chunk):
            chunk, self._escape = chunk[: cut.start()], cut[0]
        return unquote(chunk)

    def _without_head(self, chunk: str) -> list[str]:
        """Return the chunk behind a head, or those that turn out to begin none."""
        chunks, self._head = [*self._head, chunk], []
        whole = "".join(chunks)
        begin = whole[: len(HEAD)].lower()
        if begin != HEAD[: len(begin)]:
            return chunks
        head, comma, rest = whole.partition(",")
        if not comma and len(whole) <= LONGEST_HEAD:
            self._head = chunks
            return []
        if not head.lower().endswith(";base64"):
            raise ValueError("not base64")
        self._apart = self._headed or self._apart  # where each has a head, each is a text
        self._headed = True
        return [rest]

    def _judged(self, chunk: str) -> bool | None:
        """Return whether chunks are texts of their own, by one more of them; None: unclear."""
        if not _whole(chunk) or self._letters > MOST_HELD:
            return False
        if "=" in chunk and self._letters % 4:
            return None if self._letters % 4 == 3 and HALF_PADDED.search(chunk) else True
        if chunk[-1] != "A":
            self._evidence += EVIDENCE.get(len(chunk) % 4, 0)
        return True if self._evidence >= ENOUGH else None

    def _judged_at_end(self, chunks: list[str]) -> bool:
        """Return it where no more chunks come: the right reading of samples is the smoother one."""
        if not _whole("".join(chunks)):
            return True
        roughness = []
        for self._apart in (True, False):
            data, self._rest = b"".join(self._decoded(chunks)), ""
            roughness.append(_roughness(data[self._returned % 2 :]))
        apart, one = roughness
        if max(apart, one) > TELLING * min(apart, one):
            return apart < one
        return self._evidence >= ENOUGH_AT_END

    def _decoded(self, chunks: list[str]) -> list[bytes]:
        if self._apart:
            return [_bytes(text) for chunk in chunks for text in TEXTS.findall(chunk)]
        texts = TEXTS.findall(self._rest + "".join(chunks))
        self._rest = ""
        if texts and len(texts[-1]) % 4:
            last = texts.pop()
            whole = len(last.rstrip("=")) // 4 * 4
            texts, self._rest = [*texts, last[:whole]], last[whole:]
        return [_bytes(text) for text in texts if text]


def _whole(chunk: str) -> bool:
    """Whether it can be a text of its own, or several with padding between them."""
    *padded, last = TEXTS.findall(chunk) or [""]
    if "=" not in last:
        spare = SPARE.get(len(last) % 4)
        return spare is not None and (not spare or last[-1] in spare)
    return all(len(text) % 4 == 0 for text in (*padded, last))


def _roughness(data: bytes) -> float:
    """Return how much samples of 16 bits differ from the next, on an average."""
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int32)
    return float(np.abs(np.diff(samples)).mean()) if len(samples) > 1 else 0.0


def _bytes(text: str) -> bytes:
    letters = text.rstrip("=")
    return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
