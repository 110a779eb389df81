"""Files that a user names, and what may be named by mistake: devices, pipes, folders, novels."""

import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomagic import AudiomagicError, Session, Sound
from audiomagic.batch.items import Items
from audiomagic.batch.task import Task
from audiomagic.errors import OptionError
from audiomagic.files import check_writable, contents, file_path, is_url, name_part, safe_name
from audiomagic.notebook.arguments import MagicOptions
from audiomagic.notebook.invocation import Invocation
from audiomagic.notebook.strip_audio import strip
from audiomagic.turn.reply import savable

NOVEL = "It was a dark and stormy night " * 20
READERS: dict[str, Callable[[str], object]] = {
    "sound": Sound.read,
    "listen": lambda name: Session(engine="local").listen(name),
    "chat": lambda name: Session().chats.load("main", name),
    "strip": strip,
    "prices": lambda name: Session(prices=name, engine="local").dry_run("Hi"),
}
WRITERS: dict[str, Callable[[str], object]] = {
    "record": Session().record,
    "replay": Session().replay,
    "sound": Sound([0.5] * 4800, 24_000).save,  # type: ignore[arg-type]
    "llm": lambda name: Session(llm=name).speak("Hi"),
    "stt": lambda name: Session(stt=name).listen(Sound([0.5] * 4800, 24_000)),  # type: ignore[arg-type]
}


def by_cell(value: object, spec: str) -> str:
    field = f"{{value:{spec}}}" if spec else "{value}"
    found = Invocation.read("speak", f"--save {field} Hi", None, MagicOptions(), {"value": value})
    return found.options.save


def by_batch(value: object, spec: str) -> str:
    field = f"{{value:{spec}}}" if spec else "{value}"
    (task,) = Items([{"value": value, "word": "chat"}], "{word}", f"{field}.mp3").tasks({}, {})
    assert isinstance(task, Task) and task.save
    return str(task.save.relative_to(Path.cwd()))[: -len(".mp3")]


@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_are_read(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for wrong in ("/dev/zero", tmp_path / "pipe", tmp_path):
        with pytest.raises(AudiomagicError, match=r"it is not a regular file|is a folder"):
            READERS[name](str(wrong))


@pytest.mark.parametrize("name", [*READERS, *WRITERS])
@pytest.mark.parametrize("wrong", [NOVEL, "", "a\0b", "half \ud800"])
def test_a_name_that_no_file_can_have_is_refused(name: str, wrong: str) -> None:
    if not wrong and name in ("prices", "llm", "stt"):
        return  # there it means: none
    with pytest.raises(AudiomagicError, match="' is not a valid file name"):
        (READERS | WRITERS)[name](wrong)


@pytest.mark.parametrize("wrong", ["folder.mp3", "pipe.wav", NOVEL + ".mp3", "link.mp3"])
def test_where_no_file_can_be_written_is_said_before_anything_is_paid_for(
    tmp_path: Path, wrong: str
) -> None:
    (tmp_path / "folder.mp3").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.mp3").symlink_to(tmp_path / "pipe.wav")
    with pytest.raises(AudiomagicError, match=r"a folder|not a regular file|not a valid"):
        savable(tmp_path / wrong)


def test_the_nearest_name_is_offered_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "question.mp3").touch()
    line = r"cannot read .*/qestion.mp3: No such file or directory; did you mean 'question.mp3'\?$"
    with pytest.raises(AudiomagicError, match=line):
        Sound.read(tmp_path / "qestion.mp3")
    with pytest.raises(AudiomagicError, match=r"No such file or directory$"):
        Sound.read(tmp_path / "elsewhere" / "question.mp3")


def test_a_file_that_only_others_may_write(tmp_path: Path) -> None:
    if not hasattr(os, "fork") or os.getuid() != 0:
        pytest.skip("becomes another user, as root can")
    (tmp_path / "theirs").mkdir(mode=0o755)
    (tmp_path / "theirs" / "kept.wav").write_bytes(b"")
    os.chmod(tmp_path / "theirs" / "kept.wav", 0o644)
    pid = os.fork()
    if pid == 0:
        os.seteuid(65534)
        refused = 0
        for name in ("kept.wav", "new.wav"):
            try:
                check_writable(tmp_path / "theirs" / name)
            except OSError:
                refused += 1
        os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2


def test_a_file_is_read_within_bounds(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"12345")
    assert contents(tmp_path / "small", 5) == b"12345"
    with pytest.raises(OSError, match="it is larger than 0 MB"):
        contents(tmp_path / "small", 4)
    (tmp_path / "link").symlink_to(tmp_path / "small")
    assert contents(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="it is not a regular file"):
        contents(tmp_path / "link", 5, follow_symlinks=False)
    assert file_path("~/x") == Path.home() / "x" and file_path("~none/x") == Path("~none/x")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("gpt-audio-1.5 · coral", "gpt-audio-1.5-coral"),
        ("../../etc/passwd", "-..-etc-passwd"),
        ("..", "_"),
        ("", "_"),
        ("C:\\new\0\nline", "C-new-line"),
        ("née_été", "née_été"),
        ("C++", "C++"),
    ],
)
def test_words_are_made_a_part_of_a_files_name(words: str, name: str) -> None:
    assert safe_name(words) == name


@pytest.mark.parametrize(
    ("value", "spec", "name"),
    [
        (7, "", "7"),
        (7, "04", "0007"),
        (np.int64(7), "04", "0007"),
        (Decimal("1.5"), ".2f", "1.50"),
        (np.float32(0.1), "", "0.1"),
        (-1e20, "", "-1e+20"),
        (Fraction(1, 2), "", "1-2"),
        (True, "", "True"),
        (date(2024, 5, 1), "%d/%m", "01-05"),
        ("../x", ">6", "-x"),
        (Path("deck") / "un", "", "deck/un"),
    ],
)
@pytest.mark.parametrize("filled", [name_part, by_cell, by_batch])
def test_a_value_is_a_part_of_a_files_name(
    filled: Callable[[object, str], str], value: object, spec: str, name: str
) -> None:
    assert filled(value, spec) == name


@pytest.mark.parametrize(
    "name", [" https://example.org/a.wav", "HTTP://h/", "s3://b/a", "file:///a"]
)
def test_an_address_is_no_name_of_a_file(name: str) -> None:
    assert is_url(name)


@pytest.mark.parametrize(
    "name", ["a.wav", "C://a.wav", "C:/a.wav", "/http://a", "a b://c", "://", ""]
)
def test_a_name_of_a_file_is_no_address(name: str) -> None:
    assert not is_url(name)


@pytest.mark.parametrize("name", [5, None, b"a.wav", ["a"], 1.5])
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(OptionError, match=r"^a file's name must be a string or a Path, not \w+$"):
        file_path(name)
