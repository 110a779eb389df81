"""What may be imported, and when: `import audiomagic` and `%load_ext audiomagic` are quick."""

import json
import subprocess
import sys

HEAVY = {
    "anywidget", "faster_whisper", "genai_prices", "hibari", "httpx", "httpx2", "ipywidgets",
    "numpy", "onnxruntime", "openai", "pandas", "pydantic", "rapidfuzz", "soundfile", "soxr",
    "sqlite3", "waitress", "werkzeug", "xllamacpp",
}  # fmt: skip
# All that `%load_ext audiomagic` loads beside IPython's own and the standard library's.
LOADED = {
    "audiomagic", "audiomagic.errors", "audiomagic.notebook", "audiomagic.notebook.arguments",
    "audiomagic.catalogue", "audiomagic.notebook.frontend", "audiomagic.notebook.input_transforms",
    "audiomagic.notebook.magics", "audiomagic.redaction", "audiomagic.suggestions",
}  # fmt: skip
SHELL = "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell()"


def newly_loaded(statement: str, before: str = "") -> set[str]:
    """The modules that a statement loads in a process of its own."""
    script = f"""
import json, sys
{before}
known = set(sys.modules)
{statement}
print(json.dumps(sorted(sys.modules.keys() - known)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def foreign(modules: set[str]) -> set[str]:
    """The packages that are neither the standard library's nor our own."""
    return {name.split(".")[0] for name in modules} - sys.stdlib_module_names - {"audiomagic"}


def test_the_import_loads_nothing_but_itself() -> None:
    loaded = newly_loaded("import audiomagic")
    assert foreign(loaded) == set() and not HEAVY & loaded
    assert {name for name in loaded if name.startswith("audiomagic")} == {"audiomagic"}


def test_the_extension_loads_its_magics_and_nothing_else() -> None:
    loaded = newly_loaded("shell.run_line_magic('load_ext', 'audiomagic')", SHELL)
    assert foreign(loaded) <= {"IPython"} and not HEAVY & loaded
    assert {name for name in loaded if name.startswith("audiomagic")} == LOADED


def test_a_session_is_made_without_what_only_calls_need() -> None:
    loaded = newly_loaded("audiomagic.Session()", "import audiomagic")
    engine = {"anywidget", "faster_whisper", "hibari", "onnxruntime", "waitress", "xllamacpp"}
    assert not (engine | {"genai_prices", "openai"}) & loaded
