"""Formats as patterns: what matches one is of the format."""

import base64
import ipaddress
import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiomagic.engine.json_schema.dialect import followable
from audiomagic.engine.json_schema.formats import FORMATS

CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER
READERS: dict[str, Callable[[str], Any]] = {
    "base64": lambda text: base64.b64decode(text, validate=True),
    "base64url": base64.urlsafe_b64decode,
    "byte": lambda text: base64.b64decode(text, validate=True),
    "ipv4interface": ipaddress.IPv4Interface,
    "ipv4network": ipaddress.IPv4Network,
    "ipv6": ipaddress.IPv6Address,
    "ipv6interface": ipaddress.IPv6Interface,
    "ipv6network": ipaddress.IPv6Network,
    "ipvanyaddress": ipaddress.ip_address,
    "ipvanyinterface": ipaddress.ip_interface,
    "ipvanynetwork": ipaddress.ip_network,
    "json-string": json.loads,
}
# As zod writes them beside the format.
EMAIL = (
    r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]"
    r"@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
)
DURATION = (
    r"^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?"
    r"(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$"
)


def texts(form: str) -> st.SearchStrategy[str]:
    return st.from_regex(FORMATS[form], fullmatch=True, alphabet=st.characters(codec="ascii"))


@pytest.mark.parametrize("form", FORMATS)
def test_what_matches_is_of_the_format(form: str) -> None:
    @settings(max_examples=30)
    @given(texts(form))
    def check(text: str) -> None:
        CHECKER.check(text, form)
        READERS.get(form, str)(text)

    check()


@pytest.mark.parametrize(("form", "pattern"), [("email", EMAIL), ("duration", DURATION)])
def test_a_format_stands_for_a_librarys_pattern_that_looks_around(form: str, pattern: str) -> None:
    schema = {"type": "string", "format": form, "pattern": pattern}
    followed = followable(schema)["pattern"]
    assert followed == f"^({FORMATS[form]})$"

    @settings(max_examples=50)
    @given(texts(form))
    def check(text: str) -> None:
        assert re.search(pattern, text)

    check()


def test_a_pattern_that_can_be_followed_says_more_than_its_format() -> None:
    schema = {"type": "string", "format": "time", "pattern": r"^\d\d:\d\d$"}  # of zod: no zone
    assert followable(schema)["pattern"] == r"^\d\d:\d\d$"


def test_a_format_of_an_applications_own_says_nothing() -> None:
    assert followable({"type": "string", "format": "isbn"}) == {"type": "string", "maxLength": 100}
