"""What a request will take before it is sent: seconds, tokens, and a range in dollars."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from ..catalogue import catalogue
from ..protocol.request import VERBATIM, Message, Request
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND, Usage
from .prices import Price
from .pricing import EXACT, bill
from .tokens import count

FRAME = 8  # tokens around a message: twice what was seen
ROUNDING = 2  # tokens by which a sound's may differ: it is resampled, and perhaps made an mp3
AUDIO_PER_TEXT = 6  # tokens of sound for one of its transcript, in most recorded answers
LIKELY_TEXT = 60  # tokens of an answer's words, when nothing more is known: 15 to 20 s of speech


@dataclass(frozen=True)
class Estimate:
    """Tokens at the least, as is likely, and at the most; and the price they are billed at."""

    low: Usage
    likely: Usage
    high: Usage
    price: Price | None

    @property
    def seconds_out(self) -> tuple[float, ...]:
        """Seconds of sound received: at the least, likely, at the most."""
        usages = (self.low, self.likely, self.high)
        return tuple((usage.output_audio_tokens or 0) / AUDIO_OUT_PER_SECOND for usage in usages)

    @property
    def dollars(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """US dollars: at the least, likely, at the most; None when the price is unknown."""
        low, likely = bill(self.low, self.price), bill(self.likely, self.price)
        if low is None or likely is None:
            return None
        return low.dollars, likely.dollars, self.worst(self.high.output_tokens)

    def worst(self, tokens: int) -> Decimal:
        """Return the most, in US dollars, that it costs with an answer of so many tokens.

        The price must be known.
        """
        assert self.price is not None
        dear = (
            self.high.output_audio_tokens and self.price.rates.audio_out > self.price.rates.text_out
        )
        most = replace(self.high, output_tokens=tokens, output_audio_tokens=tokens if dear else 0)
        billed = bill(most, self.price)
        assert billed is not None
        return billed.dollars

    def affordable(self, dollars: Decimal) -> int:
        """Return how long an answer may be, in tokens, so that the worst case costs no more."""
        room = EXACT.subtract(dollars, self.worst(0))
        if room < 0:
            return 0
        token = EXACT.subtract(self.worst(1), self.worst(0))
        longest = self.high.output_tokens
        return min(longest, int(EXACT.divide_int(room, token))) if token else longest


def estimate(
    request: Request, price: Price | None, said: Mapping[str, tuple[float, str]] | None = None
) -> Estimate:
    """Estimate a request at a price. `said`: seconds and words of earlier answers, by audio id.

    The most is what the request's cap on tokens allows, else the model's longest answer, all of it
    sound where sound is asked for. How the service counts an earlier answer is not documented: at
    the least as its words, at the most as what it was when it was made.
    """
    messages, spoken = request.messages, bool(request.voice)
    sounds = [sound.seconds for message in messages for sound in message.sounds]
    heard = sum(math.floor(seconds * AUDIO_IN_PER_SECOND) for seconds in sounds)
    earlier = [_earlier(m.audio_id, said or {}) for m in messages if m.audio_id]
    words, resent = (sum(part) for part in zip((0, 0), *earlier, strict=True))
    text = sum(count(message.text) for message in messages) + words
    # What is asked for besides messages (tools, say) counts as the text that it is sent as.
    rest = count(json.dumps(replace(request, messages=()).wire()))
    most_text = sum(map(_most_text, messages)) + words + FRAME + rest
    most_heard = heard + resent + ROUNDING * len(sounds)

    longest = min(request.max_tokens or catalogue().max_output, catalogue().max_output)
    answer = min(longest, _likely_answer(messages, spoken))
    audio = answer * AUDIO_PER_TEXT // (AUDIO_PER_TEXT + 1) if spoken else 0
    return Estimate(
        Usage(text + heard, 0, heard, 0, cached_tokens=text),
        Usage(text + FRAME * len(messages) // 2 + heard, answer, heard, audio),
        Usage(most_text + most_heard, longest, most_heard, longest if spoken else 0),
        price,
    )


def afterwards(request: Request, text: str, seconds_out: float) -> Usage:
    """Count what an answer took of which the server did not say it: one that was stopped, say."""
    asked = estimate(request, None).likely
    audio = round(seconds_out * AUDIO_OUT_PER_SECOND)
    return replace(asked, output_tokens=count(text) + audio, output_audio_tokens=audio)


def _most_text(message: Message) -> int:
    """Count a message's text at the most: with whatever else it is sent with, sounds apart."""
    texts = tuple(part for part in message.parts if isinstance(part, str))
    sent = json.dumps(replace(message, parts=texts).wire(), ensure_ascii=False)
    return FRAME + max(count(message.text), count(sent))


def _earlier(audio_id: str, said: Mapping[str, tuple[float, str]]) -> tuple[int, int]:
    """Return the words' tokens of an earlier answer, and those of its sound at the most."""
    if audio_id not in said:
        return 0, catalogue().max_output
    seconds, words = said[audio_id]
    return count(words), math.ceil(seconds * AUDIO_OUT_PER_SECOND)


def _likely_answer(messages: Iterable[Message], spoken: bool) -> int:
    """Guess an answer's tokens: a text read aloud is known, any other answer is a short one."""
    *before, last = messages
    verbatim = any(VERBATIM in message.text for message in before)
    words = count(last.text) if verbatim else LIKELY_TEXT
    return words * (1 + AUDIO_PER_TEXT) if spoken else words
