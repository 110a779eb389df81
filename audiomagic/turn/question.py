"""What is asked: a text, or sounds with an instruction, made fit to be sent."""

from typing import NamedTuple

from ..protocol.request import Message
from ..sound import Sound
from ..speech.silence import note, trim_silence
from ..transports.download import fetched


class SpokenQuestion(NamedTuple):
    """A message with sounds, and what its sender should know of it."""

    message: Message
    notes: tuple[str, ...]

    @classmethod
    def of(cls, sound: object, instruction: str = "") -> "SpokenQuestion":
        """Take whatever holds sounds (see `Session.listen`), without silence at their ends.

        Raises SoundError.
        """
        whole = Sound.list_of(fetched(sound))
        sent = list(map(trim_silence, whole))
        saved = sum(one.seconds for one in whole) - sum(one.seconds for one in sent)
        notes = [one.note for one in whole] + [note(saved) if saved else ""]
        return cls(Message.user(instruction, sent), tuple(filter(None, notes)))
