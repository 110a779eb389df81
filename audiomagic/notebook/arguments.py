"""The line of a magic: its options, each declared once, and the text that is left as typed.

A declaration gives an option its flags, its setting, its line in the manual and its completion.
"""

import re
import shlex
from collections.abc import Sequence
from math import inf
from typing import Any, TypeVar

from IPython.core.interactiveshell import InteractiveShell
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
from ..catalogue import ENGINES, catalogue
from ..errors import OptionError, one_line

MAGICS = ("speak", "listen", "converse")
LISTS = ("model", "voice", "tools")  # options that may name several, with commas between them
AnyTrait = TraitType[Any, Any]
Trait = TypeVar("Trait", bound=AnyTrait)
TOKEN = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"']|["'])+""")
FLAG = re.compile(r"--?[A-Za-z]")


def _option(trait: Trait, help: str, metavar: str = "", short: str = "", **tags: str) -> Trait:
    """Declare an option. `only`: the magics that have it; `bare`: its value if none is given;
    `live`: what it means for a conversation, where that is something else.
    """
    trait.help = help
    return trait.tag(config=True, metavar=metavar, short=short, **tags)


class MagicOptions(Configurable):
    """The options of the magics; a setting of the same name is an option's default."""

    model = _option(
        Unicode("gpt-audio-1.5"), "model to use; a comma-separated list compares them",
        "ID[,ID…]", "-m", live="model to use",
    )  # fmt: skip
    voice = _option(
        Unicode("alloy"), "voice name or custom voice id; a comma-separated list compares them",
        "NAME[,NAME…]", "-v", live="voice name or custom voice id",
    )  # fmt: skip
    style = _option(Unicode(), "how to say it: language, accent, emotion, pace", "TEXT", "-s")
    system = _option(Unicode(), "who the model is", "TEXT")
    verbatim = _option(Bool(False), "read the text aloud, word for word", only="speak")
    text = _option(Bool(False), "answer in text only; no sound is paid for", only="listen")
    expect = _option(
        Unicode(), "the words to be said; compares what was understood", "TEXT", only="listen"
    )
    chat = _option(
        Unicode(), "continue a conversation (default name: main)", "[NAME]", "-c", bare="main"
    )
    tools = _option(Unicode(), "functions of the notebook that the model may call", "NAME[,NAME…]")
    push_to_talk = _option(
        Bool(False), "talk while a button, or the space bar, is held", only="converse"
    )
    max_minutes = _option(
        Float(None, allow_none=True, min=0.1), "longest live conversation, in minutes", "N",
        only="converse",
    )  # fmt: skip
    language = _option(
        Unicode(), "the language that you speak, such as fr", "CODE", only="converse"
    )
    keep_sound = _option(Bool(False), "also keep the sound of what you say", only="converse")
    say = _option(
        List(Unicode()),
        "a typed turn of yours; repeat it for more, in order",
        "TEXT",
        only="converse",
    )
    file = _option(
        List(Unicode()), "sound file, of any format libsndfile reads, or a URL", "PATH", "-f",
        only="listen converse",
    )  # fmt: skip
    sound = _option(
        List(Unicode()), "variable to send: a Sound, (rate, array), an Audio, an upload", "NAME",
        only="listen converse",
    )  # fmt: skip
    max_seconds = _option(
        Float(300.0, min=1, max=2400), "longest recording, in seconds", "N", only="listen"
    )
    hands_free = _option(Bool(False), "record on speech, stop after a silence", only="listen")
    noise_suppression = _option(
        Bool(True), "let the browser suppress noise and echo, and level the voice", only="listen"
    )
    wait = _option(Bool(False), "make the cell wait for the recording and its reply", only="listen")
    each = _option(
        Unicode(), "run once for each item of a list, or row of a DataFrame", "NAME",
        only="speak listen",
    )  # fmt: skip
    workers = _option(
        Int(8, min=1), "number of parallel calls with --each", "N", only="speak listen"
    )
    out = _option(
        Unicode(), "variable to bind the reply to", "NAME", "-o",
        live="variable to bind the conversation to",
    )  # fmt: skip
    save = _option(
        Unicode(), "file to save the reply to: .wav .mp3 .flac .ogg, or .html", "FILE",
        live="file to save the conversation to: .html",
    )  # fmt: skip
    engine = _option(
        Enum(ENGINES, "auto"),
        "who answers; auto: the service if a key is set, else the local engine",
        "auto|openai|local",
    )
    base_url = _option(Unicode(), "another server that speaks the protocol", "URL")
    llm = _option(Unicode(), "the engine's language model: GGUF file, hub name or URL", "MODEL")
    stt = _option(
        Unicode(), "the engine's speech recogniser: Whisper folder, hub name or URL", "MODEL"
    )
    max_tokens = _option(Int(None, allow_none=True, min=1), "cap on output tokens", "N")
    dry_run = _option(
        Bool(False), "show what would be sent and its cost; send nothing", only="speak listen"
    )
    max_cost = _option(
        CUnicode(), "cap on what the call may cost", "USD",
        live="cap on what the whole conversation may cost",
    )  # fmt: skip
    allow_unpriced = _option(Bool(False), "under a cap, allow a model whose price is unknown")
    prices = _option(
        Union([Unicode(), Dict()], default_value=""), "your own prices: TOML file or dict", "FILE"
    )
    autoplay = _option(Bool(True), "play the reply while it arrives")
    quiet = _option(Bool(False), "show no card", short="-q")

    @classmethod
    def declared(cls, magic: str) -> list[AnyTrait]:
        traits = [trait for trait in vars(MagicOptions).values() if isinstance(trait, TraitType)]
        return [trait for trait in traits if magic in magics_of(trait)]

    def values(self, magic: str) -> dict[str, Any]:
        return {trait.name or "": trait.get(self) for trait in self.declared(magic)}

    @classmethod
    def flags(cls, magic: str) -> dict[str, AnyTrait]:
        """Map each flag of a magic to its option; a switch has a `--no-` form too."""
        table: dict[str, AnyTrait] = {}
        for trait in cls.declared(magic):
            table |= dict.fromkeys(flags_of(trait), trait)
            if isinstance(trait, Bool):
                table[f"--no-{flags_of(trait)[-1][2:]}"] = trait
        return table

    @classmethod
    def manual(cls, magic: str) -> str:
        heads = [(", ".join(flags_of(trait)), trait) for trait in cls.declared(magic)]
        rows = [
            (f"{flags} {trait.metadata['metavar']}", _help(trait, magic)) for flags, trait in heads
        ]
        return "\n".join(f"  {head.strip():<31} {help}" for head, help in rows)


