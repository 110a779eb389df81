"""A real Jupyter server for the tests, cut off from the user's own Jupyter."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # ipykernel depends on it: always there

from . import ipykernels

#: Dialogs and requests that Lab makes on its own at its first start.
QUIET = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}
}
#: Never inherited by the server: other people's Jupyter, proxies, real API keys.
_PRIVATE = re.compile(r"(?i)^(jupyter|jpy_|ipython)|_proxy$|_api_key$")


class JupyterServer:
    """`jupyter lab` (with Notebook 7) on a free loopback port, sharing nothing with the user's."""

    def __init__(
        self,
        root: Path,
        *,
        env: Mapping[str, str] | None = None,
        ipykernels: Sequence[str] = (),
        options: Sequence[str] = (),
        timeout: float = 90.0,
    ) -> None:
        """Prepare one; a notebook may ask for a kernel `ipykernel-<version>` of `ipykernels`."""
        self.root, self.timeout, self.ipykernels = root.resolve(), timeout, ipykernels
        self.options = options
        self.token = secrets.token_hex(16)
        self.url = ""
        self._extra = dict(env or {})

    def __enter__(self) -> JupyterServer:
        self.root.mkdir(parents=True, exist_ok=True)
        self.state = Path(tempfile.mkdtemp(prefix="audiomagic-jupyter-"))
        for plugin, values in QUIET.items():
            path = self.state / "settings" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(values))
        for version in self.ipykernels:
            ipykernels.write_kernelspec(version, self.state / "data")
        # Port 0: the system picks a free one, which no other process can take in between.
        options = f"""--no-browser --allow-root --ServerApp.ip=127.0.0.1 --ServerApp.port=0
            --IdentityProvider.token={self.token} --LabApp.extension_manager=readonly
            --LabApp.expose_app_in_browser=True --JupyterNotebookApp.expose_app_in_browser=True"""
        command = [sys.executable, "-m", "jupyterlab", *options.split()]
        with open(self.state / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [*command, f"--ServerApp.root_dir={self.root}", *self.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.root,
                start_new_session=True,
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _environment(self) -> dict[str, str]:
        env = {key: value for key, value in os.environ.items() if not _PRIVATE.search(key)}
        for name in ("CONFIG", "DATA", "RUNTIME"):
            env[f"JUPYTER_{name}_DIR"] = str(self.state / name.lower())
        env["JUPYTERLAB_SETTINGS_DIR"] = str(self.state / "settings")
        env["JUPYTERLAB_WORKSPACES_DIR"] = str(self.state / "workspaces")
        env["IPYTHONDIR"] = str(self.state / "ipython")
        return {**env, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **self._extra}

    def _wait_until_up(self) -> None:
        info = self.state / "runtime" / f"jpserver-{self._process.pid}.json"
        end = time.monotonic() + self.timeout
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError):  # not written, or half written
                self.url = f"http://127.0.0.1:{json.loads(info.read_text())['port']}/"
                self.api("GET", "api/status")
                return
            time.sleep(0.1)
        raise RuntimeError(f"the Jupyter server did not start:\n{self.log()[-3000:]}")

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            # Each kernel leads a process group of its own: note them while the tree stands.
            server = psutil.Process(self._process.pid)
            family = [server, *server.children(recursive=True)]
            self._process.terminate()  # the server then shuts its kernels down in good order
            for straggler in psutil.wait_procs(family, timeout=10)[1]:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(os.getpgid(straggler.pid), signal.SIGKILL)
        self._process.wait(timeout=10)
        shutil.rmtree(self.state, ignore_errors=True)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server's REST API (`api/kernels`, `api/sessions`, ...)."""
        header = {"Authorization": f"token {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, header, method=method)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def log(self) -> str:
        """What the server and its kernels have printed."""
        return (self.state / "server.log").read_text(errors="replace")
