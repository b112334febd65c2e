"""Wheel and source archive, the same bytes wherever and whenever they are made from the same files.

All times in them are those of the last commit (SOURCE_DATE_EPOCH), and hatchling sorts files and evens out their modes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from lucid2mqtt import __version__

REPOSITORY = Path(__file__).parents[2]
TARGETS: Mapping[str, str] = {"wheel": f"lucid2mqtt-{__version__}-py3-none-any.whl", "sdist": f"lucid2mqtt-{__version__}.tar.gz"}
"""What hatchling calls them, and the files they are."""


def git(*words: str, repository: Path = REPOSITORY) -> str:
    """What git says. Raises CalledProcessError, outside of a clone too."""
    return subprocess.run(["git", "-C", str(repository), *words], check=True, capture_output=True, text=True).stdout


def tracked_files(repository: Path = REPOSITORY) -> list[str]:
    """Every file git knows, relative to the top."""
    return git("ls-files", "-z", repository=repository).strip("\0").split("\0")


def last_commit(repository: Path = REPOSITORY) -> int:
    """When the last commit was made, s since 1970."""
    return int(git("log", "-1", "--format=%ct", repository=repository))


def build(out: Path, epoch: int, *, source: Path = REPOSITORY, targets: Iterable[str] = tuple(TARGETS)) -> list[Path]:
    """Builds `source` into `out`, one file for each target, in their order. Raises CalledProcessError."""
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(out.absolute())]
    for target in targets:
        subprocess.run([*words, "-t", target], cwd=source, env=environ, check=True, capture_output=True, text=True)
    return [out / TARGETS[target] for target in targets]
