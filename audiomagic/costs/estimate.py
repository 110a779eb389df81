"""What a request will take, before it is sent: seconds, tokens, and a range in dollars.

Tokens of a text are bounded, not counted: a tokenizer's vocabulary takes 40 MB of memory. The
bounds follow from how the models' tokenizer (o200k, a byte-level BPE) works:

- at most one token per byte of UTF-8, since every token stands for at least one byte. Shorter
  bounds such as a third of the bytes fail for emoji, rare scripts and text with many digits;
- at least one token per word, since no token crosses the space between two words;
- likely one for four bytes: 4 letters of English, 2 of Cyrillic, 1.3 of Japanese.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from ..catalogue import catalogue
from ..protocol.request import VERBATIM, Message, Request
from ..protocol.usage import AUDIO_IN_PER_SECOND, AUDIO_OUT_PER_SECOND, Usage
from .pricing import Price, bill, exact

FRAME = 4  # tokens around a message
ROUNDING = 2  # tokens by which a sound's may differ: it is resampled, and perhaps made an mp3
AUDIO_PER_TEXT = 6  # tokens of sound for one of its transcript, in most recorded answers
LIKELY_TEXT = 60  # text tokens of an answer about which nothing is known: 15 to 20 s of speech


@dataclass(frozen=True)
class Estimate:
    """The fewest, the likely and the most tokens, and the price at which they are billed."""

    low: Usage
    likely: Usage
    high: Usage
    price: Price | None

    def __add__(self, reread: Usage) -> "Estimate":
        """Return it with tokens that are read in any case, whatever the request holds."""
        likely, high = self.likely + reread, self.high + reread
        return replace(self, likely=likely, high=high)

    @property
    def seconds_out(self) -> tuple[float, ...]:  # the least, likely, the most
        usages = (self.low, self.likely, self.high)
        return tuple((usage.output_audio_tokens or 0) / AUDIO_OUT_PER_SECOND for usage in usages)

    @property
    def dollars(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """US dollars: the least, likely, the most; None when the price is unknown."""
        low, likely = bill(self.low, self.price), bill(self.likely, self.price)
        if low is None or likely is None:
            return None
        return low.dollars, likely.dollars, self.worst(self.high.output_tokens)

    def worst(self, tokens: int) -> Decimal:
        """Return the most US dollars that it costs with so long an answer, at a known price."""
        assert self.price is not None
        rates = self.price.rates
        sound = self.high.output_audio_tokens and rates.audio_out > rates.text_out
        audio = tokens if sound else 0
        most = replace(self.high, output_tokens=tokens, output_audio_tokens=audio)
        billed = bill(most, self.price)
        assert billed is not None
        return billed.dollars

    @exact()
    def affordable(self, dollars: Decimal) -> int:
        """Return how many tokens an answer may have so that the worst case costs no more."""
        room, token = dollars - self.worst(0), self.worst(1) - self.worst(0)
        longest = self.high.output_tokens
        if room < 0:
            return 0
        return min(longest, int(room // token)) if token else longest


def estimate(
    request: Request, price: Price | None, said: Mapping[str, tuple[float, str]] | None = None
) -> Estimate:
    """Estimate a request at a price. `said`: seconds and words of earlier answers, by audio id.

    The most is what the request's cap on tokens allows, else the model's longest answer, all of it
    sound if it is spoken. How the service counts an earlier answer is not documented: at least as
    its words, at most as what it was when it was made.
    """
    said, messages, spoken = said or {}, request.messages, bool(request.voice)
    sounds = [sound.seconds for message in messages for sound in message.sounds]
    heard = sum(math.floor(seconds * AUDIO_IN_PER_SECOND) for seconds in sounds)
    earlier = [said.get(message.audio_id) for message in messages if message.audio_id]
    resent = sum(
        math.ceil(answer[0] * AUDIO_OUT_PER_SECOND) if answer else catalogue().max_output
        for answer in earlier
    )
    texts = [said.get(message.audio_id or "", (0, message.text))[1] for message in messages]
    least_text, likely_text = sum(len(text.split()) for text in texts), sum(map(count, texts))
    most_text = _most_text(request) + sum(_bytes(answer[1]) for answer in earlier if answer)
    most_heard = heard + resent + ROUNDING * len(sounds)

    longest = min(request.max_tokens or catalogue().max_output, catalogue().max_output)
    answer = min(longest, _likely_answer(messages, spoken))
    audio = answer * AUDIO_PER_TEXT // (AUDIO_PER_TEXT + 1) if spoken else 0
    return Estimate(
        Usage(least_text + heard, 0, heard, 0, least_text + heard, heard),  # all of it cached
        Usage(likely_text + FRAME * len(messages) + heard, answer, heard, audio),
        Usage(most_text + most_heard, longest, most_heard, longest if spoken else 0),
        price,
    )


def afterwards(request: Request, text: str, seconds_out: float, fewest: int = 0) -> Usage:
    """Count what an answer took whose usage is not known, at least the `fewest` output tokens."""
    asked = estimate(request, None).likely
    audio = round(seconds_out * AUDIO_OUT_PER_SECOND)
    output = max(count(text) + audio, fewest)
    return replace(asked, output_tokens=output, output_audio_tokens=audio)


def larger(counted: Usage, told: Usage | None, price: Price | None) -> Usage:
    """Return our own count, or on each side what the server told where that costs more.

    How much of a total is sound, we count where it was not told.
    """
    if told is None:
        return counted
    told = _in_full(told, counted)
    sent = replace(
        counted,
        input_tokens=told.input_tokens,
        input_audio_tokens=told.input_audio_tokens,
        cached_tokens=told.cached_tokens,
        cached_audio_tokens=told.cached_audio_tokens,
    )
    received = replace(
        told,
        input_tokens=counted.input_tokens,
        input_audio_tokens=counted.input_audio_tokens,
        cached_tokens=counted.cached_tokens,
        cached_audio_tokens=counted.cached_audio_tokens,
        server_cost=None,
    )

    def cost(usage: Usage) -> Decimal:
        billed = bill(usage, price)
        return billed.dollars if billed else Decimal(-1)

    return max((counted, told, sent, received), key=cost)


def _in_full(told: Usage, counted: Usage) -> Usage:
    heard, spoken = told.input_audio_tokens, told.output_audio_tokens
    if heard is None:
        heard = min(counted.input_audio_tokens or 0, told.input_tokens)
    if spoken is None:
        spoken = min(counted.output_audio_tokens or 0, told.output_tokens)
    return replace(told, input_audio_tokens=heard, output_audio_tokens=spoken)


def count(text: str) -> int:
    return max(len(text.split()), math.ceil(_bytes(text) / 4))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))  # half a character has no bytes


def _most_text(request: Request) -> int:
    """Bound the tokens of all that is sent but sound: messages, tools, and JSON around them."""
    texts = tuple(
        replace(message, parts=tuple(part for part in message.parts if isinstance(part, str)))
        for message in request.messages
    )
    return _bytes(json.dumps(replace(request, messages=texts).wire(), ensure_ascii=False))


def _likely_answer(messages: Iterable[Message], spoken: bool) -> int:
    *before, last = messages
    verbatim = any(VERBATIM in message.text for message in before)
    words = count(last.text) if verbatim else LIKELY_TEXT
    return words * (1 + AUDIO_PER_TEXT) if spoken else words
