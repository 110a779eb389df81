"""What a model thinks aloud, as `<think>...</think>`, taken out of its answer as that arrives.

So are the special tokens of its prompt, which some servers let through. In backticks or quotation
marks, a tag is what the answer is about.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

NAME = r"(?:think(?:ing)?|thoughts?|reasoning|reflection|analysis|scratch_?pad)"
MARK = re.compile(
    r"(?P<backticks>`{1,3})|(?P<line>\n)|(?P<tag>"
    rf"<\|?\s{{0,3}}/?\s{{0,3}}(?:seed:|(?:begin|start|end)_(?:of_)?)?{NAME}\s{{0,3}}\|?>"
    r"|\[/?THINK\]|◁/?think▷"
    r"|<unused9[45]>|<\|channel>|<channel\|>)"  # Gemma's
    r"|<\|(?P<token>\w{1,40})\|>|<｜[\w▁]{1,40}｜>|<(?:start|end)_of_turn>|<\|turn>|<turn\|>",
    re.IGNORECASE,
)
UNFINISHED = re.compile(  # what may become a mark
    r"(?:`{1,2}|<[|｜]?[\s/]{0,7}[\w:▁]{0,40}\s{0,3}[|｜]?|[\[◁]/?\w{0,5})\Z"
)
END = re.compile(r"/|end_|unused95|channel\|>", re.IGNORECASE)  # of a thought, in its tag
# The tokens around the name of who speaks, and where: gpt-oss thinks in a channel of its own.
HEADER, MESSAGE = ("start", "channel", "im_start", "start_header_id"), ("message", "end_header_id")
ENDED = ("end", "return", "call")
UNHEARD = re.compile(r"analysis|\bto=")  # the header of a thought, or of a call
LONGEST_HEADER = 100  # characters
OPEN_QUOTE = re.compile(r"(?:[“‘«„]|(?<![^\s(\[{:,=])[\"'])\Z")  # no quote that ends here


class Kind(Enum):
    """What a text is, as far as that is known before its end."""

    ANSWER = "answer"
    LIKELY = "answer, unless the end of a thought follows"
    UNLIKELY = "answer, if the end comes first, and nothing cut it off"
    THOUGHT = "thought"


@dataclass
class Thoughts:
    """What is known of the way in which a model thinks; threads may share it.

    Some models begin to think without a tag, because their prompt ended with it, so that nothing
    tells a thought from an answer before `</think>`. Unless that is known not to be, an answer is
    held back until then, or until its end; most models have to be waited for only once.
    """

    untagged: bool | None = None  # whether it begins without a tag; None: not known yet

    def answer(self) -> "Answer":
        """Return a filter for one answer."""
        kinds = {None: Kind.LIKELY, True: Kind.UNLIKELY, False: Kind.ANSWER}
        return Answer(self, kinds[self.untagged])


@dataclass
class Answer:
    """One answer, without the thoughts in it."""

    _model: Thoughts
    _kind: Kind
    _held: list[str] = field(default_factory=list)  # what is likely or unlikely
    _rest: str = ""  # the end of what came, where that may be the beginning of a mark
    _depth: int = 0  # of thoughts within thoughts
    _tagged: bool = False  # whether there was a tag
    _header: str | None = None  # a header that has not ended yet
    _code: str = ""  # the backticks before the code that this is in
    _mentioned: int = 0  # beginnings that the answer is about, and whose ends are not there yet
    _before: str = ""  # the last two characters that came
    _shown: str = ""  # the last character that was shown
    _blanks: list[str] | None = field(default_factory=list)  # before a text, None within it

    def feed(self, text: str) -> str:
        """Take more; return what is known to be answer."""
        return self._read(self._rest + text)

    def end(self, complete: bool) -> str:
        """Return what was held back; `complete`: the answer was not cut off, and tells of later
        ones.
        """
        shown = self._read(self._rest, is_last=True)
        if complete and self._model.untagged is None and not self._tagged:
            self._model.untagged = False
        if self._kind is Kind.LIKELY or (self._kind is Kind.UNLIKELY and complete):
            shown += self._release()
        self._held.clear()
        blanks, self._blanks = "".join(self._blanks or ()), None
        return shown if self._tagged else shown + blanks

    def _read(self, text: str, is_last: bool = False) -> str:
        shown, at = list[str](), 0
        for mark in MARK.finditer(text):
            begun = len(mark["backticks"] or "```") < 3 and mark.end() == len(text)
            if begun and not is_last:  # there may be more of them
                break
            shown += [self._take(text[at : mark.start()]), self._marked(mark)]
            at = mark.end()
        unfinished = None if is_last else UNFINISHED.search(text, at)
        end = unfinished.start() if unfinished else len(text)
        self._rest = text[end:]
        return "".join([*shown, self._take(text[at:end])])

    def _marked(self, mark: re.Match[str]) -> str:
        """Take a mark; return what it shows."""
        if backticks := mark["backticks"]:
            self._count(backticks)
            return self._take(backticks)
        if mark["line"]:
            if self._header is not None:
                self._header = None
                return ""
            self._code = self._code if len(self._code) == 3 else ""  # unless in a block of it
            return self._take("\n")
        ends = bool(mark["tag"] and END.search(mark["tag"]))
        if self._is_mentioned(ends):
            self._mentioned += (-1 if self._mentioned else 0) if ends else bool(mark["tag"])
            return self._take(mark[0])
        if mark["tag"]:
            return self._close() if ends else self._open(mark[0])
        return self._token((mark["token"] or "").lower())

    def _count(self, backticks: str) -> None:
        if not self._code:
            self._code = backticks
        elif backticks == self._code:
            self._code = ""

    def _is_mentioned(self, ends: bool) -> bool:
        """Whether the answer, or a thought, is about the mark that comes now."""
        in_quotes = bool(self._code or OPEN_QUOTE.search(self._before))
        if not ends or self._kind is Kind.ANSWER:
            return in_quotes or (ends and self._mentioned > 0)
        # Of a thought, it is the end if in doubt: the backticks before it may be its own.
        just_begun = bool(self._code) and self._before.endswith("`")
        return just_begun or (in_quotes and self._mentioned > 0 and not self._depth)

    def _open(self, tag: str) -> str:
        if self._kind is Kind.UNLIKELY and not self._depth and any(map(str.strip, self._held)):
            self._depth = 1  # the thought that this one is in began without a tag
        self._tagged, self._depth = True, self._depth + 1
        if self._depth > 1:
            return self._take(tag)
        shown = self._release()
        if self._shown:  # in the midst of an answer, it may be what that is about
            self._kind = Kind.UNLIKELY
            self._held.append(tag)
        else:
            self._kind = Kind.THOUGHT
        return shown

    def _close(self) -> str:
        if not self._tagged:
            self._model.untagged = self._tagged = True
        self._depth = max(0, self._depth - 1)
        # A thought that only mentioned a beginning is over, too.
        self._begin(Kind.LIKELY if self._depth else Kind.ANSWER)
        return ""

    def _token(self, token: str) -> str:
        """Take a special token, which is no part of an answer."""
        shown = ""
        if self._depth:
            return ""
        if token in HEADER:
            self._header = self._header or ""
        elif token in MESSAGE and self._header is not None:
            unheard = UNHEARD.search(self._header)
            self._tagged, self._header = True, None
            shown = self._release()
            self._begin(Kind.THOUGHT if unheard else Kind.ANSWER)
        elif token in ENDED and self._kind is Kind.THOUGHT:
            self._begin(Kind.ANSWER)
        return shown

    def _begin(self, kind: Kind) -> None:
        self._kind, self._code, self._mentioned, self._blanks = kind, "", 0, []
        self._held.clear()

    def _release(self) -> str:
        """Let go of what was held back, now that it is known to be answer."""
        if self._kind not in (Kind.LIKELY, Kind.UNLIKELY):
            return ""
        held, self._kind = "".join(self._held), Kind.ANSWER
        self._held.clear()
        return self._take(held)

    def _take(self, text: str) -> str:
        """Take text without marks; return what of it is shown."""
        if not text:
            return ""
        self._before = (self._before + text[-2:])[-2:]
        if self._header is not None:
            text = self._header + text
            if len(text) <= LONGEST_HEADER:
                self._header = text
                return ""
            self._header = None  # it is none
        if self._kind is Kind.ANSWER:
            return self._answer(text)
        elif self._kind is not Kind.THOUGHT:
            self._held.append(text)
        return ""

    def _answer(self, text: str) -> str:
        if self._blanks is not None:
            if text.isspace():
                self._blanks.append(text)
                return ""
            if self._tagged and not self._shown.strip():
                text = text.lstrip()  # a thought has blanks of its own around it
            else:
                text = "".join(self._blanks) + text
            self._blanks = None
        self._shown = text[-1]
        return text


def without_thoughts(text: str) -> str:
    """Return a whole answer without the thoughts in it."""
    answer = Thoughts(untagged=False).answer()
    return answer.feed(text) + answer.end(complete=True)
