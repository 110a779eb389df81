"""The conventions that a program can check; `python -m tests.docs.architecture` prints counts."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest

import audiomagic

from . import architecture

MODULES = architecture.modules()
TESTS = Path(__file__).parents[1]
TEST_FILES = sorted(TESTS.rglob("test_*.py"))
# A component may import what is on a lower line.
LAYERS = [
    {"__init__"},
    {"notebook"},
    {"session"},
    {"batch", "realtime"},
    {"turn"},
    {"widgets", "render"},
    {"tools", "speech", "transports", "costs"},
    {"engine"},
    {"protocol"},
    {"sound"},
    {"decoding", "files", "template"},
    {"suggestions", "catalogue", "static"},
    {"errors"},
    {"redaction"},
]
# The engine may be taken out and served by itself: it needs these components and no more.
ENGINE = {
    "protocol", "sound", "decoding", "files", "suggestions", "catalogue", "static", "errors",
}  # fmt: skip
# Every other module has `unit/<folder>/test_<module>.py`.
TESTED_THROUGH = {
    "docs/test_public_api.py": "__init__",
    "kernel/test_commands.py": "notebook.commands",
    "kernel/test_converse.py": "notebook.live_conversation",
    "kernel/test_magics.py": """notebook.frontend notebook.live_output notebook.magics
        notebook.output""",
    "clients/test_openai.py": """engine.api.models engine.api.replies engine.api.responses
        engine.api.speech engine.api.transcriptions""",
    "models/test_llm.py": "engine.llama_cpp engine.llm engine.tool_calling",
    "models/test_chat.py": "engine.api.chat engine.api.errors",
    "models/test_pipeline.py": "engine engine.api.app engine.engine",
    "models/test_stt.py": "engine.stt",
    "models/test_tts.py": "engine.tts",
    "sessions/test_batch.py": "batch.batch batch.display batch.items batch.scheduler batch.task",
    "sessions/test_cassette.py": "transports.record_replay",
    "sessions/test_chat.py": "turn.chats turn.conversation",
    "sessions/test_comparison.py": "render.comparison turn.comparison",
    "sessions/test_faults.py": "transports.error_messages transports.openai_client",
    "sessions/test_read_aloud.py": "turn.read_aloud",
    "sessions/test_realtime.py": """protocol.realtime.session realtime.conversation
        realtime.events realtime.transcription transports.realtime.connection
        transports.realtime.inbox transports.realtime.session
        transports.realtime.transport""",
    "browser/test_live_conversation.py": "notebook.live_panel",
    "sessions/test_turn_taking.py": """protocol.realtime.speech realtime.microphone
        realtime.turn_taking""",
    "sessions/test_redaction.py": "redaction",
    "sessions/test_servers.py": "transports.transport",
    "sessions/test_session.py": """render.dry_run session turn.client turn.listener
        turn.options turn.question turn.reply turn.turn""",
    "sessions/test_tools.py": "turn.tool_loop",
    "unit/costs/test_pricing.py": "catalogue",
    "unit/decoding/test_decoder.py": "decoding.limit decoding.readers decoding.stderr",
    "unit/engine/realtime/test_session.py": """engine.realtime.ids engine.realtime.recognition
        engine.realtime.responder""",
    "unit/protocol/test_response.py": "protocol.chunk_writer protocol.model_list",
    "unit/render/test_cost_report.py": "render.table",
}
FIELDS = {
    "completion_tokens", "completion_tokens_details", "delta", "finish_reason", "input_audio",
    "max_completion_tokens", "modalities", "prompt_tokens", "prompt_tokens_details",
    "stream_options", "tool_call_id",
}  # fmt: skip
SPEAKS_THE_PROTOCOL = ("protocol", "engine.api.", "engine.realtime.")
ENGINES = {"openai", "local", "replay"}
FACE = (FunctionType, classmethod, staticmethod, property)  # what a class offers
CLOCKS = {"perf_counter", "monotonic", "process_time", "time.time"}


def strings(node: ast.AST | None) -> set[str]:
    """The string literals within an expression."""
    inner = ast.walk(node) if node else ()
    return {n.value for n in inner if isinstance(n, ast.Constant) and isinstance(n.value, str)}


# -- components and layers --------------------------------------------------------------------
@pytest.fixture(scope="module")
def graph() -> architecture.Graph:
    """Which of our modules each imports; it takes a while."""
    return architecture.module_graph()


def test_every_component_has_its_layer() -> None:
    components = {architecture.component(module) for module in MODULES}
    assert components == set.union(*LAYERS)


def test_imports_point_down(graph: architecture.Graph) -> None:
    assert architecture.upwards(graph, LAYERS) == []


def test_the_engine_needs_a_few_components_only(graph: architecture.Graph) -> None:
    assert architecture.component_graph(graph)["engine"] <= ENGINE


def test_no_imports_go_in_circles(graph: architecture.Graph) -> None:
    assert architecture.circles(architecture.component_graph(graph)) == []
    assert architecture.circles(graph) == []


def test_the_layers_and_what_is_beside_them_are_few(graph: architecture.Graph) -> None:
    assert len(architecture.longest_chain(architecture.component_graph(graph))) <= 14
    assert len(architecture.loose()) <= 8
    assert len(architecture.dependencies()) <= 16


# -- who knows what ---------------------------------------------------------------------------
def spelled(path: Path) -> Iterator[str]:
    """The keys that a module writes or reads."""
    for node in architecture.nodes(path):
        if isinstance(node, ast.Dict):
            yield from (name for key in node.keys for name in strings(key))
        elif isinstance(node, ast.Subscript):
            yield from strings(node.slice)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield from strings(node.left)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".get", ".pop")):
            yield from (name for key in node.args[:1] for name in strings(key))


def test_only_the_protocol_and_the_served_engine_spell_its_fields() -> None:
    found = {
        module: names
        for module, path in MODULES.items()
        if not module.startswith(SPEAKS_THE_PROTOCOL)
        if (names := FIELDS.intersection(spelled(path)))
    }
    assert found == {}


def named(node: ast.expr) -> str:
    """The last name of an expression: `engine` of `reply.receipt.engine` and of `row["engine"]`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return next(iter(strings(node.slice)), "")
    return node.id if isinstance(node, ast.Name) else ""