def _help(trait: AnyTrait, magic: str) -> str:
    """Return what an option means for a magic; of a conversation some mean less, or more."""
    return (trait.metadata.get("live") if magic == "converse" else None) or trait.help


def magics_of(trait: AnyTrait) -> Sequence[str]:
    """Return the magics that have an option."""
    only: str | None = trait.metadata.get("only")
    return only.split() if only else MAGICS


def flags_of(trait: AnyTrait) -> list[str]:
    """Return an option's flags, the long one last."""
    assert trait.name
    return [*filter(None, (trait.metadata["short"],)), "--" + trait.name.replace("_", "-")]


# -- the parser -------------------------------------------------------------------------------
def parse(magic: str, line: str) -> tuple[dict[str, Any], str]:
    """Return a line's options by name, and the text after them.

    Options end at the first word that is not an option, or at `--`. `--file`, `--sound` and `--say`
    may be repeated: `sources` lists them in order, as (option, value). Raises OptionError.
    """
    flags = MagicOptions.flags(magic)
    options: dict[str, Any] = {}
    rest = line.strip()
    while FLAG.match(rest):
        flag, value, rest = _split_option(rest, flags, magic)
        trait = flags[flag]
        name = trait.name or ""
        if value is None:
            options[name] = trait.metadata.get("bare", not flag.startswith("--no-"))
        elif isinstance(trait, List):
            options.setdefault("sources", []).append((name, value))
        else:
            if name in LISTS:
                value, rest = _whole_list(flag, trait, value, rest, magic)
            options[name] = _value(trait, value)
    return options, rest[2:].strip() if rest.split(maxsplit=1)[:1] == ["--"] else rest


def _split_option(rest: str, flags: dict[str, AnyTrait], magic: str) -> tuple[str, str | None, str]:
    """Split an option off the front: its flag, its value (None: a switch), and what follows."""
    match = TOKEN.match(rest)
    assert match
    token, rest = match[0], rest[match.end() :].lstrip()
    flag, equals, value = token.partition("=")
    if f"-{flag}" in flags:  # -style: not -s with the value "tyle"
        raise OptionError(suggestions.unknown(f"{_named(magic)} option", flag, [f"-{flag}"]))
    if not token.startswith("--") and token[:2] in flags and len(token) > 2:
        flag, equals, value = token[:2], "=", token[2:].removeprefix("=")  # -vcoral
    if flag in ("-h", "--help"):
        raise OptionError(f"{_named(magic)}? shows the manual")
    if flag not in flags:
        for other in MAGICS:
            if flag in MagicOptions.flags(other):
                raise OptionError(f"{flag} is an option of {_named(other)}, not of {_named(magic)}")
        raise OptionError(suggestions.unknown(f"{_named(magic)} option", flag, flags))
    trait = flags[flag]
    if isinstance(trait, Bool):
        if equals:
            raise OptionError(f"{flag} takes no value")
        return flag, None, rest
    if not equals:
        match = TOKEN.match(rest)
        if not match or match[0].partition("=")[0] in flags or match[0] == "--":
            if "bare" in trait.metadata:
                return flag, None, rest
            raise _lacking(flag, trait)
        value, rest = match[0], rest[match.end() :].lstrip()
    try:
        return flag, "".join(shlex.split(value)) if value[:1] in "\"'" else value, rest
    except ValueError:
        raise OptionError(f"a quote is not closed after {flag}: {one_line(value, 40)}") from None


