"""The locked requirements: do they fit pyproject.toml, are they complete, and can every machine we run on have them?"""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

GROUPS: Mapping[str, tuple[str, ...]] = {"core": (), "build": ("build",), "demo": ("demo", "build"), "test": ("demo", "build", "test")}
"""The lock files, and the extras of pyproject.toml each has beside the dependencies; as `./run lock` makes them."""
PYTHONS = ("3.11", "3.13")
"""Those of Debian 12 and 13."""
MACHINES = ("x86_64", "aarch64", "armv7l")
_GLIBC = range(17, 37)  # 2.36 is Debian 12's
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Pinned:
    """One locked requirement."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")

    def line(self) -> str:
        """As pip reads it, without the marker."""
        return " ".join((f"{self.name}=={self.version}", *self.hashes))


def locked(text: str) -> list[Pinned]:
    """The requirements of a lock file. Raises ValueError for a line that is none, such as an option with the address of an index."""
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        words, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        pins.append(Pinned(Requirement(words), tuple(hashes)))
    return pins


def lock_faults(repository: Path) -> Iterator[str]:
    """Every fault that can be seen without asking an index."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    for group, extras in GROUPS.items():
        file = repository / f"agent/locks/{group}.txt"
        try:
            pins = {pin.name: pin for pin in locked(file.read_text())}
        except (OSError, ValueError) as fault:
            yield f"{file.name} cannot be read: {fault}"
            continue
        wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
        yield from (f"{file.name}: {fault}" for fault in _unfit(pins, [Requirement(line) for line in wanted]))


def _unfit(pins: Mapping[str, Pinned], wanted: Sequence[Requirement]) -> Iterator[str]:
    for requirement in wanted:
        pin = pins.get(canonicalize_name(requirement.name))
        if pin is None:
            yield f"{requirement.name} is missing"
        elif not requirement.specifier.contains(pin.version, prereleases=True):
            yield f"{pin.name} {pin.version} does not fit {requirement.specifier} of pyproject.toml"
    for pin in pins.values():
        if [each.operator for each in pin.requirement.specifier] != ["=="] or "*" in pin.version:
            yield f"{pin.name} is not pinned to one version"
        if not pin.hashes or not all(_HASH.match(each) for each in pin.hashes):
            yield f"{pin.name} has no sha256, or something that is none"


def fetch_wheels(python: Path, lock: Path, folder: Path, *, machine: str, version: str) -> list[Path]:
    """Downloads the wheels of `lock` for a Debian 12 or newer on another machine and Python, with the pip of `python`.

    Raises CalledProcessError, with pip's words in `stderr`, where one has no wheel for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = _environment(machine, version)
    pins = [pin for pin in locked(lock.read_text()) if pin.requirement.marker is None or pin.requirement.marker.evaluate(environment)]
    wanted = folder / f"{lock.stem}.requirements"
    wanted.write_text("".join(f"{pin.line()}\n" for pin in pins))
    platforms = [word for minor in _GLIBC for word in ("--platform", f"manylinux_2_{minor}_{machine}")]
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--implementation", "cp", "--python-version", version]
    words = ["-m", "pip", "--disable-pip-version-check", "download", "-q", *options, *platforms, "--platform", f"manylinux2014_{machine}"]
    try:
        subprocess.run([str(python), *words, "-d", str(folder), "-r", str(wanted)], check=True, capture_output=True, text=True)
    finally:
        wanted.unlink()
    return sorted(folder.glob("*.whl"))


def _environment(machine: str, version: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }
