"""Every option of the magics, declared once: its flags, its setting, its place in the manual."""

from collections.abc import Iterator
from typing import Any

from traitlets import (
    Bool,
    CUnicode,
    Dict,
    Enum,
    Float,
    Int,
    List,
    TraitError,
    TraitType,
    Unicode,
    Union,
)
from traitlets.config import Config, Configurable

from .. import suggestions
from ..errors import OptionError, one_line

MAGICS = ("speak", "listen")


class Settings(Configurable):
    """The options; a setting of the same name is an option's default.

    Tags: `flags` on the line; `metavar` its value in the manual; `only` the magic that has it;
    `bare` its value where the line gives none.
    """

    model = Unicode("gpt-audio-1.5", help="a model of the server's; several are compared").tag(
        config=True, flags=("-m", "--model"), metavar="ID[,ID…]"
    )
    voice = Unicode("alloy", help="a voice's name or custom id; several are compared").tag(
        config=True, flags=("-v", "--voice"), metavar="NAME[,NAME…]"
    )
    style = Unicode("", help="how to say it: language, accent, emotion, pace").tag(
        config=True, flags=("-s", "--style"), metavar="TEXT"
    )
    system = Unicode("", help="who the model is").tag(
        config=True, flags=("--system",), metavar="TEXT"
    )
    verbatim = Bool(False, help="read the text aloud, word for word").tag(
        config=True, flags=("--verbatim",), only="speak"
    )
    text = Bool(False, help="answer in text only: no sound is asked for or paid for").tag(
        config=True, flags=("--text",), only="listen"
    )
    expect = Unicode("", help="what is to be said: what was understood is held against it").tag(
        config=True, flags=("--expect",), metavar="TEXT", only="listen"
    )
    chat = Unicode("", help="continue a conversation (main, unless named)").tag(
        config=True, flags=("-c", "--chat"), metavar="[NAME]", bare="main"
    )
    tools = Unicode("", help="functions of the notebook that the model may call").tag(
        config=True, flags=("--tools",), metavar="NAME[,NAME…]"
    )
    file = List(Unicode(), help="a sound file to send, of any format libsndfile reads").tag(
        config=True, flags=("-f", "--file"), metavar="PATH", only="listen"
    )
    sound = List(Unicode(), help="a variable to send: a Sound, (rate, array), an Audio").tag(
        config=True, flags=("--sound",), metavar="NAME", only="listen"
    )
    max_seconds = Float(300.0, min=1, max=2400, help="longest recording").tag(
        config=True, flags=("--max-seconds",), metavar="N", only="listen"
    )
    hands_free = Bool(False, help="record on speech, stop by itself after a silence").tag(
        config=True, flags=("--hands-free",), only="listen"
    )
    noise_suppression = Bool(
        True, help="let the browser suppress noise and echo, and level the voice"
    ).tag(config=True, flags=("--noise-suppression",), only="listen")
    wait = Bool(False, help="let the cell wait for the recording and its reply").tag(
        config=True, flags=("--wait",), only="listen"
    )
    each = Unicode("", help="the text once for each item of a list, or row of a DataFrame").tag(
        config=True, flags=("--each",), metavar="NAME"
    )
    workers = Int(8, min=1, help="calls at once, of --each").tag(
        config=True, flags=("--workers",), metavar="N"
    )
    out = Unicode("", help="bind the reply to a variable").tag(
        config=True, flags=("-o", "--out"), metavar="NAME"
    )
    save = Unicode("", help="write its sound: .wav .mp3 .flac .ogg, or .html for a page").tag(
        config=True, flags=("--save",), metavar="FILE"
    )
    engine = Enum(
        ("auto", "openai", "local"),
        "auto",
        help="where it goes; auto: the service when a key is set, else the embedded engine",
    ).tag(config=True, flags=("--engine",), metavar="auto|openai|local")
    base_url = Unicode("", help="another server that speaks the protocol").tag(
        config=True, flags=("--base-url",), metavar="URL"
    )
    llm = Unicode("", help="the engine's language model: a GGUF, a hub's name, a URL").tag(
        config=True, flags=("--llm",), metavar="MODEL"
    )
    stt = Unicode("", help="its recogniser: a folder of Whisper, a hub's name, a URL").tag(
        config=True, flags=("--stt",), metavar="MODEL"
    )
    max_tokens = Int(None, allow_none=True, min=1, help="cap on output tokens").tag(
        config=True, flags=("--max-tokens",), metavar="N"
    )
    dry_run = Bool(False, help="show what would be sent and what it would cost; send nothing").tag(
        config=True, flags=("--dry-run",)
    )
    max_cost = CUnicode("", help="never spend more than this on the call").tag(
        config=True, flags=("--max-cost",), metavar="USD"
    )
    allow_unpriced = Bool(False, help="under a cap, ask a model without a known price too").tag(
        config=True, flags=("--allow-unpriced",)
    )
    prices = Union(
        [Unicode(), Dict()], default_value="", help="prices of your own: a TOML file, or a dict"
    ).tag(config=True, flags=("--prices",), metavar="FILE")
    autoplay = Bool(True, help="let the reply be heard while it arrives").tag(
        config=True, flags=("--autoplay",)
    )
    quiet = Bool(False, help="show no card").tag(config=True, flags=("-q", "--quiet"))

    @classmethod
    def declared(cls, magic: str) -> Iterator[tuple[str, TraitType[Any, Any]]]:
        """Yield the options of a magic in order: name and trait."""
        for name, trait in vars(Settings).items():  # in the order of declaration
            if isinstance(trait, TraitType) and trait.metadata.get("only", magic) == magic:
                yield name, trait

    @classmethod
    def flags(cls, magic: str) -> dict[str, str]:
        """Map each flag of a magic to its option; a switch has a `--no-` form too."""
        table = {}
        for name, trait in cls.declared(magic):
            for flag in trait.metadata["flags"]:
                table[flag] = name
                if isinstance(trait, Bool) and flag.startswith("--"):
                    table["--no-" + flag[2:]] = name
        return table

    @classmethod
    def read(cls, name: str, words: str) -> Any:
        """Turn the words of a line into an option's value, or one of them. Raises OptionError."""
        trait = cls.class_traits()[name]
        if isinstance(trait, Unicode | List | Union):
            return words  # from_string would take quotes off, and expand a `~`
        try:
            return trait.validate(cls(), trait.from_string(words))  # type: ignore[attr-defined]
        except (TraitError, ValueError) as error:
            raise OptionError(complaint(name, words)) from error

    @classmethod
    def manual(cls, magic: str) -> str:
        """Return the table of a magic's options."""
        lines = []
        for _, trait in cls.declared(magic):
            head = ", ".join(trait.metadata["flags"])
            head = " ".join((head, trait.metadata.get("metavar", ""))).rstrip()
            lines.append(f"  {head:<31} {trait.help}".rstrip())
        return "\n".join(lines)


def complaint(name: str, value: object) -> str:
    """Word the complaint about a value that an option does not take."""
    trait = Settings.class_traits()[name]
    if isinstance(trait, Enum):
        return suggestions.unknown(name, str(value), [str(known) for known in trait.values or ()])
    if isinstance(trait, Float):
        wanted = f"{trait.min} to {trait.max}"
    else:
        wanted = "a whole number above 0" if isinstance(trait, Int) else trait.info()
    return f"{name} takes {wanted}, not '{one_line(value, 60)}'"


def refuse_misspelt(config: Config) -> None:
    """Raise OptionError for a setting that is none; forget it, so that it complains once."""
    given = config.get("AudioMagics", {})
    traits = Settings.class_traits(config=True)
    for name, value in list(given.items()):
        try:
            if name not in traits:
                raise OptionError(suggestions.unknown("AudioMagics setting", name, traits))
            traits[name]._validate(Settings(), value)
        except (OptionError, TraitError) as error:
            given.pop(name)
            if isinstance(error, OptionError):
                raise
            raise OptionError(complaint(name, value)) from None
