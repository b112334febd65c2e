"""The Debian package, from dpkg --install to dpkg --purge, in a booted Debian. Runs with the tests of the service, see there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import wait_until
from tests.release.deb import lay_out, pack, this_architecture
from tests.system.nspawn import base_system, overlay, wheels
from tests.system.service_house import UNIT, ServiceHouse, add_bench

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

EPOCH = 1_790_000_000
SETTINGS = "/etc/lucid2mqtt/settings.yaml"
HOUSE = {
    "node": "az-2",
    "mqtt": {"url": "mqtt://127.0.0.1:1883"},
    "ports": ["/run/modules/usb-*"],
    "modules": [{"match": {"serial": 500102}, "name": "heaters", "family": "DO4", "channels": {"0": {"exit": "off"}}}],
}
WITHIN_S = 20.0


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    lay_out(folder / "root", wheels(base_system()).glob("*.whl"), EPOCH)
    return pack(folder / "root", folder, EPOCH, this_architecture())


@pytest.fixture
def house(package: Path, tmp_path: Path) -> Iterator[ServiceHouse]:
    with overlay(base_system(), tmp_path) as root:
        shutil.copy(package, root / "lucid2mqtt.deb")
        add_bench(root, "lucid2mqtt")
        with ServiceHouse(root, tmp_path / "boot.log") as house:
            yield house


def _install(house: ServiceHouse) -> None:
    house.must("dpkg", "--install", "/lucid2mqtt.deb")


def _settle(house: ServiceHouse) -> None:
    house.inside(SETTINGS).write_text(json.dumps(HOUSE))
    house.must("lucid2mqtt", "check", "-c", SETTINGS)
    house.must("systemctl", "restart", UNIT)


def _everything(house: ServiceHouse) -> set[str]:
    """Every file and folder, but for what a running system and dpkg's own books write."""
    skipped = [
        word
        for place in ("proc", "sys", "dev", "run", "tmp", "var/log", "var/lib/dpkg", "var/cache")
        for word in ("-path", f"/{place}", "-prune", "-o")
    ]
    return set(house.must("find", "/", *skipped, "-print").splitlines())


def test_it_is_a_service_at_once_and_serves_modules_once_it_has_settings(house: ServiceHouse) -> None:
    _install(house)
    assert house.show(UNIT, "ActiveState") == "active", house.journal(UNIT)
    assert house.must("systemctl", "is-enabled", UNIT).strip() == "enabled"
    assert house.must("stat", "-c", "%G %a", SETTINGS).split() == ["lucid2mqtt", "640"]
    house.start_bench()
    _settle(house)
    wait_until(house.serves_heaters, WITHIN_S)
    house.switch_both_on()
    assert house.must("find", "/usr/lib/lucid2mqtt/lucid2mqtt", "-name", "*.pyc", "-print", "-quit"), "nobody may write it later"


def test_an_upgrade_starts_the_agent_anew_and_keeps_settings_and_rights(house: ServiceHouse) -> None:
    _install(house)
    house.start_bench()
    _settle(house)
    house.must("chmod", "644", SETTINGS)
    before = house.pid()
    _install(house)
    assert house.pid() not in (0, before)
    assert json.loads(house.inside(SETTINGS).read_text()) == HOUSE
    assert house.must("stat", "-c", "%a", SETTINGS).strip() == "644"


def test_an_upgrade_does_not_start_what_its_owner_switched_off(house: ServiceHouse) -> None:
    _install(house)
    house.must("systemctl", "disable", "--now", UNIT)
    _install(house)
    assert house.tell("systemctl", "is-enabled", UNIT).strip() == "disabled"
    assert house.show(UNIT, "ActiveState") == "inactive"


def test_removal_puts_outputs_into_their_exit_states_and_purge_leaves_nothing(house: ServiceHouse) -> None:
    before = _everything(house)
    users = house.must("getent", "passwd"), house.must("getent", "group")
    _install(house)
    house.start_bench()
    _settle(house)
    wait_until(house.serves_heaters, WITHIN_S)
    house.switch_both_on()
    house.must("dpkg", "--remove", "lucid2mqtt")
    assert house.relays() == (False, True)
    assert house.inside(SETTINGS).exists(), "settings go with the purge"
    house.must("dpkg", "--purge", "lucid2mqtt")
    assert _everything(house) - before == set()
    assert (house.must("getent", "passwd"), house.must("getent", "group")) == users


def test_wrong_settings_do_not_break_an_upgrade(house: ServiceHouse) -> None:
    _install(house)
    house.inside(SETTINGS).write_text("prots: [auto]\n")
    _install(house)
    wait_until(lambda: house.show(UNIT, "ActiveState") == "failed")
    assert "settings.yaml:1:1" in house.journal(UNIT)


@pytest.mark.skipif(shutil.which("lintian") is None, reason="Debian's own judge; type: sudo apt install lintian")
def test_lintian_has_no_complaint(package: Path) -> None:
    said = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", str(package)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout
