"""Cassettes through a session: recorded, answered from again, offered."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from audiomagic import AudiomagicError, Session, Sound
from audiomagic.costs.ledger import Ledger
from audiomagic.errors import CassetteError
from audiomagic.protocol import notes
from audiomagic.turn.turn import RECORDED

from ..support.fake_server import KEY, FakeServer, chunk, spoken, usage


@pytest.fixture
def folder(fake_server: FakeServer, key: str, tone: Sound, tmp_path: Path) -> Path:
    """A cassette with a chat of two turns."""
    session = Session(chat="main")
    session.record(tmp_path / "tape")
    for words in ("Bonjour.", "Ça va."):
        fake_server.say(words, tone.pcm16(), usage(11, 0, 6, 20))
        session.speak(f"Say {words}", max_cost="0.5")
    return tmp_path / "tape"


def test_a_replay_needs_no_key_and_costs_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fake_server: FakeServer, tone: Sound
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name)
    session = Session(chat="main")
    session.replay(folder, pace=False)
    replies = [session.speak(f"Say {words}") for words in ("Bonjour.", "Ça va.")]
    assert [reply.text for reply in replies] == ["Bonjour.", "Ça va."]
    sound = replies[0].sound
    assert sound and np.array_equal(sound.samples, Sound.from_pcm16(tone.pcm16()).samples)
    assert len(fake_server.requests) == 2
    assert replies[0].cost == Decimal(0) and replies[0].receipt.engine == "replay"
    faces = replies[0]._repr_mimebundle_()
    assert all("replayed · free" in face for face in faces.values())
    assert "on gpt-audio-1.5 this would have cost <span>$</span>0.0014" in faces["text/html"]
    assert [row["engine"] for row in Ledger().rows()] == ["openai", "openai", "replay", "replay"]


def test_what_a_server_notes_of_its_answer_is_replayed(
    fake_server: FakeServer, key: str, tone: Sound, tmp_path: Path
) -> None:
    session = Session()
    session.record(tmp_path / "tape")
    *before, last = spoken(["Hi."], tone.pcm16())
    fake_server.send_chunks([*before, last | notes.written(["Style: slower."])])
    session.speak("Hi")
    session.replay(tmp_path / "tape", pace=False)
    assert session.speak("Hi").notes == ("Style: slower.",)


def test_an_answer_that_a_budget_cut_is_not_kept(
    folder: Path, fake_server: FakeServer, tone: Sound
) -> None:
    session = Session()
    session.record(folder)
    for cap in ({"max_cost": "0.005"}, {"max_tokens": 30, "max_cost": "0.5"}):
        begun = spoken(["Bon"], tone.pcm16(), usage(11, 0, 1, 20))
        fake_server.send_chunks([*begun, chunk({}, finish_reason="length")])
        session.speak("Say no more.", **cap)
    assert "max_completion_tokens" in fake_server.requests[-2]
    kept = session.cassette.exchanges() if session.cassette else []
    assert [one.request.max_tokens for one in kept] == [None, None, 30]


def test_longer_tokens_than_ours_are_not_cut_in_a_replay(
    folder: Path, fake_server: FakeServer
) -> None:
    fake_server.checks = lambda *_: iter(())
    session = Session(model="qwen-omni", max_tokens=200)
    session.record(folder)
    fake_server.say("So.", bytes(15 * 48_000), usage(11, 0, 2, 188))
    whole = session.speak("Go on.")
    session.replay(folder, pace=False)
    again = session.speak("Go on.")
    assert (whole.seconds, whole.finish_reason) == (again.seconds, again.finish_reason)
    assert again.seconds == 15


def test_a_folder_without_recordings_answers_nothing(tmp_path: Path) -> None:
    session = Session()
    with pytest.raises(CassetteError, match="there are no recordings in"):
        session.replay(tmp_path / "none")
    assert session.cassette is None


def test_a_miss_names_the_nearest(folder: Path) -> None:
    session = Session()
    session.replay(folder)
    with pytest.raises(AudiomagicError, match=r"no recording of this request; the nearest \(0001"):
        session.speak("Say Bonjour.", voice="coral")


def test_a_call_that_is_on_the_cassette_is_offered(
    folder: Path, fake_server: FakeServer, key: str, tone: Sound
) -> None:
    session = Session()
    session.record(folder)
    fake_server.say("Bonjour.", tone.pcm16())
    assert RECORDED in session.speak("Say Bonjour.").notes
    fake_server.say("Salut.", tone.pcm16())
    assert RECORDED not in session.speak("Say salut.").notes


def test_the_cassette_holds_no_key(folder: Path) -> None:
    written = b"".join(file.read_bytes() for file in folder.iterdir())
    assert KEY[:12].encode() not in written and len(list(folder.iterdir())) == 4
