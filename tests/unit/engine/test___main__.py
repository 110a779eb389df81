"""The commands of `python -m audiomagic.engine`: what they refuse."""

import pytest

from audiomagic.engine.__main__ import main


@pytest.mark.parametrize("port", ["99999", "-1", "x", "1.5", "", "9" * 5000])
def test_a_port_that_is_none_is_refused_in_a_line(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["serve", f"--port={port}"])
    *_, line = capsys.readouterr().err.splitlines()
    assert f"it must be 0 to 65535, not '{port[:19]}" in line and len(line) < 120


def test_status_names_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--stt", "./none"]) == 1
    assert "--stt is none: not a folder, a hub name" in capsys.readouterr().err
