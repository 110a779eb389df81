"""The line of a magic: its options, then text that is left exactly as typed."""

import re
import shlex
from typing import Any

from traitlets import Bool, List

from .. import suggestions
from ..errors import OptionError, one_line
from .arguments import MAGICS, Settings

TOKEN = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"']|["'])+""")
FLAG = re.compile(r"--?[A-Za-z]")


def parse(magic: str, line: str) -> tuple[dict[str, Any], str]:
    """Return a line's options by name, and the text after them.

    Options end at the first word that is none, or at `--`: text may hold quotes and dashes. One
    that may be repeated gives a list; `sources` are such options and their values in order.
    Raises OptionError, with the nearest flag for an unknown one.
    """
    flags = Settings.flags(magic)
    options: dict[str, Any] = {}
    rest = line.strip()
    while FLAG.match(rest):
        flag, value, rest = _option(rest, flags, magic)
        name = flags[flag]
        trait = Settings.class_traits()[name]
        if value is None:
            options[name] = trait.metadata.get("bare", not flag.startswith("--no-"))
        elif isinstance(trait, List):
            options.setdefault(name, []).append(Settings.read(name, value))
            options.setdefault("sources", []).append((name, value))
        else:
            options[name] = Settings.read(name, value)
    return options, rest[2:].strip() if rest.split(maxsplit=1)[:1] == ["--"] else rest


def _option(rest: str, flags: dict[str, str], magic: str) -> tuple[str, str | None, str]:
    """Take one option off the front: its flag, its value (None for a switch), what is left."""
    match = TOKEN.match(rest)
    assert match
    token, rest = match[0], rest[match.end() :].lstrip()
    flag, equals, value = token.partition("=")
    if f"-{flag}" in flags:  # -style: not -s with the value "tyle"
        raise OptionError(suggestions.unknown(f"%{magic} option", flag, [f"-{flag}"]))
    if not token.startswith("--") and token[:2] in flags and len(token) > 2:
        flag, equals, value = token[:2], "=", token[2:].removeprefix("=")  # -vcoral
    if flag in ("-h", "--help"):
        raise OptionError(f"%{magic}? shows the manual")
    if flag not in flags:
        for other in MAGICS:
            if flag in Settings.flags(other):
                raise OptionError(f"{flag} is an option of %{other}, not of %{magic}")
        raise OptionError(suggestions.unknown(f"%{magic} option", flag, flags))
    trait = Settings.class_traits()[flags[flag]]
    if isinstance(trait, Bool):
        if equals:
            raise OptionError(f"{flag} takes no value")
        return flag, None, rest
    if not equals:
        match = TOKEN.match(rest)
        if not match or match[0].partition("=")[0] in flags or match[0] == "--":
            if "bare" in trait.metadata:
                return flag, None, rest
            raise OptionError(f"{flag} needs a value: {flag} {trait.metadata['metavar']}")
        value, rest = match[0], rest[match.end() :].lstrip()
    return flag, _unquoted(value, flag), rest


def _unquoted(value: str, flag: str) -> str:
    try:
        return "".join(shlex.split(value)) if value[:1] in "\"'" else value
    except ValueError:
        shown = one_line(value, 40)
        raise OptionError(f"a quote is not closed after {flag}: {shown}") from None
