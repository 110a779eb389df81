"""Prosody: how a text is spoken, whatever it says, as changes to a voice's own way."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

# What a voice is still understood with, and no stranger than a person.
LIMITS = {
    "pace": (0.5, 1.6),
    "pitch": (0.7, 1.4),
    "melody": (0.15, 2.0),
    "loudness": (-10.0, 6.0),
    "brightness": (-5.0, 5.0),
    "breath": (0.0, 1.0),
    "pauses": (0.5, 3.0),
}


@dataclass(frozen=True)
class Prosody:
    """Changes to the way a voice speaks; these are none."""

    pace: float = 1.0  # factor on the tempo
    pitch: float = 1.0  # factor on the frequency of the melody
    melody: float = 1.0  # factor on the range of the melody, in semitones; 0 is a monotone
    loudness: float = 0.0  # dB
    brightness: float = 0.0  # dB per octave; what is below 0 sounds muffled, above it sharp
    breath: float = 0.0  # share of the voice that becomes breath; 1 is a whisper
    pauses: float = 1.0  # factor on the pauses; above 1, those at commas are longer, too

    @classmethod
    def together(cls, changes: Iterable["Prosody"]) -> "Prosody":
        """Return all changes at once: of several in one direction, the largest, as far as a voice
        can go. "Happy" and "cheerful" are not twice as cheerful.
        """
        changes = list(changes)
        found = {}
        for field in fields(cls):
            none: float = field.default  # type: ignore[assignment]
            values = [none, *(getattr(change, field.name) for change in changes)]
            up, down = max(values), min(values)
            value = up * down if none else up + down
            least, most = LIMITS[field.name]
            found[field.name] = min(max(value, least), most)
        return cls(**found)

    def paced(self, factor: float) -> "Prosody":
        """Return the changes at another tempo, which has no limit here."""
        return replace(self, pace=self.pace * factor)

    def __pow__(self, degree: float) -> "Prosody":
        """Return the changes made stronger (a `degree` above 1), weaker, or opposite (below 0)."""
        return Prosody(
            self.pace**degree,
            self.pitch**degree,
            self.melody**degree,
            self.loudness * degree,
            self.brightness * degree,
            self.breath * degree,
            self.pauses**degree,
        )


PLAIN = Prosody()  # a voice's own way
