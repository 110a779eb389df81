"""What a model thinks aloud, as `<think>...</think>`, taken out of its answer as that arrives."""

import re
from dataclasses import dataclass, field

NAME = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning)"
# In backticks, the tag is what the answer is about.
TAG = re.compile(
    rf"(?<!`)(?:<\|?(?P<end>/?)\|?{NAME}\|?>|\[(?P<end2>/?)THINK\]|◁(?P<end3>/?)think▷)",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"`?[<\[◁][^<>\[\]◁▷\s]{0,20}\Z|`\Z")  # what may become a tag


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
        return Answer(self, self.untagged is not False)


@dataclass
class Answer:
    """One answer, without the thoughts in it."""

    _model: Thoughts
    _holds: bool  # nothing is an answer yet
    _held: list[str] = field(default_factory=list)
    _rest: str = ""  # the end of what came, where that may be the beginning of a tag
    _thinks: bool = False
    _tagged: bool = False  # whether there was a tag
    _begun: bool = False  # what follows a thought begins without a blank

    def feed(self, text: str) -> str:
        """Take more; return what is known to be answer."""
        shown, rest = "", self._rest + text
        while tag := TAG.search(rest):
            before, rest = rest[: tag.start()], rest[tag.end() :]
            shown += self._close(before) if "/" in tag[0] else self._open(before)
        unfinished = UNFINISHED.search(rest)
        end = unfinished.start() if unfinished else len(rest)
        self._rest = rest[end:]
        return shown + self._shown(rest[:end])

    def end(self, complete: bool) -> str:
        """Return what was held back; `complete`: the answer was not cut off, and tells of later
        ones.
        """
        rest, self._rest = self._rest, ""
        shown = self._shown(rest)
        if not self._holds:
            return shown
        if complete and self._model.untagged is None:
            self._model.untagged = False
        return "" if self._model.untagged and not complete else "".join(self._held)

    def _open(self, before: str) -> str:
        shown = self._release() + self._shown(before)
        self._thinks = self._tagged = True
        return shown

    def _close(self, before: str) -> str:
        if not self._tagged:
            self._model.untagged = self._tagged = True
        shown = "" if self._holds else self._shown(before)
        self._holds = self._thinks = self._begun = False
        self._held.clear()
        return shown

    def _release(self) -> str:
        """Let go of what was held back, now that the model is known to begin with a tag."""
        held, self._holds = "".join(self._held), False
        self._held.clear()
        return held

    def _shown(self, text: str) -> str:
        if self._thinks:
            return ""
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        if self._holds:
            self._held.append(text)
            return ""
        return text
