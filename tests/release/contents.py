"""What must be in wheel and source archive, and what must not."""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

SOURCE = "agent/"
_DIST_INFO = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
_ADDED_TO_SDIST = {"PKG-INFO"}
_MUST_BE_IN_SDIST = (
    "pyproject.toml",
    "run",
    "agent/locks/core.txt",
    "config/systemd/lucid2mqtt.service",
    "docs/README.md",
    "tests/conftest.py",
)
_INDEX = re.compile(rb"--(?:extra-)?index-url|--find-links|\bindex-url\s*=|https?://[^\s\"'<>]*/simple\b|\.whl#sha256")


def wheel_faults(wheel: Path, tracked: Iterable[str], places: Iterable[Path]) -> Iterator[str]:
    """The wheel holds the package's tracked files and its own papers, and no word of where it was made (`places`)."""
    package = {name.removeprefix(SOURCE) for name in tracked if name.startswith(f"{SOURCE}lucid2mqtt/")}
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        papers = {name for name in names if PurePosixPath(name).parts[0].endswith(".dist-info")}
        yield from (f"{name} is missing" for name in sorted(package - names))
        yield from (f"{name} does not belong in it" for name in sorted(names - papers - package))
        kinds = {name.partition("/")[2] for name in papers}
        yield from (f"*.dist-info/{name} is missing" for name in sorted(_DIST_INFO - kinds))
        yield from (f"*.dist-info/{name} does not belong in it" for name in sorted(kinds - _DIST_INFO))
        for name in sorted(names):
            yield from (f"{name} {fault}" for fault in _told(opened.read(name), places))


def sdist_faults(sdist: Path, tracked: Iterable[str]) -> Iterator[str]:
    """The source archive holds nothing that git does not know, and what is needed to build and test."""
    known = set(tracked)
    with tarfile.open(sdist) as opened:
        names = {member.name.partition("/")[2] for member in opened.getmembers() if member.isfile()}
    yield from (f"{name} is not in git" for name in sorted(names - known - _ADDED_TO_SDIST))
    yield from (f"{name} is missing" for name in _MUST_BE_IN_SDIST if name not in names)


def _told(content: bytes, places: Iterable[Path]) -> Iterator[str]:
    if found := _INDEX.search(content):
        yield f"names a package index: {found[0].decode()}"
    yield from (f"names {place}" for place in places if len(place.parts) > 2 and str(place).encode() in content)