def compared(path: Path) -> Iterator[str]:
    """Where a module asks by its name which engine it has."""
    for node in architecture.nodes(path):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Match):
            patterns = [case.pattern for case in node.cases]
            sides = [node.subject, *(p.value for p in patterns if isinstance(p, ast.MatchValue))]
        else:
            continue
        if {"engine", "name"} & set(map(named, sides)) and any(ENGINES & strings(s) for s in sides):
            yield ast.unparse(node).splitlines()[0]


def test_only_the_transports_ask_which_engine_it_is() -> None:
    """Others ask what they want to know: whether it is paid for, how it is called."""
    found = {
        module: asked
        for module, path in MODULES.items()
        if architecture.component(module) != "transports"
        if (asked := list(compared(path)))
    }
    assert found == {}


def test_only_the_notebook_asks_for_the_shell() -> None:
    found = {
        module
        for module, path in MODULES.items()
        for node in architecture.nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_ipython")
    }
    assert {architecture.component(module) for module in found} <= {"notebook"}


# -- what is said -----------------------------------------------------------------------------
def test_a_module_says_what_it_is() -> None:
    silent = [m for m, path in MODULES.items() if not ast.get_docstring(architecture.tree(path))]
    assert [module for module in silent if MODULES[module].read_text("utf-8")] == []


def test_what_is_public_says_what_it_does() -> None:
    silent = []
    for name in audiomagic.__all__:
        public = getattr(audiomagic, name)
        members = vars(public).items() if inspect.isclass(public) else ()
        offered = {
            f"{name}.{member}": value
            for member, value in members
            if not member.startswith("_") and isinstance(value, FACE)
        }
        offered[name] = public
        silent += [one for one, value in offered.items() if not inspect.getdoc(value)]
    assert silent == []


# -- tests ------------------------------------------------------------------------------------
def own_test(module: str) -> Path:
    """Where a module's own tests are; a folder's `__init__` has the folder's name."""
    path = MODULES[module].relative_to(architecture.PACKAGE)
    name = path.parent.name if path.stem == "__init__" and path.parent.name else path.stem
    return TESTS / "unit" / path.parent / f"test_{name}.py"


def is_bare(path: Path) -> bool:
    """Whether a module is nothing but a docstring."""
    body = architecture.tree(path).body
    return len(body) <= 1 and all(isinstance(node, ast.Expr) for node in body)


def test_where_the_test_of_a_module_is() -> None:
    through = {module for modules in TESTED_THROUGH.values() for module in modules.split()}
    assert [test for test in TESTED_THROUGH if not (TESTS / test).is_file()] == []
    own = {m for m, path in MODULES.items() if own_test(m).is_file() or is_bare(path)}
    assert sorted(MODULES.keys() - own - through) == []  # have no test that is known
    assert sorted(through - (MODULES.keys() - own)) == []  # are on the list, and need not be


def test_no_test_imports_a_test() -> None:
    found, tests = [], {path.stem for path in TEST_FILES}
    for path in sorted(TESTS.rglob("*.py")):
        for node in architecture.nodes(path):
            if isinstance(node, ast.ImportFrom) and (node.level or node.module == "tests"):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                if tests.intersection(names):
                    found.append(f"{path.relative_to(TESTS)}: {ast.unparse(node)}")
    assert found == []


def test_no_test_asserts_how_long_something_took() -> None:
    """A busy machine would fail it: assert on what happened, and in which order."""
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in TEST_FILES
        for node in architecture.nodes(path)
        if isinstance(node, ast.FunctionDef)
        for line in timed(node)
    ]
    assert found == []


def timed(function: ast.FunctionDef) -> Iterator[int]:
    """The lines where a function asserts on what a clock said."""
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and reads_a_clock(node.value, set()):
            kept_in: list[ast.expr] = node.targets
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".append"):
            kept_in = [node.func] if any(reads_a_clock(arg, set()) for arg in node.args) else []
        else:
            continue
        names |= {n.id for kept in kept_in for n in ast.walk(kept) if isinstance(n, ast.Name)}
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and reads_a_clock(node.test, names):
            yield node.lineno


def reads_a_clock(expression: ast.AST, names: set[str]) -> bool:
    """Whether an expression calls a clock, or has a name that was given by one."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CLOCKS or called.removeprefix("time.") in CLOCKS:
                return True
        if isinstance(node, ast.Name) and node.id in names:
            return True
    return False
