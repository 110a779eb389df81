"""Prices: found by model and server, extended by the user, of a certain age; the catalogue."""

import pickle
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest

from audiomagic.catalogue import catalogue
from audiomagic.costs.prices import OLD, Price, Rates, listed
from audiomagic.errors import OptionError

from ...support.fake_server import VOICES

TODAY = date(2026, 11, 22)
MINE = {"text_in": "1", "text_out": "2", "audio_in": "3", "audio_out": "4"}
MINIS = {"gpt-audio-mini-2025-10-06": date(2026, 7, 23)}
GONE = MINIS | {
    name: date(2025, 10, 10) if name.endswith("2024-10-01") else date(2026, 5, 7)
    for name in catalogue().models
    if name.startswith("gpt-4o")
}


def sound(model: str, host: str = "", given: Any = None) -> Any:
    """The rates of sound in and out, and whether they are assumed."""
    prices = listed() if given is None else listed().extended(given)
    found = prices.find(model, host)
    return found and (found.rates.audio_in, found.rates.audio_out, found.assumed)


AZURE, ROUTER, PROXY = "r.openai.azure.com", "openrouter.ai", "127.0.0.1:4000"


@pytest.mark.parametrize(
    ("model", "host", "expected"),
    [
        ("gpt-audio", "api.openai.com", (32, 64, False)),
        ("gpt-audio", AZURE, (40, 80, False)),
        ("gpt-audio-2025-08-28", AZURE, (40, 80, False)),
        ("gpt-audio-1.5-2026-02-23", "r.services.ai.azure.com", (32, 64, False)),
        ("gpt-audio-mini", AZURE, None),  # not OpenAI's by silence
        ("openai/gpt-audio-mini", ROUTER, (Decimal("0.6"), Decimal("2.4"), False)),
        ("openai/gpt-audio-1.5", ROUTER, None),
        ("gpt-audio", PROXY, (32, 64, True)),
        ("azure/gpt-audio", PROXY, (40, 80, True)),
        ("openai/gpt-audio", "evil.example/.openai.azure.com.example", (32, 64, True)),
        ("qwen-omni", PROXY, None),
        ("gpt-4o-audio-preview-2024-10-01", "api.openai.com", (100, 200, False)),
    ],
)
def test_each_server_has_its_own_prices(model: str, host: str, expected: Any) -> None:
    assert sound(model, host) == expected


def test_a_users_prices_come_first_and_add() -> None:
    given = {"gpt-audio-1.5": MINE, "azure/deployed": MINE, "my/own-model": MINE}
    for host in ("", "api.openai.com", AZURE, ROUTER, PROXY):
        assert sound("gpt-audio-1.5", host, given) == (3, 4, False)
        assert sound("gpt-audio-1.5-2030-01-01", host, given) == (3, 4, False)
        assert sound("my/own-model", host, given) == (3, 4, False)
    assert sound("deployed", AZURE, given) == (3, 4, False)
    assert sound("deployed", "api.openai.com", given) is None
    assert sound("gpt-audio", "api.openai.com", given) == (32, 64, False)
    assert listed().find("my/own-model") is None  # the list itself is unchanged


def test_a_user_says_whose_prices_a_server_has() -> None:
    given = {PROXY: "openai", "llm.example.org": "corp", "corp/gpt-audio": MINE}
    assert sound("gpt-audio", PROXY, given) == (32, 64, False)
    assert sound("gpt-audio", "llm.example.org", given) == (3, 4, False)


def test_numbers_of_any_kind_are_taken_exactly() -> None:
    given = {"m": {"text_in": 0.1, "text_out": 2, "audio_in": Decimal("3.30"), "audio_out": "1e1",
                   "cached_in": "0", "checked": "2026-01-02", "source": "a\nletter"}}  # fmt: skip
    price = listed().extended(given).find("m")
    rates = Rates(*map(Decimal, ("0.1", "2", "3.30", "10", "0")))
    assert price == Price(rates, "a letter", date(2026, 1, 2))
    assert listed().extended({"m": MINE}).find("m").origin() == "your own prices"  # type: ignore


