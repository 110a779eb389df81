"""What a model's instructions ask of its voice: "Speak slowly", "You always whisper", "Be calm".

What they are about otherwise is no style: "Talk about sad movies", "You are a fast thinker".
"""

import re
from collections.abc import Iterator

from .style import Style, is_wish, plain

SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
OF_OTHERS = re.compile(
    r"\b(?:users?|learners?|students?|customers?|callers?|they|s?he|if|when(?:ever)?)\b", re.I
)
BEGINNING = r"(?:^|\b(?:and|then|please|always|you|must|should|will|to) )"
SPEAK = re.compile(rf"{BEGINNING}(?P<how>(?:speak|talk|sound|whisper|shout)\b.*)", re.I)
ANSWER = re.compile(
    rf"{BEGINNING}(?:be|answer|reply|respond|read|say)"
    r"(?: (?:it|this|that|everything|always|aloud|back))* (?P<how>.*)",
    re.I,
)
VOICE = re.compile(
    r"\b(?:in|with) an? (?P<how>[^,.;]*?) (?:voice|tone)\b"
    r"|\byour (?:voice|tone) (?:is|should be|must be) (?P<is>[^,.;]*)",
    re.I,
)
# Where something else is spoken of.
ELSE = re.compile(
    r"\b(?:about|to|who|that|if|when|while|like|of|at|for|because|so that|until"
    r"|in(?! an? )|with(?! an? )|as(?! (?:\w+ as|possible|you can)\b))\b",
    re.I,
)


def voice_style(instructions: str) -> Style:
    """Return the style that a model's instructions ask for; the model is told all of them."""
    sentences = (one.strip() for one in SENTENCE.split(plain(instructions)))
    asked = (how for one in sentences if not OF_OTHERS.search(one) for how in _asked(one))
    return Style(Style.of("\n".join(asked)).prosody)


def _asked(sentence: str) -> Iterator[str]:
    if speak := SPEAK.search(sentence):
        yield ELSE.split(speak["how"])[0]
    if (answer := ANSWER.search(sentence)) and is_wish(answer["how"]):
        yield ELSE.split(answer["how"])[0]
    for voice in VOICE.finditer(sentence):
        yield voice["how"] or voice["is"]
