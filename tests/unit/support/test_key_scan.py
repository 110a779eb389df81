"""The search that ends the suite finds a key, wherever a test did not type it."""

import json
from pathlib import Path

from ...support.fake_server import KEY
from ...support.key_scan import leaks


def test_a_key_is_found_but_for_where_it_was_typed(tmp_path: Path) -> None:
    cell = {"source": f"key = {KEY!r}", "outputs": []}
    (tmp_path / "typed.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "page.html").write_text("<p>sk-proj-1234</p>")
    assert leaks([tmp_path]) == []
    shown = {"source": "key", "outputs": [KEY[:14]]}
    (tmp_path / "shown.ipynb").write_text(json.dumps({"cells": [shown]}))
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.log").write_bytes(b"\xff" + KEY.encode())
    assert {path.name for path in leaks([tmp_path])} == {"shown.ipynb", "a.log"}
    for name in ("shown.ipynb", "inner/a.log"):
        (tmp_path / name).unlink()
