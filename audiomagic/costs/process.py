"""Processes: who wrote something, and whether it still runs."""

import os
import platform
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

LONGEST = timedelta(hours=1)  # no call takes longer: what is known of other machines' processes
JITTER = 2.0  # seconds by which the system's word on when a process began may change


def me() -> dict[str, Any]:
    """Return what tells this process from all others: number, birth (Unix seconds), machine."""
    pid = os.getpid()
    return {"pid": pid, "born": _born(pid), "machine": platform.node()}


def runs(pid: int, born: float, machine: str, seen: datetime) -> bool:
    """Whether a process that was `seen` at work still runs; another machine's is presumed to."""
    if machine != platform.node():
        return datetime.now(UTC) - seen < LONGEST
    import psutil

    try:
        return bool(abs(psutil.Process(pid).create_time() - born) < JITTER)
    except psutil.Error:
        return False


@cache
def _born(pid: int) -> float:
    import psutil  # `os.kill(pid, 0)` would end a process on Windows

    return float(psutil.Process(pid).create_time())
