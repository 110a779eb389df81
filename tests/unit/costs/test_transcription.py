"""What it costs to write down the user's speech, by the minute; None where that is not known."""

from datetime import date
from decimal import Decimal

import genai_prices
import pytest

from audiomagic.costs.transcription import prices, transcription_cost

AZURE, PROXY = "r.openai.azure.com", "127.0.0.1:4000"


@pytest.mark.parametrize(
    ("model", "seconds", "host", "dollars"),
    [
        ("gpt-transcribe", 60, "", "0.0045"),
        ("gpt-transcribe", 3, "", "0.000225"),
        ("gpt-transcribe", 3600, "api.openai.com", "0.27"),
        ("gpt-transcribe-2026-10-01", 60.0, "", "0.0045"),
        ("gpt-live-transcribe", 60, "", "0.017"),
        ("gpt-live-transcribe", 2.8, "", "0.000793333333"),
        ("gpt-realtime-whisper", 90, "", "0.0255"),
        ("gpt-realtime-whisper", 60, AZURE, "0.017"),
        ("gpt-realtime-whisper", 60, PROXY, "0.017"),
        ("gpt-transcribe", 0, "", "0"),
        ("gpt-live-transcribe", 60, AZURE, None),
        ("gpt-transcribe", 60, "openrouter.ai", None),
        ("whisper-1", 60, "", None),
        ("gpt-realtime-2.1", 60, "", None),
        ("", 60, "", None),
        ("gpt-transcribe", -1, "", None),
        ("gpt-transcribe", float("nan"), "", None),
        ("gpt-transcribe", float("inf"), "", None),
        ("gpt-transcribe", 10**400, "", None),
    ],
)
@pytest.mark.usefixtures("hostile_decimals")
def test_by_hand(model: str, seconds: float, host: str, dollars: str | None) -> None:
    expected = None if dollars is None else Decimal(dollars)
    assert transcription_cost(model, seconds, host) == expected


@pytest.mark.parametrize("name", [name for name in prices() if name.startswith("openai/")])
def test_genai_prices_has_the_same(name: str) -> None:
    tokens = genai_prices.Usage(input_tokens=1)
    model = name.removeprefix("openai/")
    theirs = genai_prices.calc_price(tokens, model, provider_id="openai").model_price
    assert prices()[name].minute * 60 == theirs.audio_hours


def test_each_price_is_dated() -> None:
    for price in prices().values():
        assert price.source.startswith("https://")
        assert date(2026, 1, 1) < price.checked <= date.today()
