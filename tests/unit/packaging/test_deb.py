from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from lucid2mqtt import __version__
from tests.release.build import REPOSITORY
from tests.release.deb import ARCHITECTURES, PYTHONS, lay_out, pack
from tests.release.locks import MACHINES
from tests.release.locks import PYTHONS as TRIED_PYTHONS

EPOCH = 1_790_000_000
SCRIPTS = ("postinst", "prerm", "postrm")

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no Debian")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The package of one small wheel, made twice."""
    folder = tmp_path_factory.mktemp("deb")
    wheel = folder / "lucid2mqtt-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr("lucid2mqtt/__main__.py", "print('there')\n")
    made = []
    for name in ("one", "two"):
        lay_out(folder / f"root-{name}", [wheel], EPOCH)
        made.append(pack(folder / f"root-{name}", folder / name, EPOCH, "armhf"))
    return made[0], made[1]


def _field(package: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "--field", str(package), name], check=True, capture_output=True, text=True).stdout.strip()


def test_the_package_is_the_same_every_time(packages: tuple[Path, Path]) -> None:
    one, two = packages
    assert one.read_bytes() == two.read_bytes()


def test_it_says_what_it_is_and_what_it_needs(packages: tuple[Path, Path]) -> None:
    assert packages[0].name == f"lucid2mqtt_{__version__}_armhf.deb"
    assert _field(packages[0], "Version") == __version__
    needs = _field(packages[0], "Depends")
    assert "@" not in needs
    assert "python3 (>= 3.11~), python3 (<< 3.14~)" in needs
    assert "tzdata" in needs, "schedules need the time zones"


def test_settings_belong_to_the_owner_and_everything_else_to_root(packages: tuple[Path, Path]) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", str(packages[0])], check=True, capture_output=True, text=True).stdout.splitlines()
    assert {line.split()[1] for line in listed} == {"root/root"}
    programs = [line.split()[5] for line in listed if line.startswith("-rwx")]
    assert programs == ["./usr/bin/lucid2mqtt"]
    conffiles = subprocess.run(["dpkg-deb", "--info", str(packages[0]), "conffiles"], check=True, capture_output=True, text=True).stdout
    assert conffiles.split() == ["/etc/lucid2mqtt/settings.yaml"]


def test_the_launcher_runs_what_was_packed_and_nothing_of_the_machine(packages: tuple[Path, Path], tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", str(packages[0]), str(tmp_path)], check=True)
    text = (tmp_path / "usr/bin/lucid2mqtt").read_text()
    assert text.startswith("#!/usr/bin/python3 -IS\n"), "isolated, and without site-packages"
    (home,) = re.findall(r'"(/usr/lib/\S+)"', text)
    assert (tmp_path / home.lstrip("/") / "lucid2mqtt/__main__.py").exists()


def test_it_holds_the_units_the_user_and_the_rules(packages: tuple[Path, Path], tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", str(packages[0]), str(tmp_path)], check=True)
    for source in ("systemd/lucid2mqtt.service", "systemd/lucid2mqtt-attach@.service", "udev/60-lucid2mqtt.rules"):
        (packed,) = tmp_path.rglob(source.rpartition("/")[2])
        assert packed.read_bytes() == (REPOSITORY / "config" / source).read_bytes()


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_are_plain_shell(script: str) -> None:
    file = REPOSITORY / "config/debian" / script
    subprocess.run(["sh", "-n", str(file)], check=True)
    assert file.read_text().startswith("#!/bin/sh\nset -e\n")


def test_every_machine_and_python_that_locks_are_tried_for_has_a_package() -> None:
    assert set(ARCHITECTURES.values()) == set(MACHINES)
    assert set(TRIED_PYTHONS) <= set(PYTHONS)