def test_prices_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('"llm.example.org" = "corp"\n["corp/m"]\ntext_in = 0.10\ntext_out = 1\n'
                    'audio_in = 3.3\naudio_out = 4\nchecked = 2026-01-02\n')  # fmt: skip
    price = listed().extended(file).find("m", "llm.example.org")
    assert price is not None and price.rates.audio_in == Decimal("3.3")
    assert price.checked == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/no/such/file.toml", "cannot read prices from /no/such/file.toml: No such file"),
        ({"m": 3}, "the price of 'm' must be a table with text_in"),
        ({"m": {"text_in": 1}}, "lacks text_out, audio_in, audio_out"),
        ({"m": MINE | {"audio_inn": 1}}, "did you mean 'audio_in'?"),
        ({"m": MINE | {"audio_in": "-1"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": "nan"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": "cheap"}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": None}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"audio_in": True}}, "audio_in must be US dollars per million"),
        ({"m": MINE | {"checked": "today"}}, "checked must be a date"),
        ({"gpt-audio": "2.50"}, "'gpt-audio' is sold by '2.50', which has no prices"),
    ],
)
def test_an_invalid_price_is_refused_in_one_line(given: Any, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        listed().extended(given)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    for content in (b"[m", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(OptionError, match="cannot read prices from"):
            listed().extended(file)


def test_listed_prices_are_pickled_by_name_a_users_own_as_they_are() -> None:
    assert len(pickle.dumps(listed())) < 100
    assert pickle.loads(pickle.dumps(listed())) is listed()
    mine = listed().extended({"m": MINE})
    assert pickle.loads(pickle.dumps(mine)) == mine


def test_an_old_price_says_its_age() -> None:
    price = listed().find("gpt-audio-1.5")
    assert price is not None and price.checked is not None
    young, old = price.checked + timedelta(OLD), price.checked + timedelta(OLD + 1)
    assert price.origin(young) == f"{price.source}, checked {price.checked}"
    assert price.origin(old).endswith("(91 days ago, it may have changed)")


def test_an_assumed_price_says_so() -> None:
    price = listed().find("gpt-audio", PROXY)
    assert price is not None and price.origin(TODAY).startswith(
        "not this server's own but https://"
    )


@pytest.mark.usefixtures("hostile_decimals")
def test_by_the_minute() -> None:
    price = listed().find("gpt-audio-1.5")
    assert price is not None
    assert price.rates.minute_in == Decimal("0.0192")
    assert price.rates.minute_out == Decimal("0.0768")


@pytest.mark.parametrize("model", ["gpt-audio-1.5", "gpt-audio", "gpt-audio-mini"])
def test_genai_prices_has_the_same(model: str) -> None:
    price = listed().find(model)
    tokens = genai_prices.Usage(
        input_tokens=200, output_tokens=300, input_audio_tokens=150, output_audio_tokens=250
    )
    theirs = genai_prices.calc_price(tokens, model, provider_id="openai").model_price
    assert price is not None and price.rates == Rates(
        *(theirs.input_mtok, theirs.output_mtok, theirs.input_audio_mtok, theirs.output_audio_mtok)
    )  # type: ignore[arg-type]


def test_a_model_that_came_after_us_is_asked_of_genai_prices() -> None:
    price = listed().find("gpt-realtime")
    assert price is not None and price.source == f"genai-prices {genai_prices.__version__}"
    assert price.rates.audio_in > price.rates.text_in


# -- the catalogue ----------------------------------------------------------------------------
def test_the_catalogue_is_complete() -> None:
    known = catalogue()
    assert known.default_model in known.models and known.default_voice in known.voices
    assert sorted(known.voices) == sorted(VOICES)
    for name, model in known.models.items():
        assert listed().find(name) is not None
        assert model.id == name and model.source.startswith("https://")
        assert date(2026, 1, 1) < model.checked <= date.today()
        assert (model.shutdown is None) == (model.successor is None)
        if model.successor:
            assert known.models[model.successor].shutdown is None


def test_what_is_shut_down_and_when() -> None:
    shut_down = {m.id: m.shutdown for m in catalogue().models.values() if m.shut_down(TODAY)}
    assert shut_down == GONE
    for model in catalogue().models.values():
        if model.shutdown:
            assert model.shut_down(model.shutdown)
            assert not model.shut_down(date.fromordinal(model.shutdown.toordinal() - 1))
    going = {m.shutdown for m in catalogue().models.values()} - set(GONE.values())
    assert going == {None, date(2027, 1, 20)}
