"""Where a language model or a Whisper model comes from: installed, a path, the hub or a server."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import EngineError, one_line
from ..files import file_path
from . import weights

Part = Literal["llm", "stt"]
LABELS = {"path": "on this machine", "hub": "from the model hub", "server": "a server"}

HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*(?::\S+)?")  # org/repo[:file or quantisation]
PREFERRED = ("Q4_K_M", "q4_0", "q8_0", "")  # Q4_K_M: half the size of Q8_0, hardly worse
SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")  # of a model that is split into files
WHISPER = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]


@dataclass(frozen=True)
class ModelSource:
    """The kind of source, and the name in it."""

    part: Part
    kind: Literal["installed", "path", "hub", "server"] = "installed"
    name: str = ""

    def __str__(self) -> str:
        if self.kind != "installed":
            return f"{self.name} ({LABELS[self.kind]})"
        if self.part == "stt" or weights.llm():
            return weights.describe(self.part)
        return "none; run: " + weights.INSTALL

    def path(self) -> Path | None:
        """Return the GGUF file or Whisper folder; None on a server, or when none is installed."""
        if self.kind == "path":
            return Path(self.name)
        if self.kind == "hub":
            return gguf_from_hub(self.name) if self.part == "llm" else whisper_from_hub(self.name)
        if self.kind == "server":
            return None
        return weights.llm() if self.part == "llm" else weights.packaged("stt") / "model"

    def check(self) -> None:
        """Look whether the model hub has it, unless it was downloaded. Raises EngineError."""
        if self.kind != "hub":
            return
        with _hub_errors(self.name.partition(":")[0]):
            if self.part == "llm" and not _cached_gguf(self.name):
                _gguf_on_hub(self.name)
            elif self.part == "stt" and not _cached_whisper(self.name):
                _check_whisper_on_hub(self.name)


def model_source(part: Part, named: str | None = None) -> ModelSource:
    """Parse the setting, or else $AUDIOMAGIC_LLM or $AUDIOMAGIC_STT.

    Raises EngineError when it names nothing usable, OptionError for an impossible file name.
    """
    variable = f"AUDIOMAGIC_{part.upper()}"
    origin = f"--{part}" if named else f"${variable}"
    named = (named or os.environ.get(variable, "")).strip()
    if not named:
        return ModelSource(part)
    if named.startswith(("http://", "https://")):
        return ModelSource(part, "server", named)
    path = file_path(named)
    is_file = named.endswith(".gguf") and ":" not in named
    if not is_file and not path.exists() and HUB_NAME.fullmatch(named):
        return ModelSource(part, "hub", named)
    shown = f"{origin} is {one_line(path, 120)}"
    if part == "stt":
        if not path.exists():
            raise EngineError(f"{shown}: not a folder, a hub name (org/repo) or a URL")
        if not (path / "model.bin").is_file():
            raise EngineError(f"{shown}, which is not the folder of a CTranslate2 Whisper model")
    elif not path.is_file():
        raise EngineError(f"{shown}: not a file, a hub name (org/repo) or a URL")
    else:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise EngineError(f"{shown}, which is not a GGUF file")
    return ModelSource(part, "path", str(path.resolve()))


def gguf_from_hub(name: str) -> Path:
    """Return the file of `org/repo`, `org/repo:file.gguf` or `org/repo:Q5_K_M`, cached or not."""
    from huggingface_hub import hf_hub_download

    repo = name.partition(":")[0]
    with _hub_errors(repo):
        if cached := _cached_gguf(name):
            return cached
        paths = [hf_hub_download(repo, file) for file in _whole(_gguf_on_hub(name))]
        return Path(paths[0])


def whisper_from_hub(repo: str) -> Path:
    """Return the folder of a CTranslate2 Whisper model, likewise."""
    from huggingface_hub import snapshot_download

    with _hub_errors(repo):
        if cached := _cached_whisper(repo):
            return cached
        _check_whisper_on_hub(repo)
        return Path(snapshot_download(repo, allow_patterns=WHISPER))


def _cached_gguf(name: str) -> Path | None:
    repo, _, wanted = name.partition(":")
    if folder := _cached(repo, []):
        there = [path.relative_to(folder).as_posix() for path in folder.rglob("*.gguf")]
        found = choose_gguf(there, wanted)
        if found and all((folder / file).exists() for file in _whole(found)):
            return folder / found
    return None


def _gguf_on_hub(name: str) -> str:
    repo, _, wanted = name.partition(":")
    files = [file for file in _listed(repo) if file.endswith(".gguf")]
    if chosen := choose_gguf(files, wanted):
        return chosen
    lacks = f" named '{one_line(wanted, 60)}'; it has: {', '.join(files)}" if wanted else ""
    raise EngineError(one_line(f"{repo} has no GGUF file{lacks}"))


def _cached_whisper(repo: str) -> Path | None:
    folder = _cached(repo, WHISPER)
    return folder if folder and (folder / "model.bin").exists() else None


def _check_whisper_on_hub(repo: str) -> None:
    if "model.bin" not in _listed(repo):  # which notices soon when there is no network
        raise EngineError(f"{repo} has no CTranslate2 Whisper model (model.bin); name another")


def choose_gguf(files: Iterable[str], wanted: str) -> str | None:
    """Choose the file that is wanted, one of the preferred quantisations, or any."""
    # The later parts of a split model, and vision encoders, are not models of their own.
    files = sorted(file for file in files if _whole(file)[0] == file and "mmproj" not in file)
    for quantisation in [wanted] if wanted else PREFERRED:
        found = [file for file in files if quantisation.lower() in file.lower()]
        if found:
            return wanted if wanted in found else found[0]
    return None


def _whole(file: str) -> list[str]:
    """Return all files of a model, of which one may be split into many."""
    if not (part := SPLIT.search(file)):
        return [file]
    numbers = range(1, int(part[2]) + 1)
    return [SPLIT.sub(f"-{number:05}-of-{part[2]}.gguf", file) for number in numbers]


def _cached(repo: str, needed: list[str]) -> Path | None:
    from huggingface_hub import errors, snapshot_download

    try:
        return Path(snapshot_download(repo, local_files_only=True, allow_patterns=needed))
    except errors.LocalEntryNotFoundError:
        return None


def _listed(repo: str) -> list[str]:
    from huggingface_hub import model_info

    # `list_repo_files` would take 23 seconds to find out that there is no network.
    return [file.rfilename for file in model_info(repo, timeout=10).siblings or ()]


@contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        line = f"the model hub has no '{repo}', or requires a token ($HF_TOKEN)"
        raise EngineError(line) from error
    except errors.HfHubHTTPError as error:
        raise EngineError(f"the model hub rejected '{repo}' ({one_line(error, 100)})") from error
    except (OSError, httpx2.HTTPError) as error:
        raise EngineError(
            f"'{repo}' is not on this machine, and the model hub cannot be reached "
            f"({one_line(error, 100)}); go online once, or name a file or a server"
        ) from error
