"""The house rules that a program can hold: imports point down, modules and functions stay small."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import audiomagic

HOUSE = Path(audiomagic.__file__).parent
MODULES = sorted(HOUSE.rglob("*.py"))
# A floor may import what stands below it, or beside it on the same line.
FLOORS = [
    {"__init__"},
    {"notebook"},
    {"page", "strip"},
    {"soundless"},
    {"session", "comparison", "batches"},
    {"taped"},
    {"practice"},
    {"chats", "turn"},
    {"options", "reading"},
    {"conversation", "rounds", "question"},
    {"caller"},
    {"hearing"},
    {"reply", "notes", "stored"},
    {"speech", "cassette"},
    {"far"},
    {"local"},
    {"faces", "toolbox"},
    {"money"},
    {"catalogue"},
    {"wire"},
    {"sound"},
    {"sound_file"},
    {"template"},
    {"spelling", "user_file"},
    {"errors", "script", "secret"},
]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts)


def _floor(module: str) -> int:
    room = module.split(".")[0]
    return next(i for i, floor in enumerate(FLOORS) if room in floor)


def _untyped(path: Path) -> Iterator[ast.AST]:
    """The nodes of a module, but for what is imported for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    return ast.walk(tree)


def _imported(path: Path) -> set[str]:
    """The rooms of the house that a module imports, wherever in it; not for types alone."""
    depth = len(path.relative_to(HOUSE).parts) - 1
    rooms = set()
    for node in _untyped(path):
        if isinstance(node, ast.ImportFrom) and node.level == depth + 1:
            rooms |= {node.module.split(".")[0]} if node.module else {a.name for a in node.names}
    return rooms


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_point_down(path: Path) -> None:
    module = _name(path)
    upwards = {room for room in _imported(path) if _floor(room) < _floor(module)}
    assert upwards == set()


def test_no_imports_go_in_circles() -> None:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for path in MODULES:
        sorter.add(_module(path), *(found for found in _modules(path) if found != _module(path)))
    sorter.prepare()  # raises CycleError, with the circle


def _module(path: Path) -> str:
    return _name(path).removesuffix(".__init__")


def _modules(path: Path) -> set[str]:
    """The modules of the house that a module imports; a room itself where it takes from that."""
    known = {_module(other) for other in MODULES}
    package = path.relative_to(HOUSE).parts[:-1]
    found = set()
    for node in _untyped(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            up = len(package) - node.level + 1
            base = ".".join((*package[:up], *([node.module] if node.module else [])))
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                found.add(inner if inner in known else base or "__init__")
    return found & known


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_and_functions_are_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_what_is_public_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree)
    for node in [
        *tree.body,
        *(n for c in tree.body if isinstance(c, ast.ClassDef) for n in c.body),
    ]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_only_the_wire_spells_the_protocol() -> None:
    names = ("input_audio", "prompt_tokens", "completion_tokens", "finish_reason", "delta",
             "modalities", "max_completion_tokens", "expires_at\"")  # fmt: skip
    for path in MODULES:
        module = _name(path)
        if module.startswith("wire"):
            continue
        text = path.read_text("utf-8")
        assert [name for name in names if f'"{name}' in text] == [], module


def test_the_shell_is_asked_for_in_the_magics_alone() -> None:
    calls = [
        _name(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "get_ipython"
    ]
    assert calls == []


def test_public_names_are_all_there() -> None:
    assert sorted(audiomagic.__all__) == sorted(set(audiomagic.__all__))
    for name in audiomagic.__all__:
        assert getattr(audiomagic, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'Sond'"):
        audiomagic.Sond  # noqa: B018
