"""What users may rely on: the public names, their signatures, the magics' options, the errors.

`python -m tests.docs.test_public_api` writes public_api.txt anew, once a change is meant.
"""

import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

import audiomagic
from audiomagic import errors
from audiomagic.notebook.arguments import MAGICS, MagicOptions, flags_of
from audiomagic.turn.options import Options

SNAPSHOT = Path(__file__).with_name("public_api.txt")
NAMES = [name for name in audiomagic.__all__ if not name.endswith("_ipython_extension")]


def public_api() -> str:
    return (
        "\n".join(
            [
                *_names(),
                "",
                *_options(),
                "",
                *_errors(errors.AudiomagicError),
                *_errors(errors.Interrupted),
            ]
        )
        + "\n"
    )


def _names() -> Iterator[str]:
    """Each name with its parameters, and the members of a class."""
    for name in audiomagic.__all__:
        public = getattr(audiomagic, name)
        yield f"{name}{_parameters(public)}"
        for member in sorted(_members(public)) if inspect.isclass(public) else ():
            value = inspect.getattr_static(public, member, None)
            called = isinstance(value, FunctionType | classmethod | staticmethod)
            yield f"    .{member}{_parameters(getattr(public, member)) if called else ''}"


def _members(public: type) -> set[str]:
    """The public members, but for what another package's base class brings along."""
    ours = [base for base in public.__mro__ if base.__module__.split(".")[0] == "audiomagic"]
    names = {name for base in ours for name in vars(base)}
    names |= {name for base in ours for name in inspect.get_annotations(base)}
    return {name for name in names if not name.startswith("_")}


def _parameters(public: Any) -> str:
    """Names, kinds and defaults; the types are mypy's business."""
    signature = inspect.signature(public)
    bare = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    return str(inspect.Signature([one for one in bare if one.name != "self"]))


def _options() -> Iterator[str]:
    """What `**options` takes; each magic's flags, what follows them, and the setting's name."""
    yield f"**options: {', '.join(Options.__annotations__)}"
    for magic in MAGICS:
        yield f"%%{magic}"
        for trait in MagicOptions.declared(magic):
            value = trait.metadata.get("metavar", "")
            flags = " ".join(flags_of(trait))
            yield f"    {flags}{f' {value}' if value else ''} ({trait.name})"


def _errors(kind: type, depth: int = 0) -> Iterator[str]:
    """The error tree, with the other classes that each is caught by."""
    others = [
        base.__name__ for base in kind.__bases__ if not issubclass(base, errors.AudiomagicError)
    ]
    also = f" ({', '.join(others)})" if others else ""
    yield f"{'    ' * depth}{kind.__name__}{also}"
    for below in sorted(kind.__subclasses__(), key=lambda one: one.__name__):
        if below.__module__ == errors.__name__:
            yield from _errors(below, depth + 1)


def test_it_is_what_was_agreed_on() -> None:
    current, agreed = public_api(), SNAPSHOT.read_text("utf-8")
    assert current == agreed, "if this is meant, run: python -m tests.docs.test_public_api"


def test_every_name_is_there_and_no_other() -> None:
    assert len(NAMES) == 7 and len(set(audiomagic.__all__)) == 9
    assert set(audiomagic.__all__) <= set(dir(audiomagic))
    with pytest.raises(AttributeError, match="has no attribute 'Sond'"):
        audiomagic.Sond  # noqa: B018


def test_a_name_shows_where_users_have_it_from() -> None:
    for name in NAMES:
        public = getattr(audiomagic, name)
        assert (public.__module__, public.__qualname__) == ("audiomagic", name)
        assert pickle.loads(pickle.dumps(public)) is public


def test_a_name_is_found_by_a_process_that_has_not_used_it() -> None:
    """An executor's worker has nothing but the pickle."""
    script = """
import pickle, sys
fresh = set(sys.modules)
for pickled in pickle.load(sys.stdin.buffer):
    print(pickle.loads(pickled).__qualname__)
    for module in set(sys.modules) - fresh:
        if module.split(".")[0] == "audiomagic":
            del sys.modules[module]  # the next is as new
"""
    data = pickle.dumps([pickle.dumps(getattr(audiomagic, name)) for name in NAMES])
    done = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True)
    assert (done.stdout.decode().split(), done.stderr) == (NAMES, b"")


def test_an_uncaught_error_shows_its_public_name() -> None:
    script = "import audiomagic; raise audiomagic.AudiomagicError('no')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "audiomagic.AudiomagicError: no"


if __name__ == "__main__":
    SNAPSHOT.write_text(public_api(), "utf-8")
