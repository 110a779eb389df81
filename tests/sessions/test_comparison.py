"""Comparisons: calls at once, a column each; one that fails leaves the others alone."""

import threading
from pathlib import Path
from typing import Any

import pytest

from audiomagic import Session, Sound, compare
from audiomagic.errors import OptionError, RequestRejected

from ..support.fake_server import FakeServer, Handler, spoken, written

pytestmark = pytest.mark.usefixtures("key")


def by_voice(pcm: bytes, together: threading.Barrier | None = None) -> Any:
    """A script that answers with the voice's name, once all that wait `together` were asked."""

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        if together:
            together.wait(20)
        handler.stream(spoken([body["audio"]["voice"] + "."], pcm))

    return answer


def test_voices_are_asked_at_once(fake_server: FakeServer, tone: Sound) -> None:
    together = threading.Barrier(3)
    for _ in range(3):
        fake_server.then(by_voice(tone.pcm16(), together))
    comparison = compare(Session().speak, "Hi", voice=["coral", "ash", "sage"])
    assert [column.title for column in comparison.columns] == ["coral", "ash", "sage"]
    assert [reply.text for reply in comparison] == ["coral.", "ash.", "sage."]
    assert comparison["ash"] is comparison[1] and len(comparison) == 3


def test_one_failure_leaves_the_others(fake_server: FakeServer, tone: Sound) -> None:
    fake_server.then(by_voice(tone.pcm16()))
    comparison = compare(Session().speak, "Hi", voice=["coral", "corl"])
    assert comparison["coral"].text == "coral."
    with pytest.raises(RequestRejected, match="did you mean 'coral'"):
        comparison["corl"]
    for title in ("ashh", None, 1.5, ["ash"]):
        with pytest.raises(OptionError, match="no column '"):
            comparison[title]  # type: ignore[index]
    html = comparison._repr_mimebundle_()["text/html"]
    assert html.count("<audio") == 1 and "Failed: no voice" in html
    with pytest.raises(RequestRejected):
        compare(Session().speak, "Hi", voice=["corl", "cral"])


def test_models_and_voices_are_crossed(fake_server: FakeServer, tone: Sound) -> None:
    for _ in range(4):
        fake_server.then(by_voice(tone.pcm16()))
    comparison = compare(
        Session().speak, "Hi", model=["gpt-audio", "gpt-audio-1.5"], voice=["ash", "sage", "ash"]
    )
    assert [column.title for column in comparison.columns] == [
        "gpt-audio · ash",
        "gpt-audio · sage",
        "gpt-audio-1.5 · ash",
        "gpt-audio-1.5 · sage",
    ]
    asked = {(r["model"], r["audio"]["voice"]) for r in fake_server.requests}
    assert len(asked) == 4


def test_written_answers_are_compared_too(fake_server: FakeServer, tone: Sound) -> None:
    for _ in range(2):
        fake_server.send_chunks(written(["A tone."]))
    models = ["gpt-audio", "gpt-audio-1.5"]
    comparison = compare(Session().listen, tone, "What is it?", text_only=True, model=models)
    assert [reply.text for reply in comparison] == ["A tone."] * 2


def test_nothing_to_compare() -> None:
    with pytest.raises(OptionError, match="nothing to compare"):
        compare(Session().speak, "Hi", voice=[])


def test_files_beside_each_other(fake_server: FakeServer, tone: Sound, tmp_path: Path) -> None:
    for _ in range(2):
        fake_server.then(by_voice(tone.pcm16()))
    comparison = compare(Session().speak, "Hi", voice=["ash", "sage"])
    saved = comparison.save(str(tmp_path / "hi.wav"))
    assert [path.name for path in saved] == ["hi-ash.wav", "hi-sage.wav"]
    assert all(Sound.read(path).seconds == 1.0 for path in saved)


def test_each_face_tells_all(fake_server: FakeServer, tone: Sound) -> None:
    for _ in range(2):
        fake_server.then(by_voice(tone.pcm16()))
    faces = compare(Session().speak, "Hi", voice=["ash", "sage"])._repr_mimebundle_()
    for face in faces.values():
        assert all(
            word in face
            for word in ("ash", "sage", "seconds" if face is faces["text/html"] else "s out", "$")
        )
    assert faces["text/html"].count("data:audio/mpeg;base64,") == 2