def _named(magic: str) -> str:
    """Return a magic as it is written; a conversation has no form of one line."""
    return f"%%{magic}" if magic == "converse" else f"%{magic}"


def _whole_list(flag: str, trait: AnyTrait, value: str, rest: str, magic: str) -> tuple[str, str]:
    """Add the names of a list that has blanks beside its commas.

    After a comma and a blank, a known name goes on in the list. Any other word may as well be the
    first of the text, and raises OptionError.
    """
    if value and not names_in(value):
        raise _lacking(flag, trait)
    while value.endswith(",") or rest.startswith(","):
        match = TOKEN.match(rest)
        if not match or FLAG.match(rest) or match[0] == "--":
            break
        word, rest = match[0], rest[match.end() :].lstrip()
        known = _known(trait.name or "", magic)
        if value.endswith(",") and not set(names_in(word)).issubset(known):
            shown, listed = one_line(word, 60), one_line(value + word, 60)
            raise OptionError(
                f"'{shown}' follows a comma; write {flag} {listed} for a list, -- before a text"
            )
        value += word
    return value, rest


def _lacking(flag: str, trait: AnyTrait) -> OptionError:
    return OptionError(f"{flag} needs a value: {flag} {trait.metadata['metavar']}")


def names_in(listed: str) -> list[str]:
    """Return the names of a comma-separated list, each once."""
    return list(dict.fromkeys(filter(None, map(str.strip, listed.split(",")))))


def _known(name: str, magic: str) -> list[str]:
    """Return the values of a magic's option that we know of."""
    known, live = catalogue(), magic == "converse"
    if name == "model":
        return [one for one, model in known.table(live).items() if not model.shut_down()]
    voices = known.realtime_voices if live else known.voices
    return {"voice": list(voices), "engine": list(ENGINES)}.get(name, [])


def _value(trait: AnyTrait, words: str) -> Any:
    if isinstance(trait, Unicode | Union):
        return words  # from_string would take quotes off, and expand a `~`
    try:
        return trait.validate(MagicOptions(), trait.from_string(words))  # type: ignore[attr-defined]
    except (TraitError, ValueError) as error:
        raise OptionError(_invalid(trait, words)) from error


def _invalid(trait: AnyTrait, value: object) -> str:
    if isinstance(trait, Enum):
        return suggestions.unknown(trait.name or "", str(value), trait.values or ())
    if isinstance(trait, Float):
        bounded = trait.max < inf
        wanted = f"between {trait.min:g} and {trait.max:g}" if bounded else f"{trait.min:g} or more"
    else:
        wanted = "a whole number above 0" if isinstance(trait, Int) else trait.info()
    return f"{trait.name} must be {wanted}, not '{one_line(value, 60)}'"


# -- settings ---------------------------------------------------------------------------------
def check_config(config: Config) -> None:
    """Raise OptionError for an unknown or invalid setting; drop it, so that it complains once."""
    given = config.get("AudioMagics", {})
    traits = MagicOptions.class_traits(config=True)
    for name, value in list(given.items()):
        if name not in traits:
            del given[name]
            raise OptionError(suggestions.unknown("AudioMagics setting", name, traits))
        try:
            traits[name]._validate(MagicOptions(), value)
        except TraitError:
            del given[name]
            raise OptionError(_invalid(traits[name], value)) from None


# -- completion -------------------------------------------------------------------------------
def complete(shell: InteractiveShell, event: Any) -> list[str]:
    """Return the flags, or a flag's values, that fit the cursor (a `complete_command` hook)."""
    magic = event.command.lstrip("%")
    flags = MagicOptions.flags(magic)
    before = event.text_until_cursor.removesuffix(event.symbol).split()
    fitting, start = list(flags), event.symbol or "-"
    if before and before[-1] in flags:
        fitting, start = _known(flags[before[-1]].name or "", magic), event.symbol
    return [one for one in fitting if one.startswith(start)]
