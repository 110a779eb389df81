"""The architecture in counts: components and layers, circles, dependencies, lines, hops.

    python -m tests.docs.architecture

A component is a folder of the package, or a module next to the folders. Every import
counts: at the top, inside a function, or for types alone.
"""

import ast
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import audiomagic

PACKAGE = Path(audiomagic.__file__).parent
ROOT = PACKAGE.parent
TOP = "__init__"  # the package itself

Graph = dict[str, set[str]]


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a module, parsed once."""
    return ast.parse(path.read_text("utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a module's syntax."""
    return tuple(ast.walk(tree(path)))


def module_name(path: Path, root: Path = PACKAGE) -> str:
    """`turn.client`, `turn` for a folder's own `__init__`, `__init__` for the package's."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def modules(root: Path = PACKAGE) -> dict[str, Path]:
    """Every module by its name."""
    return {module_name(path, root): path for path in sorted(root.rglob("*.py"))}


def component(module: str) -> str:
    return module.split(".")[0]


def imported(path: Path, root: Path = PACKAGE) -> Iterator[str]:
    """The names of what a module imports of the package, each as precise as it is written."""
    package = path.relative_to(root).parts[:-1]
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = [*package[: len(package) - node.level + 1]]
            elif (node.module or "").split(".")[0] == root.name:
                base = []
            else:
                continue
            stem = (node.module or "").split(".") if node.module else []
            base += stem if node.level else stem[1:]
            yield from (".".join([*base, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == root.name:
                    yield alias.name.partition(".")[2] or TOP


def module_graph(root: Path = PACKAGE) -> Graph:
    """Which modules each module imports."""
    known = modules(root)
    graph: Graph = {}
    for name, path in known.items():
        found = set()
        for target in imported(path, root):
            parent = target.rpartition(".")[0] or TOP
            found.add(target if target in known else parent)
        graph[name] = {target for target in found if target in known} - {name}
    return graph


def component_graph(modules_: Graph) -> Graph:
    """Which components each component imports."""
    graph: Graph = {component(module): set() for module in modules_}
    for module, found in modules_.items():
        graph[component(module)] |= {component(target) for target in found} - {component(module)}
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """The groups of two and more that import each other, directly or not (after Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def longest_chain(graph: Graph) -> list[str]:
    """The longest way down by imports. Those of a circle are one layer."""
    group = {name: name for name in graph}
    for circle in circles(graph):
        group |= dict.fromkeys(circle, f"({circle[0]} and {len(circle) - 1} more)")
    merged: Graph = {name: set() for name in group.values()}
    for name, found in graph.items():
        merged[group[name]] |= {group[target] for target in found} - {group[name]}
    known: dict[str, list[str]] = {}

    def below(node: str) -> list[str]:
        if node not in known:
            ways = map(below, sorted(merged[node]))
            known[node] = [node, *max(ways, key=len, default=[])]
        return known[node]

    return max(map(below, sorted(merged)), key=len)


def loose(root: Path = PACKAGE) -> list[str]:
    """The modules next to the folders."""
    return sorted(path.stem for path in root.glob("*.py") if path.stem != TOP)


def dependencies(root: Path = ROOT) -> list[str]:
    """What is installed with the package in any case."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return list(project["dependencies"])


def lines(root: Path = PACKAGE) -> dict[str, int]:
    """The lines of Python in each component."""
    counted: dict[str, int] = {}
    for name, path in modules(root).items():
        counted[component(name)] = counted.get(component(name), 0) + len(
            path.read_text("utf-8").splitlines()
        )
    return counted


def upwards(graph: Graph, layers: Iterable[Iterable[str]]) -> list[str]:
    """Where a component imports one that is not below it, as `turn.reply > render`.

    A component without a layer is taken to be in the first.
    """
    layer = {name: i for i, names in enumerate(layers) for name in names}
    return [
        f"{module} > {target}"
        for module, found in sorted(graph.items())
        for target in sorted({component(one) for one in found})
        if target != component(module) and layer.get(target, 0) <= layer.get(component(module), 0)
    ]


def counts(hops: list[str]) -> dict[str, str]:
    """The table: what is counted, and how much."""
    by_module = module_graph()
    by_component = component_graph(by_module)
    by_size = sorted(lines().items(), key=lambda item: -item[1])
    return {
        "components (folders and top-level modules)": str(len(by_component)),
        "layers: longest chain of components (at most 14)": _chain(longest_chain(by_component)),
        "top-level modules (at most 8)": f"{len(loose())}: {', '.join(loose())}",
        "import circles of components (none)": _groups(circles(by_component)),
        "import circles of modules (none)": _groups(circles(by_module)),
        "longest chain of modules": _chain(longest_chain(by_module)),
        "dependencies (at most 16)": str(len(dependencies())),
        "modules": str(len(by_module)),
        "lines of the package": f"{sum(n for _, n in by_size)}: "
        + ", ".join(f"{name} {n}" for name, n in by_size),
        "our frames of one %%speak (at most 8)": _chain(hops),
    }


def _chain(names: list[str]) -> str:
    return f"{len(names)}: {' > '.join(names)}"


def _groups(found: list[list[str]]) -> str:
    return "; ".join([str(len(found)), *(f"{len(group)}: {', '.join(group)}" for group in found)])


if __name__ == "__main__":
    from ..support.hops import frames_of_a_speak

    for name, value in counts(frames_of_a_speak()).items():
        print(f"{name:44} {value}")
