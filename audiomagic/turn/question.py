"""Question: the user's message of one turn: words, and the sounds that stand in them."""

from itertools import zip_longest

from ..errors import OptionError
from ..protocol.request import Message
from ..sound import Sound

PLACE = "{sound}"  # where a sound stands in the words that go with it


def written(text: str) -> Message:
    """Make it of a text. Raises OptionError where there is none."""
    if not isinstance(text, str) or not text.strip():
        raise OptionError("there is nothing to say; write some text")
    return Message("user", (text,))


def sounds_of(value: object) -> list[Sound]:
    """Return the sounds of a value, or of a list of them. Raises SoundError."""
    return [Sound.of(one) for one in (value if isinstance(value, list) else [value])]


def spoken(sound: object, words: str = "") -> Message:
    """Make it of a sound, or a list of them, and words: each sound stands where the words say
    `{sound}`, one after the other, and the others follow.

    Raises SoundError for what holds none.
    """
    sounds = sounds_of(sound)
    first, *others = words.split(PLACE, len(sounds))
    parts: list[str | Sound] = [first]
    for one, text in zip_longest(sounds, others, fillvalue=""):
        parts += [one, text]
    stripped = (part.strip() if isinstance(part, str) else part for part in parts)
    return Message("user", tuple(part for part in stripped if part != ""))
