"""Prosody: how a text is spoken, whatever it says, as changes to a voice's own way."""

from dataclasses import dataclass

# What the voices are still understood with, and no stranger than a person.
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
    pauses: float = 1.0  # factor on the pauses; above 1, there is one at each comma

    def __mul__(self, other: "Prosody") -> "Prosody":
        """Return the changes of both."""
        return Prosody(
            self.pace * other.pace,
            self.pitch * other.pitch,
            self.melody * other.melody,
            self.loudness + other.loudness,
            self.brightness + other.brightness,
            1 - (1 - self.breath) * (1 - other.breath),
            self.pauses * other.pauses,
        )

    def __pow__(self, degree: float) -> "Prosody":
        """Return the changes made stronger, by a `degree` above 1, or weaker."""
        return Prosody(
            self.pace**degree,
            self.pitch**degree,
            self.melody**degree,
            self.loudness * degree,
            self.brightness * degree,
            self.breath * degree,
            self.pauses**degree,
        )

    def limited(self) -> "Prosody":
        """Return the changes as far as a voice can go."""
        changes = vars(self).items()
        return Prosody(
            **{name: min(max(value, LIMITS[name][0]), LIMITS[name][1]) for name, value in changes}
        )


PLAIN = Prosody()  # a voice's own way
