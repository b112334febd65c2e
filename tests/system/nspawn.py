"""A small Debian with its own systemd, booted from a folder (systemd-nspawn), for tests of what only a booted system shows.

The folder is made once by debootstrap and kept in the cache ($XDG_CACHE_HOME/lucid2mqtt-tests); a test gets an overlay of it
and leaves it as it was. Needs root, debootstrap and systemd-container. The booted system has no network but loopback.
Which Debian: the variable DEBIAN_SUITE, bookworm when it is not set.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lucid2mqtt-tests"
SUITE = os.environ.get("DEBIAN_SUITE") or "bookworm"
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "python3",
    "python3-venv",
    "python3-apt",
    "ca-certificates",
    "procps",
    "mosquitto",
    "openssl",
    "nftables",
    "ser2net",
)
_PROGRAMS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
_BOOT_WITHIN_S = 60.0
_COMMAND_WITHIN_S = 60.0


def base_system(suite: str = SUITE) -> Path:
    """The untouched Debian; the first use takes a minute or two. Raises RuntimeError with the line to type where it cannot be made."""
    if os.geteuid() != 0:
        raise RuntimeError("a Debian of its own can be made and booted by root only; run these tests with sudo")
    if missing := sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None}):
        raise RuntimeError(f"type: sudo apt install {' '.join(missing)}")
    base = CACHE / suite
    with locked(base):
        if not base.exists():
            unfinished = CACHE / f"{suite}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            words = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(unfinished)]
            made = subprocess.run(words, capture_output=True, text=True, check=False)
            if made.returncode != 0:
                raise RuntimeError(f"debootstrap failed:\n{made.stdout[-2000:]}{made.stderr}")
            (unfinished / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")  # which an installer would have written
            unfinished.rename(base)
    return base


def wheels(base: Path) -> Path:
    """A folder with our wheel, made anew, and those of the locked requirements for the Python of `base`, fetched once."""
    version = next(base.glob("usr/bin/python3.[0-9]*")).name.removeprefix("python").replace(".", "")
    folder = CACHE / f"wheels-{version}"
    lock = REPOSITORY / "agent/locks/core.txt"
    with locked(folder):
        stamp = folder / "core.txt"
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            shutil.rmtree(folder, ignore_errors=True)
            words = ["download", "-q", "--require-hashes", "--only-binary", ":all:", "--python-version", version]
            subprocess.run([*_pip(), *words, "-r", str(lock), "-d", str(folder)], check=True)
            shutil.copy(lock, stamp)
        for old in folder.glob("lucid2mqtt-*.whl"):
            old.unlink()
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=REPOSITORY, check=True, capture_output=True
        )
    return folder


def _pip() -> list[str]:
    """A pip: environments made by uv have none of their own."""
    home = CACHE / "pip"
    if not (home / "bin/pip").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
    return [str(home / "bin/pip"), "--disable-pip-version-check"]


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time makes `path`."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def overlay(base: Path, folder: Path) -> Iterator[Path]:
    """`base` as a writable tree; what is written lands in `folder` and goes with it."""
    upper, work, merged = folder / "upper", folder / "work", folder / "root"
    for each in (upper, work, merged):
        each.mkdir(parents=True)
    options = f"lowerdir={base},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(merged)], check=True)
    try:
        yield merged
    finally:
        subprocess.run(["umount", "--lazy", str(merged)], check=True)
        for each in (upper, work):
            shutil.rmtree(each)


def in_root(root: Path, *words: str) -> None:
    """Runs a command in `root` without booting it. Raises CalledProcessError."""
    subprocess.run(["chroot", str(root), *words], check=True, capture_output=True, text=True, env=_PLAIN, timeout=300)


_PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


class Machine:
    """`root`, booted."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root = root
        self._log = log
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        words = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--boot"]
        with self._log.open("wb") as output:
            self._nspawn = subprocess.Popen([*words, "--directory", str(self.root)], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            self._wait_for_boot(self._nspawn)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _wait_for_boot(self, nspawn: subprocess.Popen[bytes]) -> None:
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
        deadline = time.monotonic() + _BOOT_WITHIN_S
        state = ""
        while state not in ("running", "degraded"):
            if nspawn.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the machine does not boot ({state}):\n{self._log.read_text()}")
            if child := children.read_text().split():  # the first one only forks the leader
                self._leader = int(child[0])
                state = self.tell("systemctl", "is-system-running").strip()
            time.sleep(0.05)

    def _end(self) -> None:
        if self._nspawn is None:
            return
        try:
            os.kill(
                self._leader or self._nspawn.pid, signal.SIGKILL
            )  # takes all others inside with it; an orderly end would be waited for in vain
        except ProcessLookupError:
            self._nspawn.kill()
        self._nspawn.wait(30)
        self._nspawn = None

    def tell(self, *words: str) -> str:
        """Runs a command inside; its output, whatever its exit code."""
        return self._run(*words).stdout

    def must(self, *words: str) -> str:
        """As `tell`; AssertionError with what it said when it fails."""
        done = self._run(*words)
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def exit_code(self, *words: str) -> int:
        return self._run(*words).returncode

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", "--target", str(self._leader), "--all", "--", *words]
        return subprocess.run(inside, capture_output=True, text=True, env=_PLAIN, timeout=_COMMAND_WITHIN_S, check=False)

    @property
    def leader(self) -> int:
        """Its first process, as seen from here."""
        return self._leader

    def inside(self, path: str) -> Path:
        """A path of the machine as seen from here."""
        return Path(f"/proc/{self._leader}/root{path}")

    def show(self, unit: str, name: str) -> str:
        """One property of a unit, as systemd shows it."""
        return self.must("systemctl", "show", "--value", "-p", name, unit).strip()

    def journal(self, unit: str) -> str:
        return self.tell("journalctl", "--no-pager", "-o", "cat", "-u", unit)
