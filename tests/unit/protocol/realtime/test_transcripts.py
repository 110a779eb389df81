"""The transcripts of spoken items, in whatever order servers send them."""

from typing import Any

import pytest

from audiomagic.protocol.realtime.transcripts import Transcript, Transcripts

KIND = "conversation.item.input_audio_transcription"
COMMITTED = "input_audio_buffer.committed"


def read(*events: tuple[str, str, dict[str, Any]]) -> Transcripts:
    transcripts = Transcripts()
    for kind, item, fields in events:
        transcripts.add({"type": kind, "item_id": item, **fields})
    return transcripts


DELTA = (f"{KIND}.delta", "a", {"delta": "How are "})
WHOLE = (f"{KIND}.completed", "a", {"transcript": "How are you?", "usage": {"type": "tokens"}})


@pytest.mark.parametrize(
    "events",
    [
        [(COMMITTED, "a", {}), WHOLE],
        [DELTA, (COMMITTED, "a", {}), WHOLE],  # words before the item is named
        [WHOLE, (COMMITTED, "a", {})],
        [(COMMITTED, "a", {}), (COMMITTED, "b", {}), (f"{KIND}.completed", "b", {}), WHOLE],
        [
            (COMMITTED, "a", {}),
            (f"{KIND}.completed", "a", {"transcript": "How", "status": "in_progress"}),
            WHOLE,
        ],
    ],
)
def test_words_belong_to_their_item(events: Any) -> None:
    assert read(*events).of("a") == Transcript("How are you?", complete=True)


def test_words_that_are_not_completed_yet_count_so_far() -> None:
    assert read((COMMITTED, "a", {}), DELTA).of("a") == Transcript("How are ")


def test_a_transcription_may_fail() -> None:
    found = read((COMMITTED, "a", {}), (f"{KIND}.failed", "a", {"error": {}})).of("a")
    assert found.complete and found.failed and not found.words


def test_other_events_name_no_spoken_item() -> None:
    transcripts = read(("conversation.item.added", "x", {}), (COMMITTED, "a", {}), WHOLE)
    assert transcripts.of("a").words == "How are you?" and transcripts.item(1) == ""


@pytest.mark.parametrize(
    ("usage", "seconds"),
    [
        ({"type": "duration", "seconds": 3}, 3.0),
        ({"type": "tokens", "total_tokens": 35}, None),
        ({"type": "duration", "seconds": -1}, None),
        ({"type": "duration", "seconds": True}, None),
        ({"type": "duration", "seconds": "3"}, None),
        (None, None),
    ],
)
def test_seconds_are_what_is_billed(usage: Any, seconds: float | None) -> None:
    assert read((f"{KIND}.completed", "a", {"usage": usage})).of("a").seconds == seconds


def test_words_are_bounded() -> None:
    found = read(*[(f"{KIND}.delta", "a", {"delta": "x" * 60_000})] * 3).of("a")
    assert len(found.words) == 100_000
