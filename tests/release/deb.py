"""The Debian package: the program with everything it needs in a folder of its own, for the Python of the distribution.

What is in config/debian goes into it as it stands, the rest from the wheels of the locked requirements. They come ready
for every architecture and Python, so nothing is compiled and any machine can make the package of any other.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from lucid2mqtt import __version__
from tests.release.build import REPOSITORY, build
from tests.release.locks import fetch_wheels

ARCHITECTURES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64", "armhf": "armv7l"}
"""As Debian calls them, and as Python does."""
PYTHONS = ("3.11", "3.12", "3.13")
"""The package holds what was compiled for each of them; the limits in its control file are these, too."""

_CONFIG = REPOSITORY / "config"
_HOME = "usr/lib/lucid2mqtt"
_PAPERS = "usr/share/doc/lucid2mqtt"
_FILES: Mapping[str, tuple[str, int]] = {
    "debian/lucid2mqtt": ("usr/bin/lucid2mqtt", 0o755),
    "debian/settings.yaml": ("etc/lucid2mqtt/settings.yaml", 0o644),
    "debian/copyright": (f"{_PAPERS}/copyright", 0o644),
    "debian/lintian-overrides": ("usr/share/lintian/overrides/lucid2mqtt", 0o644),
    "systemd/lucid2mqtt.service": ("usr/lib/systemd/system/lucid2mqtt.service", 0o644),
    "systemd/lucid2mqtt-attach@.service": ("usr/lib/systemd/system/lucid2mqtt-attach@.service", 0o644),
    "systemd/lucid2mqtt.sysusers.conf": ("usr/lib/sysusers.d/lucid2mqtt.conf", 0o644),
    "udev/60-lucid2mqtt.rules": ("usr/lib/udev/rules.d/60-lucid2mqtt.rules", 0o644),
}
_SCRIPTS = ("postinst", "prerm", "postrm")


def this_architecture() -> str:
    """What dpkg calls this machine. Raises FileNotFoundError where there is no dpkg."""
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


def build_deb(out: Path, epoch: int, architecture: str) -> Path:
    """The package of this tree for `architecture`; the same bytes every time. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="lucid2mqtt-deb-") as folder:
        wheels, root = Path(folder) / "wheels", Path(folder) / "root"
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/pip"], check=True)
        lock, machine = REPOSITORY / "agent/locks/core.txt", ARCHITECTURES[architecture]
        for python in PYTHONS:
            fetch_wheels(Path(folder) / "pip/bin/python", lock, wheels, machine=machine, version=python)
        build(wheels, epoch, targets=("wheel",))
        lay_out(root, wheels.glob("*.whl"), epoch)
        return pack(root, out, epoch, architecture)


def lay_out(root: Path, wheels: Iterable[Path], epoch: int) -> None:
    """Puts every file to its place below `root`."""
    for wheel in sorted(wheels):
        with zipfile.ZipFile(wheel) as opened:  # none has parts that belong elsewhere, and what is compiled carries its Python in its name
            for name in (name for name in opened.namelist() if not name.endswith("/")):
                _put(root / _HOME / name, opened.read(name))
    for source, (place, mode) in _FILES.items():
        _put(root / place, (_CONFIG / source).read_bytes(), mode)
    for example in sorted(_CONFIG.glob("*.yaml")):
        _put(root / _PAPERS / "examples" / example.name, example.read_bytes())
    _put(root / "usr/share/man/man1/lucid2mqtt.1.gz", _zipped((_CONFIG / "debian/lucid2mqtt.1").read_bytes()))
    _put(root / _PAPERS / "NEWS.md.gz", _zipped((REPOSITORY / "CHANGELOG.md").read_bytes()))
    _put(root / _PAPERS / "changelog.gz", _zipped(_changelog(epoch).encode()))


def pack(root: Path, out: Path, epoch: int, architecture: str) -> Path:
    """Makes the package of what is below `root`."""
    files = sorted(file for file in root.rglob("*") if file.is_file())
    size = sum(-(-file.stat().st_size // 1024) for file in files)
    control = (_CONFIG / "debian/control").read_text()
    for name, value in {"VERSION": __version__, "ARCHITECTURE": architecture, "SIZE": str(size), **_python_limits()}.items():
        control = control.replace(f"@{name}@", value)
    sums = [
        f"{hashlib.md5(file.read_bytes()).hexdigest()}  {file.relative_to(root)}\n"
        for file in files
        if "etc" not in file.relative_to(root).parts
    ]
    debian = root / "DEBIAN"
    _put(debian / "control", control.encode())
    _put(debian / "md5sums", "".join(sums).encode())
    _put(debian / "conffiles", "".join(f"/{file.relative_to(root)}\n" for file in files if file.is_relative_to(root / "etc")).encode())
    for script in _SCRIPTS:
        _put(debian / script, (_CONFIG / "debian" / script).read_bytes(), 0o755)
    for each in (*root.rglob("*"), root):
        if each.is_dir():
            each.chmod(0o755)
        os.utime(each, (epoch, epoch))
    out.mkdir(parents=True, exist_ok=True)
    package = out / f"lucid2mqtt_{__version__}_{architecture}.deb"
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(package)], env=environ, check=True, capture_output=True
    )
    shutil.rmtree(debian)
    return package


def _python_limits() -> dict[str, str]:
    major, minor = PYTHONS[-1].split(".")
    return {"PYTHON": PYTHONS[0], "NEXT_PYTHON": f"{major}.{int(minor) + 1}"}


def _put(file: Path, content: bytes, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(mode)


def _zipped(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _changelog(epoch: int) -> str:
    maintainer = next(line for line in (_CONFIG / "debian/control").read_text().splitlines() if line.startswith("Maintainer: "))
    when = format_datetime(datetime.fromtimestamp(epoch, UTC))
    entry = f"lucid2mqtt ({__version__}) unstable; urgency=medium\n\n  * See NEWS.md.gz beside this file.\n"
    return f"{entry}\n -- {maintainer.removeprefix('Maintainer: ')}  {when}\n"
