"""The house rules that a program can hold: imports point down, modules and functions stay small."""

import ast
from pathlib import Path

import pytest

import audiomagic

HOUSE = Path(audiomagic.__file__).parent
MODULES = sorted(HOUSE.rglob("*.py"))
# A floor may import what stands below it, or beside it on the same line.
FLOORS = [
    {"__init__"},
    {"magics"},
    {"ipython_input", "completion", "cells", "commands"},
    {"listening", "reports"},
    {"statement"},
    {"order", "each"},
    {"magic_line"},
    {"settings", "live_card", "live_text", "pending", "recorder", "frontend"},
    {"player", "take"},
    {"place"},
    {"strip"},
    {"soundless"},
    {"session", "comparison", "chat_page", "batch", "crew", "worker", "items"},
    {"task"},
    {"grid", "gallery", "progress", "purse", "stored"},
    {"practice"},
    {"chats", "turn"},
    {"reading", "taped"},
    {"conversation", "rounds", "question"},
    {"caller", "forecast"},
    {"options"},
    {"account", "hearing"},
    {"client", "reply", "notes", "table", "till"},
    {"timing", "tools", "cassette", "faults"},
    {"models", "retry", "gate"},
    {"models", "retry"},
    {"gate"},
    {"route"},
    {"tool_result"},
    {"exhibit"},
    {"local"},
    {"diction", "budget"},
    {"card"},
    {"ledger"},
    {"receipt", "schema", "process", "estimate"},
    {"costs"},
    {"prices"},
    {"catalogue"},
    {"signature"},
    {"wire"},
    {"seam"},
    {"silence"},
    {"sound"},
    {"sound_file"},
    {"template"},
    {"spelling", "tokens"},
    {"spoken", "passages"},
    {"errors", "line", "script"},
]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts)


def _floor(module: str) -> int:
    room = module.split(".")[0]
    return next(i for i, floor in enumerate(FLOORS) if room in floor)


def _imported(path: Path) -> set[str]:
    """The rooms of the house that a module imports, wherever in it; not for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    depth = len(path.relative_to(HOUSE).parts) - 1
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == depth + 1:
            rooms |= {node.module.split(".")[0]} if node.module else {a.name for a in node.names}
    return rooms


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_point_down(path: Path) -> None:
    module = _name(path)
    upwards = {room for room in _imported(path) if _floor(room) < _floor(module)}
    assert upwards == set()


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
