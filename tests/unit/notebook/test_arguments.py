"""The line of a magic: every option, however it is written, and text left as typed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets import Bool
from traitlets.config import Config

from audiomagic.errors import OptionError
from audiomagic.notebook.arguments import MAGICS, MagicOptions, check_config, parse

# What the product description lists, as far as it is there: flag -> option.
FLAGS = {
    "-m": "model", "--model": "model", "-v": "voice", "--voice": "voice", "-s": "style",
    "--style": "style", "--system": "system", "-o": "out", "--out": "out", "--save": "save",
    "-q": "quiet", "--quiet": "quiet", "--no-quiet": "quiet", "--engine": "engine",
    "--base-url": "base_url", "--max-tokens": "max_tokens", "--tools": "tools",
    "-c": "chat", "--chat": "chat",
}  # fmt: skip
OWN = {
    "speak": {"--verbatim": "verbatim", "--no-verbatim": "verbatim"},
    "listen": {"--text": "text", "--no-text": "text", "-f": "file", "--file": "file",
               "--sound": "sound", "--expect": "expect"},
    "converse": {"--say": "say", "-f": "file", "--file": "file", "--sound": "sound",
                 "--language": "language", "--keep-sound": "keep_sound",
                 "--push-to-talk": "push_to_talk", "--max-minutes": "max_minutes"},
}  # fmt: skip
SEVERAL = ("say", "file", "sound")  # options that may be repeated
VALUES = {"max_seconds": ("90", 90.0), "max_minutes": ("1.5", 1.5), "workers": ("3", 3),
          "engine": ("local", "local"), "max_tokens": ("300", 300)}  # fmt: skip


@pytest.mark.parametrize("magic", MAGICS)
def test_each_flag_of_the_product_is_there(magic: str) -> None:
    flags = {flag: trait.name for flag, trait in MagicOptions.flags(magic).items()}
    assert flags.items() >= (FLAGS | OWN[magic]).items()
    others = {flag for other in MAGICS for flag in OWN[other]} - set(OWN[magic])
    assert not others & set(flags)
    for flag, option in flags.items():
        words, value = VALUES.get(option, ("some-value", "some-value"))
        if isinstance(MagicOptions.class_traits()[option], Bool):
            assert parse(magic, f"{flag} text") == ({option: "--no-" not in flag}, "text")
            with pytest.raises(OptionError, match=f"^{flag} takes no value$"):
                parse(magic, f"{flag}=yes")
            continue
        joined = [f"{flag} {words}", f"{flag}={words}", f'{flag} "{words}"', f"{flag}='{words}'"]
        joined += [f"{flag}{words}", f"{flag}'{words}'"] if len(flag) == 2 else []
        given = {option: value}
        if option in SEVERAL:
            given = {"sources": [(option, value)]}
        for written in joined:
            assert parse(magic, f"  {written}   text ") == (given, "text")
        if option == "chat":
            continue
        for lacking in (flag, f"{flag} --quiet", f"{flag} -v coral"):
            with pytest.raises(OptionError, match=f"^{flag} needs a value: {flag} "):
                parse(magic, lacking)


@pytest.mark.parametrize("magic", MAGICS)
def test_the_manual_names_each_flag_and_nothing_else(magic: str) -> None:
    manual = MagicOptions.manual(magic)
    assert all(flag in manual for flag in MagicOptions.flags(magic) if not flag.startswith("--no-"))
    assert ("--verbatim" in manual) == (magic == "speak")
    assert all(len(row) <= 110 for row in manual.splitlines())


# -- text -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "It's 5 o'clock -- \"quoted\" text",
        'say "hello',
        "a -v coral b",
        "-5 degrees",
        "- a list",
        "--- a line",
        '"--voice" is an option',
        "C:\\new\\table  has   spaces",
        "{name} {{x}} $HOME ~ %magic !ls ?",
        "",
        "ünïcode 語",
    ],
)
def test_text_is_left_as_typed(text: str) -> None:
    assert parse("speak", text) == ({}, text)
    assert parse("speak", f"-v coral {text}") == ({"voice": "coral"}, text)
    assert parse("speak", f"--quiet -- {text}") == ({"quiet": True}, text)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("-- --voice is a flag", "--voice is a flag"),
        ("--", ""),
        ("-q --", None),
        ("-- -- a", "-- a"),
    ],
)
def test_two_dashes_end_the_options(line: str, text: str | None) -> None:
    assert parse("speak", line) == ({"quiet": True} if text is None else {}, text or "")


@given(st.text(st.characters(exclude_characters="-"), max_size=40))
def test_any_text_without_dashes_is_text(text: str) -> None:
    assert parse("speak", text) == ({}, text.strip())


@given(st.text(alphabet="-v q=\"'\\oice x--novoice", max_size=40))
def test_any_line_parses_or_is_an_option_error(line: str) -> None:
    try:
        options, text = parse("listen", line)
    except OptionError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert text in line and options.keys() <= {*MagicOptions.class_traits(), "sources"}


@pytest.mark.parametrize(
    ("line", "chat", "text"),
    [
        ("--chat", "main", ""),
        ("-c -q", "main", ""),
        ("-c --", "main", ""),
        ("-c -- And then?", "main", "And then?"),
        ("--chat tutor", "tutor", ""),
        ("--chat tutor And then?", "tutor", "And then?"),
        ("--chat=tutor And then?", "tutor", "And then?"),
    ],
)
def test_a_chat_without_a_name_is_main(line: str, chat: str, text: str) -> None:
    options, rest = parse("speak", line)
    assert (options["chat"], rest) == (chat, text)


def test_turns_may_be_mixed_and_keep_their_order() -> None:
    line = "--say 'Good morning' -f a.wav --say=Bye --sound b -v marin"
    turns = [("say", "Good morning"), ("file", "a.wav"), ("say", "Bye"), ("sound", "b")]
    assert parse("converse", line) == ({"sources": turns, "voice": "marin"}, "")


def test_sounds_may_be_repeated_and_keep_their_order() -> None:
    options, text = parse("listen", "-f a.wav --sound b --file c.mp3 Compare them.")
    assert options == {"sources": [("file", "a.wav"), ("sound", "b"), ("file", "c.mp3")]}
    assert text == "Compare them."


# -- values -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("-vcoral", {"voice": "coral"}),
        ("-v=coral", {"voice": "coral"}),
        ("-v coral -v ash", {"voice": "ash"}),
        ("-q --no-quiet", {"quiet": False}),
        (
            "--verbatim -q -m gpt-audio-1.5",
            {"verbatim": True, "quiet": True, "model": "gpt-audio-1.5"},
        ),
        ('--style "a jaunty Colorado accent"', {"style": "a jaunty Colorado accent"}),
        ("--style 'say \"hm\"'", {"style": 'say "hm"'}),
        (r'--style "say \"hm\""', {"style": 'say "hm"'}),
        ("""--style '"quoted"'""", {"style": '"quoted"'}),
        ("--style=a=b", {"style": "a=b"}),
        ('--style ""', {"style": ""}),
        ("--style=", {"style": ""}),
        ('--style "--loud"', {"style": "--loud"}),
        ("--style -20dB", {"style": "-20dB"}),
        ("--style ~root", {"style": "~root"}),
        (r"--save C:\new\a.mp3", {"save": r"C:\new\a.mp3"}),
        (r'--save "C:\new folder\a.mp3"', {"save": r"C:\new folder\a.mp3"}),
        ("--base-url http://127.0.0.1:8000/v1", {"base_url": "http://127.0.0.1:8000/v1"}),
    ],
)
@pytest.mark.filterwarnings("error::DeprecationWarning", "error::SyntaxWarning")
def test_values(line: str, options: dict[str, Any]) -> None:
    assert parse("speak", line) == (options, "")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("--voise coral", "no %speak option '--voise'; did you mean '--voice'?"),
        ("--no-quite", "no %speak option '--no-quite'; did you mean '--no-quiet'?"),
        ("--Voice coral", "no %speak option '--Voice'; did you mean '--voice'?"),
        ("--no-voice coral", "no %speak option '--no-voice'; did you mean '--voice'?"),
        ("--voise=coral", "no %speak option '--voise'; did you mean '--voice'?"),
        ("-voice coral", "no %speak option '-voice'; did you mean '--voice'?"),
        ("-style=warm", "no %speak option '-style'; did you mean '--style'?"),
        ("-quiet", "no %speak option '-quiet'; did you mean '--quiet'?"),
        ("--sound x", "--sound is an option of %listen, not of %speak"),
        ("-x y", "no %speak option '-x'; choose -m, --model, "),
        ("--engine locl", "no engine 'locl'; did you mean 'local'?"),
        ("--engine xyz", "no engine 'xyz'; choose auto, openai or local"),
        ("--max-tokens many", "max_tokens must be a whole number above 0, not 'many'"),
        ("--max-tokens 0", "max_tokens must be a whole number above 0, not '0'"),
        ("--max-tokens -5", "max_tokens must be a whole number above 0, not '-5'"),
        ("--max-tokens 1.5", "max_tokens must be a whole number above 0, not '1.5'"),
        ("--max-tokens", "--max-tokens needs a value: --max-tokens N"),
        ('--style "open', "a quote is not closed after --style"),
        ("--style 'it", "a quote is not closed after --style"),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest(line: str, complaint: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse("speak", line)
    assert str(caught.value).startswith(complaint) and "\n" not in str(caught.value)


def test_a_session_takes_what_a_line_takes() -> None:
    """Defaults of the settings are those of the catalogue, and valid themselves."""
    from audiomagic.catalogue import catalogue

    fresh = MagicOptions()
    assert (fresh.model, fresh.voice) == (catalogue().default_model, catalogue().default_voice)
    assert fresh.max_tokens is None and fresh.engine == "auto" and fresh.quiet is False


@pytest.mark.parametrize(
    ("setting", "value", "complaint"),
    [
        ("voise", "nova", "no AudioMagics setting 'voise'; did you mean 'voice'?"),
        ("engine", "locl", "no engine 'locl'; did you mean 'local'?"),
        ("max_seconds", 0.5, "max_seconds must be between 1 and 2400, not '0.5'"),
        ("max_minutes", 0, "max_minutes must be 0.1 or more, not '0'"),
        ("workers", 0, "workers must be a whole number above 0, not '0'"),
        ("quiet", "yes", "quiet must be a boolean, not 'yes'"),
    ],
)
def test_a_wrong_setting_is_named_once(setting: str, value: Any, complaint: str) -> None:
    config = Config({"AudioMagics": {setting: value, "voice": "ash"}})
    with pytest.raises(OptionError) as caught:
        check_config(config)
    assert str(caught.value) == complaint
    check_config(config)  # it is dropped, the others stay
    assert config.AudioMagics == {"voice": "ash"}
