"""What a model thinks aloud, as `<think>...</think>`, taken out of its answer as that arrives.

So are the special tokens of its prompt, which some servers let through. Thoughts stand before an
answer, such tokens at its ends: anywhere else, a tag is what the answer is about.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import regex

NAME = r"(?:think(?:ing)?|thought)"  # other words are XML that somebody asked for
TAG = (
    rf"(?P<tag>(?i:<\|?\s{{0,3}}/?\s{{0,3}}(?:seed:|(?:begin|start|end)_(?:of_)?)?{NAME}\s{{0,3}}\|?>)"
    r"|\[/?THINK\]|◁/?think▷|<unused9[45]>|<\|channel>|<channel\|>)"  # Mistral's, Kimi's, Gemma's
)
TOKEN = (
    r"<\|(?P<token>im_start|im_end|endoftext|end_of_text|begin_of_text|eot_id|eom_id|python_tag"
    r"|start_header_id|end_header_id|start|channel|constrain|message|end|return|call"
    r"|(?:begin|end)_of_solution|fim_\w{1,20}|(?:START|END)_RESPONSE|END_OF_TURN_TOKEN|eos|pad)\|>"
    r"|<｜[\w▁]{1,40}｜>|<(?:start|end)_of_turn>|<\|turn>|<turn\|>"
)
MARK = regex.compile(f"{TAG}|{TOKEN}")
TAIL = regex.compile(rf"\s+|{TOKEN}")
END = regex.compile(r"(?i)/|end_|unused95|channel\|>")  # of a thought, in its tag
# The tokens before and after the name of who speaks, and where: gpt-oss thinks in a channel.
HEADERS = ("start", "channel", "im_start", "start_header_id")
HEADER_END = regex.compile(r"<\|(?P<token>message|end_header_id)\|>|\n")
MESSAGE_END = regex.compile(r"<\|(?:end|return|call)\|>|(?=<\|start\|>)")
UNHEARD = regex.compile(r"\banalysis\b|\bto=")  # in the header of a thought, or of a call
LONGEST_HEADER = 100  # characters
QUOTES = "`\"'“‘«„", "`\"'”’»"  # before and after a tag that a thought is about


class Kind(Enum):
    """What a text is in which the end of a thought may come."""

    THOUGHT = "thought"
    LIKELY = "answer, unless that end follows"
    UNLIKELY = "answer, if that end does not follow, and nothing cut it off"


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
        return Answer(self, {None: Kind.LIKELY, True: Kind.UNLIKELY, False: None}[self.untagged])


@dataclass
class Answer:
    """One answer, without the thoughts in it.

    Its states are methods, which read on in `_text` and tell whether the next one can.
    """

    _model: Thoughts
    _untagged: Kind | None  # what a text without a tag is; None: an answer
    _text: str = ""  # what came, as far as it is not read
    _at: int = 0  # where in it
    _last: bool = False  # whether nothing follows
    _shown: list[str] = field(default_factory=list)
    _blanks: list[str] = field(default_factory=list)  # before a thought or an answer
    _tail: list[str] = field(default_factory=list)  # tokens, unless text follows them
    _held: list[str] = field(default_factory=list)  # what is likely or unlikely
    _kind: Kind = Kind.THOUGHT
    _depth: int = 0  # beginnings whose ends are not there yet
    _found: bool = False  # whether there was a mark before the answer
    _tagged: bool = False  # whether there was a thought
    _in_channels: bool = False  # whether tokens part it into messages

    def __post_init__(self) -> None:
        self._state: Callable[[], bool] = self._start

    def feed(self, text: str) -> str:
        """Take more; return what is known to be answer."""
        self._text = self._text[max(0, self._at - 1) :] + text  # with the character before it
        self._at = min(1, self._at)
        while self._state():
            pass
        shown = "".join(self._shown)
        self._shown.clear()
        return shown

    def end(self, complete: bool) -> str:
        """Return what was held back; `complete`: the answer was not cut off, and tells of later
        ones.
        """
        self._last = True
        shown = self.feed("")
        if self._held and (self._kind is Kind.LIKELY or complete):
            self._state = self._answer
            shown += self.feed("".join(self._held))
            self._held.clear()
        if complete and self._model.untagged is None and not self._tagged:
            self._model.untagged = False
        return shown

    def _next_mark(self) -> "regex.Match[str] | None":
        """Return the next mark; one that is partial may go on."""
        return MARK.search(self._text, self._at, partial=not self._last)

    def _mark_here(self) -> "regex.Match[str] | None":
        """Return the mark with which the rest begins."""
        return MARK.match(self._text, self._at, partial=not self._last)

    def _start(self) -> bool:
        """Before the answer: blanks, thoughts, tokens and headers."""
        begin = len(self._text) - len(self._text[self._at :].lstrip())
        self._blanks.append(self._text[self._at : begin])
        self._at = begin
        if begin == len(self._text):
            if self._last:
                self._give_blanks()
            return False
        mark = self._mark_here()
        if mark is None:
            self._give_blanks()
            self._state = self._answer
            if self._untagged and not self._tagged and not self._in_channels:
                self._state, self._kind, self._depth = self._thought, self._untagged, 1
            return True
        if mark.partial:
            return False
        self._found = True
        if mark["token"] in HEADERS:
            self._state = self._header
            return True
        self._at = mark.end()
        if mark["tag"] and not END.search(mark["tag"]):
            self._tagged, self._kind, self._depth = True, Kind.THOUGHT, 1
            self._state = self._thought
        return True

    def _give_blanks(self) -> None:
        """Show the blanks before an answer, unless there was something else before it."""
        if not self._found:
            self._shown += self._blanks
        self._blanks.clear()

    def _thought(self) -> bool:
        """Within a thought, or what may be one."""
        mark = self._next_mark()
        begin = mark.start() if mark else len(self._text)
        self._hold(self._text[self._at : begin])
        self._at = begin
        if mark is None or mark.partial:
            return False
        if mark.end() == len(self._text) and not self._last:
            return False  # it may be quoted
        self._at = mark.end()
        if not mark["tag"] or self._is_quoted(mark):
            self._hold(mark[0])
        elif not END.search(mark["tag"]):
            self._depth += 1
            self._hold(mark[0])
        else:
            self._end_thought(mark[0])
        return True

    def _end_thought(self, tag: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            if not self._tagged:
                self._model.untagged = self._tagged = True
            self._held.clear()
            self._found, self._state = True, self._start
        elif self._kind is Kind.THOUGHT:  # it may have named a beginning, and be over
            self._kind = Kind.LIKELY
        else:
            self._hold(tag)

    def _hold(self, text: str) -> None:
        if text and self._kind is not Kind.THOUGHT:
            self._held.append(text)

    def _is_quoted(self, mark: "regex.Match[str]") -> bool:
        before, after = self._text[: mark.start()][-1:], self._text[mark.end() :][:1]
        return bool(before and after) and before in QUOTES[0] and after in QUOTES[1]

    def _header(self) -> bool:
        """From a token that begins a header: where that ends, the message begins."""
        end = HEADER_END.search(self._text, self._at, self._at + LONGEST_HEADER)
        if end is None:
            is_none = self._last or len(self._text) - self._at >= LONGEST_HEADER
            self._state = self._answer_with_token if is_none else self._state
            return is_none
        header = self._text[self._at : end.start()]
        self._at, self._state = end.end(), self._start
        if end["token"] == "message":
            self._in_channels = True
            self._state = self._unheard if UNHEARD.search(header) else self._start
        return True

    def _answer_with_token(self) -> bool:
        """At a token that is a part of the answer."""
        mark = self._mark_here()
        assert mark
        self._shown.append(mark[0])
        self._at, self._state = mark.end(), self._answer
        return True

    def _unheard(self) -> bool:
        """Within a message that is a thought or a call."""
        end = MESSAGE_END.search(self._text, self._at, partial=not self._last)
        if end is None or end.partial:
            self._at = end.start() if end else len(self._text)
            return False
        self._at, self._state = end.end(), self._start
        return True

    def _answer(self) -> bool:
        """Within the answer."""
        mark = self._next_mark()
        begin = mark.start() if mark else len(self._text)
        self._shown.append(self._text[self._at : begin])
        self._at = begin
        if mark is None or mark.partial:
            return False
        if not mark["tag"]:
            self._state = self._tokens
            return True
        if END.search(mark["tag"]):
            if self._depth <= 0 and not self._tagged and not self._is_quoted(mark):
                self._model.untagged = True  # too late for this answer
            self._depth -= 1
        else:
            self._depth += 1
        self._shown.append(mark[0])
        self._at = mark.end()
        return True

    def _tokens(self) -> bool:
        """Behind an answer, unless there is more text."""
        mark = TAIL.match(self._text, self._at, partial=not self._last)
        if self._at == len(self._text) or (mark and mark.partial and not mark[0].isspace()):
            return False
        if mark is None:
            self._shown += self._tail
            self._tail.clear()
            self._state = self._answer
        elif self._in_channels and mark["token"]:
            self._tail.clear()
            self._state = self._start
        else:
            self._tail.append(mark[0])
            self._at = mark.end()
        return True


def without_thoughts(text: str) -> str:
    """Return a whole answer without the thoughts in it."""
    answer = Thoughts(untagged=False).answer()
    return answer.feed(text) + answer.end(complete=True)
