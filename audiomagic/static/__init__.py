"""JavaScript and CSS: ES modules, joined here, as scripts in a page cannot import neighbours."""

import re
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent
IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+\.js)";\n', re.M)
DEFINITION = re.compile(r"^(export )?((?:async )?(?:const|let|class|function\*?) (\w+))", re.M)


@cache
def script(entry: str, folder: Path = STATIC) -> str:
    """Join a file with all that it imports, each file once and before what imports it.

    Raises ImportError for a name that is defined twice, or imported but not exported.
    """
    exports: dict[str, set[str]] = {}
    homes: dict[str, str] = {}

    def joined(name: str) -> str:
        exports[name] = set()
        text, imports = (folder / name).read_text("utf-8"), ""
        for names, source in IMPORT.findall(text):
            if source not in exports:
                imports += joined(source)
            if missing := set(names.split(", ")) - exports[source]:
                raise ImportError(f"{name} imports {missing}, which {source} does not export")
        for exported, _, identifier in DEFINITION.findall(text):
            if homes.setdefault(identifier, name) != name:
                raise ImportError(f"{homes[identifier]} and {name} both define {identifier}")
            exports[name] |= {identifier} if exported else set()
        text = DEFINITION.sub(r"\2", IMPORT.sub("", text))
        default = "export default " if name == entry else "$"
        if left := re.search(rf"^(?!{default})(?:import|export)\b.*", text, re.M):
            raise ImportError(f"{name}: cannot join {left[0]!r}")
        return imports + text

    return joined(entry)


def read(name: str) -> str:
    """Return a file as text: anywidget would watch a path, and keep every widget alive for it."""
    return (STATIC / name).read_text("utf-8")
