"""The words of an answer: written, spoken, or both, without saying anything twice."""

from dataclasses import dataclass, field


@dataclass
class TextAccumulator:
    """Fold words from two sources: those written, and the transcript of those spoken.

    Some servers send the same words as both. Whichever source comes first leads, its words are
    news as they come; the other's are held back until all is there to compare.
    """

    _lead: str = ""  # the source that leads
    _led: list[str] = field(default_factory=list)
    _held: list[str] = field(default_factory=list)

    def add(self, source: str, words: str) -> str:
        """Take words of a source; return those that are news."""
        if not self._lead and words.strip():
            self._lead = source
        if source != (self._lead or source):
            self._held.append(words)
            return ""
        self._led.append(words)
        return words

    def rest(self) -> str:
        """Give out, once, what the second source says beyond the first."""
        led, held = "".join(self._led).strip(), "".join(self._held).strip()
        self._held.clear()
        if led.startswith(held):
            return ""
        return held.removeprefix(led)


def whole(words: str) -> str:
    """Join surrogates that a server sent apart (half an emoji each); replace lone ones."""
    return words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
