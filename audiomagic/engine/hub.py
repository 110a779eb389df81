"""Models by their name on the Hugging Face hub: fetched once, then used offline."""

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from ..errors import EngineError, one_line

NAME = re.compile(r"[\w.-]+/[\w.-]+(?::\S+)?")  # org/repo, org/repo:file or org/repo:quantisation
PATIENCE = 10.0  # seconds to wait for the hub's list of a model's files
PREFERRED = "Q4_K_M"  # the usual quantisation: half the size of Q8_0, hardly worse
PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")  # of a model split into files
WHISPER = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")

Found = TypeVar("Found")


def llm_file(name: str) -> Path:
    """Return the GGUF file of `org/repo`, `org/repo:file.gguf` or `org/repo:Q5_K_M`.

    Looks in the user's cache first; fetches it, with a bar, where it is not there. Raises
    EngineError, one line, where it cannot be had.
    """
    repo, _, wanted = name.partition(":")
    cached = _cached(repo)
    if cached and (found := _complete(cached, _chosen(_ggufs(cached), wanted))):
        return found
    names = _from_hub(repo, lambda: _listed(repo))
    chosen = _chosen([file for file in names if file.endswith(".gguf")], wanted)
    if not chosen:
        raise EngineError(_no_file(repo, wanted, names))
    folder = _from_hub(repo, lambda: _fetched(repo, [_whole(chosen)]))
    return folder / chosen


def stt_folder(name: str) -> Path:
    """Return the folder of a CTranslate2 Whisper model, as `brain_file` does."""
    cached = _cached(name)
    if cached and (cached / "model.bin").exists() and (cached / "config.json").exists():
        return cached
    return _from_hub(name, lambda: _fetched(name, WHISPER))


def _chosen(files: Iterable[str], wanted: str) -> str | None:
    """Choose one of the GGUF files: the one wanted, the preferred, the only one."""
    firsts = sorted(f for f in files if not (part := PART.search(f)) or int(part[1]) == 1)
    firsts = [file for file in firsts if "mmproj" not in file.lower()]  # eyes, not a brain
    for asked in [wanted] if wanted else [PREFERRED, "q4_0", "q8_0", ""]:
        found = [file for file in firsts if asked.lower() in file.lower()]
        exact = [file for file in found if file == asked]
        if exact or found:
            return (exact or found)[0]
    return None


def _whole(file: str) -> str:
    """The pattern of a file and the parts that belong to it."""
    return PART.sub("-*.gguf", file)


def _complete(folder: Path, file: str | None) -> Path | None:
    if file is None:
        return None
    part = PART.search(file)
    there = len(list(folder.glob(_whole(file))))
    return folder / file if there == (int(part[2]) if part else 1) else None


def _ggufs(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.gguf")]


def _no_file(repo: str, wanted: str, names: list[str]) -> str:
    there = ", ".join(file for file in names if file.endswith(".gguf"))
    what = f"no GGUF file named '{one_line(wanted, 60)}'" if wanted else "no GGUF file"
    return one_line(f"{repo} holds {what}" + (f"; it has: {there}" if there else ""))


# -- the hub ----------------------------------------------------------------------------------
def _cached(repo: str) -> Path | None:
    """Return the folder of what was fetched before, as the hub's library lays it out."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    try:
        return folder / "snapshots" / (folder / "refs" / "main").read_text("utf-8").strip()
    except OSError:
        return None


def _listed(repo: str) -> list[str]:
    from huggingface_hub import HfApi

    # Not `list_repo_files`, which takes 23 seconds to find out that one is offline.
    about = HfApi(endpoint=_endpoint()).model_info(repo, timeout=PATIENCE)
    return [file.rfilename for file in about.siblings or ()]


def _fetched(repo: str, patterns: Iterable[str]) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repo, allow_patterns=list(patterns), endpoint=_endpoint()))


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")  # the library reads it when it is imported: too early


def _from_hub(repo: str, step: Callable[[], Found]) -> Found:
    import httpx2
    from huggingface_hub import errors

    try:
        return step()
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise EngineError(f"the model hub has no '{repo}', or wants a token ($HF_TOKEN)") from error
    except errors.HfHubHTTPError as error:
        raise EngineError(f"the model hub refused '{repo}' ({one_line(error, 100)})") from error
    except (OSError, httpx2.HTTPError) as error:
        raise EngineError(
            f"'{repo}' is not on this machine, and the model hub cannot be reached "
            f"({one_line(error, 100)}); go online once, or name a file or a server"
        ) from error
