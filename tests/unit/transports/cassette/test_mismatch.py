"""What is said when a request was not recorded."""

from dataclasses import replace
from pathlib import Path

import pytest

from audiomagic import Sound
from audiomagic.errors import NotRecorded
from audiomagic.protocol.request import Request
from audiomagic.transports.cassette import Cassette

from ....support.fake_server import written
from ....support.samples import JOKE, WEATHER, asked, record


@pytest.fixture
def cassette(tmp_path: Path) -> Cassette:
    return Cassette(tmp_path / "tape")


def miss(cassette: Cassette, request: Request) -> str:
    with pytest.raises(NotRecorded) as caught:
        cassette.answer(request)
    line = str(caught.value)
    assert "\n" not in line and line.endswith("; to record it: %audiomagic record PATH")
    return line.removesuffix("; to record it: %audiomagic record PATH")


def test_a_miss_names_the_nearest_and_what_differs(cassette: Cassette, tone: Sound) -> None:
    assert miss(cassette, JOKE) == "no recording of this request: tape has none"
    record(cassette, asked("What is the capital of France?"), written(["Paris"]))
    record(cassette, replace(JOKE, voice="alloy"), written(["Ha"]))
    file = max(path.name for path in cassette.folder.glob("*.json"))
    nearest = f"no recording of this request; the nearest ({file}) differs in "
    assert miss(cassette, JOKE) == nearest + "voice: 'coral', recorded 'alloy'"
    assert miss(cassette, replace(JOKE, model="m", voice=None, max_tokens=5)) == (
        nearest + "model: 'm', recorded 'gpt-audio-1.5'; "
        "voice: 'None', recorded 'alloy'; and 1 more"
    )
    assert miss(cassette, asked("Tell me a yoke!", voice="alloy", tools=(WEATHER,))).endswith(
        'tool weather: \'The weather of a city. {"properties": {}, "type…\', recorded none; '
        "message 1: 'user: Tell me a yoke!', recorded 'user: Tell me a joke!'"
    )
    assert "capital of" in miss(cassette, asked("What is the capital of Spain?"))
    record(cassette, asked("Hm?", tone), written(["?"]))
    line = miss(cassette, asked("Hm?", Sound(-tone.samples, 24_000)))
    assert line.count("sound of 1.0 s, ") == 2 and "differs in message 1: " in line
