"""The local engine as a transport: what its reader is told."""

import pytest

from audiomagic.transports.local import LocalTransport


@pytest.mark.parametrize(
    ("llm", "stt", "hosts"),
    [
        ("", "", []),
        ("http://localhost:11434/v1#model", "", []),
        ("http://127.0.0.1:8000", "http://[::1]:9000/v1", []),
        ("https://llm.example.org/v1#big", "", ["llm.example.org"]),
        ("https://llm.example.org/v1", "https://stt.example.org/v1", ["llm", "stt"]),
        ("https://llm.example.org/v1", "https://llm.example.org/v1", ["llm.example.org"]),
    ],
)
def test_a_server_elsewhere_may_charge(llm: str, stt: str, hosts: list[str]) -> None:
    charging = [note for note in LocalTransport("", llm, stt).notes("x") if "charge" in note]
    assert len(charging) == len(hosts)
    for note, host in zip(charging, hosts, strict=True):
        assert note.startswith(host) and note.endswith(
            "may charge for its part, which is not counted."
        )


def test_a_server_named_in_the_environment_may_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOMAGIC_LLM", "https://llm.example.org/v1#big")
    assert any("llm.example.org may charge" in note for note in LocalTransport("").notes("x"))
