"""`./run release-check`: may this commit be released? One line for each question, and what to do where the answer is no."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lucid2mqtt import __version__
from tests.release.build import REPOSITORY, build, git, last_commit, tracked_files
from tests.release.contents import sdist_faults, wheel_faults
from tests.release.locks import MACHINES, PYTHONS, fetch_wheels, lock_faults

_SHOWN = 5
_VERSION_LINE = re.compile(r"^__version__ = ", re.MULTILINE)
_ON_MACHINES = ("core", "demo")  # the locks that are installed where modules are


@dataclass(frozen=True)
class Stage:
    """Where the checks work: a folder that goes away, and the Python of a fresh environment in it."""

    folder: Path

    @property
    def python(self) -> Path:
        """Of an environment with nothing but pip, made at the first use."""
        home = self.folder / "venv"
        if not home.exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, capture_output=True)
        return home / "bin/python"


def clean_tree(stage: Stage) -> Iterator[str]:
    del stage
    yield from (f"{line[3:]} is changed or new: commit it, or take it away" for line in git("status", "--porcelain").splitlines())


def one_version(stage: Stage) -> Iterator[str]:
    del stage
    sources = [name for name in tracked_files() if name.startswith("agent/") and name.endswith(".py")]
    places = [name for name in sources if _VERSION_LINE.search((REPOSITORY / name).read_text())]
    if places != ["agent/lucid2mqtt/__init__.py"]:
        yield f"the version is set in {', '.join(places)}: agent/lucid2mqtt/__init__.py is the place"
    yield from changelog_faults((REPOSITORY / "CHANGELOG.md").read_text(), __version__)


def changelog_faults(changelog: str, version: str) -> Iterator[str]:
    """The newest release in it is `version`, with a date, and nothing waits under Unreleased."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    waiting = [section for section in sections if section.lower().startswith("unreleased") and section.partition("\n")[2].strip()]
    releases = [section.partition("\n")[0].strip() for section in sections if not section.lower().startswith("unreleased")]
    wanted = re.compile(rf"\[?{re.escape(version)}\]? - \d{{4}}-\d\d-\d\d")
    if waiting or not releases or not wanted.fullmatch(releases[0]):
        yield f"CHANGELOG.md: move what is under Unreleased below a heading '## {version} - YYYY-MM-DD'"


def locks_complete(stage: Stage) -> Iterator[str]:
    del stage
    yield from (f"{fault}: ./run lock" for fault in lock_faults(REPOSITORY))


def wheels_everywhere(stage: Stage) -> Iterator[str]:
    """Every locked version has a wheel for every machine we run on; otherwise a Pi would have to compile."""
    for machine in MACHINES:
        for python in PYTHONS:
            for group in _ON_MACHINES:
                try:
                    lock, folder = REPOSITORY / f"agent/locks/{group}.txt", stage.folder / f"wheels-{machine}-{python}"
                    fetch_wheels(stage.python, lock, folder, machine=machine, version=python)
                except subprocess.CalledProcessError as fault:
                    said = fault.stderr.strip().splitlines() or ["pip did not say why"]
                    yield f"{group}.txt on {machine}, Python {python}: {said[-1]}"


def reproducible(stage: Stage) -> Iterator[str]:
    """Building twice gives the same bytes; the files of the second time are in `stage` for the checks to come."""
    first, second = stage.folder / "first", stage.folder / "dist"
    for one, other in zip(build(first, last_commit()), build(second, last_commit()), strict=True):
        if one.read_bytes() != other.read_bytes():
            yield f"{one.name} differs from one time to the next: diffoscope {one.name} shows where"


def contents(stage: Stage) -> Iterator[str]:
    wheel, sdist = _built(stage)
    yield from (f"wheel: {fault}" for fault in wheel_faults(wheel, tracked_files(), (REPOSITORY, Path.home(), stage.folder)))
    yield from (f"source archive: {fault}" for fault in sdist_faults(sdist, tracked_files()))


def installs(stage: Stage) -> Iterator[str]:
    """The wheel and its locked requirements, in a fresh environment, and no more than that."""
    pip = [str(stage.python), "-m", "pip", "--disable-pip-version-check", "install", "-q", "--only-binary", ":all:"]
    subprocess.run([*pip, "--require-hashes", "-r", str(REPOSITORY / "agent/locks/core.txt")], check=True, capture_output=True, text=True)
    subprocess.run([*pip, "--no-deps", str(_built(stage)[0])], check=True, capture_output=True, text=True)
    program = str(stage.python.with_name("lucid2mqtt"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LUCID2MQTT_"))}
    said = {
        word: subprocess.run([program, word], cwd=stage.folder, env=environ, check=True, capture_output=True, text=True).stdout
        for word in ("--version", "schema", "check")
    }
    if said["--version"].split() != ["lucid2mqtt", __version__]:
        yield f"the installed program calls itself {said['--version'].strip()}"
    if "properties" not in json.loads(said["schema"]):
        yield "lucid2mqtt schema prints no schema"


def tests_pass(stage: Stage) -> Iterator[str]:
    del stage
    done = subprocess.run([str(REPOSITORY / "run"), "test"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield f"./run test fails:\n{(done.stdout + done.stderr)[-2000:]}"


def _built(stage: Stage) -> tuple[Path, Path]:
    (wheel,), (sdist,) = (stage.folder / "dist").glob("*.whl"), (stage.folder / "dist").glob("*.tar.gz")
    return wheel, sdist


Check = Callable[[Stage], Iterable[str]]
"""Yields what is wrong, each with what to do."""

CHECKS: Mapping[str, Check] = {
    "nothing uncommitted": clean_tree,
    "version in one place and in the changelog": one_version,
    "locks fit pyproject.toml, with hashes": locks_complete,
    "same bytes when built twice": reproducible,
    "contents of wheel and source archive": contents,
    "wheel installs and runs": installs,
    "binary wheels for " + ", ".join(MACHINES): wheels_everywhere,
    "./run test": tests_pass,
}


def ask(checks: Mapping[str, Check] = CHECKS) -> int:
    """Asks all of them, whatever the others say; 1 when one says no."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="lucid2mqtt-release-") as folder:
        stage = Stage(Path(folder))
        for question, check in checks.items():
            faults = _answer(check, stage)
            failed += bool(faults)
            print(f"{'no' if faults else 'ok':4}{question}", flush=True)
            for fault in faults[:_SHOWN]:
                print(f"      {fault}")
            if len(faults) > _SHOWN:
                print(f"      and {len(faults) - _SHOWN} more")
    print(f"{failed} of {len(checks)} say no" if failed else f"{__version__} may be released")
    return int(failed > 0)


def _answer(check: Check, stage: Stage) -> list[str]:
    try:
        return list(check(stage))
    except subprocess.CalledProcessError as fault:
        said = (fault.stderr or fault.stdout or "").strip().splitlines()
        return [f"{' '.join(map(str, fault.cmd))} ended with {fault.returncode}: {said[-1] if said else 'it did not say why'}"]
    except (OSError, ValueError) as fault:
        return [str(fault)]
