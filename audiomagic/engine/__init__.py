"""The local engine: speech to speech on this machine, without a key or a network.

Three small models in a row: Whisper tiny.en (speech recognition), SmolLM2-135M (language model),
hibari (speech synthesis). `$AUDIOMAGIC_LLM` and `$AUDIOMAGIC_STT` name better ones.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sound import Sound


def transcribe(sound: object) -> str:
    """Return the words that are spoken in anything that holds a sound; "" for none.

    Raises SoundError when it holds no sound.
    """
    from ..sound import Sound
    from .engine import engine

    return engine().load("stt").stt.transcribe(Sound.of(sound))


def synthesize(text: str, voice: str = "alloy", style: str = "") -> "Sound":
    """Speak an English text, in a style such as "slowly"; the sound is float32 at 24 kHz.

    Raises OptionError for an unknown voice.
    """
    from .. import suggestions
    from ..errors import OptionError
    from .engine import engine
    from .style import Style
    from .text_normalization import speakable
    from .tts import voices

    if voice not in voices():
        raise OptionError(suggestions.unknown("voice", voice, voices()))
    return engine().load("tts").tts.synthesize(speakable(text), voice, Style.of(style).prosody)
