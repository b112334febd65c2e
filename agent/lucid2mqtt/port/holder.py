"""Who holds a busy device, as far as the system lets us see."""

from __future__ import annotations

import os
from pathlib import Path


def who_holds(path: str, *, proc: Path = Path("/proc")) -> str | None:
    """The other programs that have `path` open, as "socat (pid 812)"; None when none can be seen.

    Without root only processes of the same user are visible. Walks all of /proc (milliseconds): call it off the loop.
    """
    try:
        device = Path(path).stat()
    except OSError:
        return None
    wanted = (device.st_dev, device.st_ino)
    holders = [
        f"{_program_name(process)} (pid {process.name})"
        for process in sorted(proc.glob("[0-9]*"), key=lambda process: int(process.name))
        if int(process.name) != os.getpid() and _has_open(process, wanted)
    ]
    return ", ".join(holders) or None


def _has_open(process: Path, wanted: tuple[int, int]) -> bool:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:  # ended meanwhile, or not ours to look at
        return False
    for descriptor in descriptors:
        try:
            held = descriptor.stat()
        except OSError:
            continue
        if (held.st_dev, held.st_ino) == wanted:
            return True
    return False


def _program_name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip() or "a program"
    except OSError:
        return "a program"
