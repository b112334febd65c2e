"""The agent as a systemd service, in a booted Debian: ready, watched, taken care of after its death, and locked in.

Not part of the ordinary run, because it needs root and, the first time, some minutes for its Debian (see tests/system/nspawn.py):

    sudo ./run test -m service -n 0
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.broker import wait_until
from tests.system.nspawn import REPOSITORY, base_system, in_root, overlay, wheels
from tests.system.service_house import UNIT, ServiceHouse, add_bench, add_program

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

SETTINGS = {
    "node": "az-2",
    "mqtt": {"url": "mqtt://127.0.0.1:1883", "username": "az-2"},
    "ports": ["/run/modules/usb-*"],
    "modules": [
        {
            "match": {"serial": 500102},
            "name": "heaters",
            "family": "DO4",
            "channels": {"0": {"name": "living", "exit": "off"}, "1": {"name": "pump", "exit": "hold"}},
        }
    ],
}
QUICK = """
[Service]
WatchdogSec=2s
RestartSec=100ms
"""
RESTART_WITHIN_S = 20.0


def _install(root: Path, wheel_folder: Path) -> None:
    add_program(root, wheel_folder, "/opt/lucid2mqtt")
    add_bench(root, "lucid2mqtt")
    (root / "usr/local/bin/lucid2mqtt").symlink_to("/opt/lucid2mqtt/bin/lucid2mqtt")
    system = root / "etc/systemd/system"
    for unit in (UNIT, "lucid2mqtt-attach@.service"):
        shutil.copy(REPOSITORY / "config/systemd" / unit, system)
    (system / f"{UNIT}.d").mkdir()
    (system / f"{UNIT}.d/quick.conf").write_text(QUICK)
    (root / "etc/sysusers.d").mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / "config/systemd/lucid2mqtt.sysusers.conf", root / "etc/sysusers.d/lucid2mqtt.conf")
    in_root(root, "systemd-sysusers")
    in_root(root, "useradd", "--groups", "dialout", "anna")
    in_root(root, "useradd", "otto")
    (root / "etc/lucid2mqtt").mkdir()
    _settle(root, SETTINGS)


def _settle(root: Path, settings: dict[str, Any]) -> None:  # Any: JSON, which is YAML
    (root / "etc/lucid2mqtt/settings.yaml").write_text(json.dumps(settings))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceHouse]:
    folder = tmp_path_factory.mktemp("debian")
    base = base_system()
    with overlay(base, folder) as root:
        _install(root, wheels(base))
        with ServiceHouse(root, folder / "boot.log") as house:
            house.start_bench()
            yield house


@pytest.fixture
def running(house: ServiceHouse) -> ServiceHouse:
    """The agent freshly started, all relays off."""
    house.must("systemctl", "restart", UNIT)
    wait_until(house.serves_heaters)
    house.agent("write", "serial:500102", "0=OFF", "1=OFF")
    return house


def test_it_is_ready_as_its_own_user_with_nothing_but_dialout(running: ServiceHouse) -> None:
    assert running.show(UNIT, "ActiveState") == "active"
    status = running.inside(f"/proc/{running.pid()}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    user, group = (running.must("getent", kind, name).split(":")[2] for kind, name in (("passwd", "lucid2mqtt"), ("group", "dialout")))
    assert fields["Uid"].split()[0] == user
    assert fields["Gid"].split()[0] == group
    assert int(fields["CapEff"], 16) == 0
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2", "system calls are filtered"


def test_it_reads_and_switches_modules_through_the_hardening(running: ServiceHouse) -> None:
    running.switch_both_on()
    (reading,) = json.loads(running.agent("read", "serial:500101", "0", "--json"))
    assert reading["quality"] == "good"
    assert "denied" not in running.journal(UNIT)


def test_it_keeps_its_state_where_systemd_says(running: ServiceHouse) -> None:
    wait_until(lambda: list(running.inside("/var/lib/lucid2mqtt").glob("*.json")))
    owner = running.must("stat", "-c", "%U %a", "/var/lib/lucid2mqtt").split()
    assert owner == ["lucid2mqtt", "700"]


def test_the_console_is_for_members_of_dialout(running: ServiceHouse) -> None:
    as_anna = ("setpriv", "--reuid=anna", "--regid=anna", "--init-groups", "lucid2mqtt", "write", "serial:500102", "0=ON")
    running.must(*as_anna)
    assert running.relays()[0]
    assert running.exit_code(*(word.replace("anna", "otto") for word in as_anna)) != 0


def test_a_hung_agent_is_killed_its_outputs_put_safe_and_started_again(running: ServiceHouse) -> None:
    running.switch_both_on()
    hung, restarts = running.pid(), int(running.show(UNIT, "NRestarts"))
    running.must("kill", "-STOP", str(hung))
    wait_until(lambda: int(running.show(UNIT, "NRestarts")) > restarts, RESTART_WITHIN_S)
    assert running.relays() == (False, True), "exit: off went off, exit: hold was left alone"
    wait_until(running.serves_heaters, RESTART_WITHIN_S)
    assert running.pid() != hung
    assert "watchdog" in running.journal(UNIT).lower()


def test_after_kill_9_the_relay_is_put_into_its_exit_state(running: ServiceHouse) -> None:
    running.switch_both_on()
    killed = running.pid()
    running.must("kill", "-KILL", str(killed))
    wait_until(lambda: running.relays() == (False, True), RESTART_WITHIN_S)
    wait_until(lambda: running.pid() not in (0, killed), RESTART_WITHIN_S)
    wait_until(running.serves_heaters, RESTART_WITHIN_S)


def test_an_orderly_stop_is_a_success_and_leaves_nothing_in_run(running: ServiceHouse) -> None:
    running.switch_both_on()
    running.must("systemctl", "stop", UNIT)
    assert running.relays() == (False, True)
    assert (running.show(UNIT, "ActiveState"), running.show(UNIT, "Result")) == ("inactive", "success")
    assert not running.inside("/run/lucid2mqtt").exists()


def test_the_password_comes_as_a_credential(running: ServiceHouse) -> None:
    """A password without a user name is a fault, and the fault names the file the password came from."""
    store = running.inside("/etc/credstore")
    nameless = {**SETTINGS, "mqtt": {"url": "mqtt://127.0.0.1:1883"}}
    try:
        running.must("install", "-D", "-m", "600", "/dev/null", "/etc/credstore/lucid2mqtt.mqtt__password")
        (store / "lucid2mqtt.mqtt__password").write_text("geheim\n")
        running.must("systemctl", "restart", UNIT)
        _settle(running.inside("/"), nameless)
        assert running.exit_code("systemctl", "restart", UNIT) != 0
        wait_until(lambda: running.show(UNIT, "ActiveState") == "failed")
        assert running.show(UNIT, "ExecMainStatus") == "4"
        assert "password without a username" in running.journal(UNIT)
        assert "geheim" not in running.journal(UNIT)
    finally:
        shutil.rmtree(store)
        _settle(running.inside("/"), SETTINGS)


def test_wrong_settings_are_said_once_and_not_tried_again_and_again(running: ServiceHouse) -> None:
    try:
        _settle(running.inside("/"), {**SETTINGS, "prots": ["auto"]})
        assert running.exit_code("systemctl", "restart", UNIT) != 0
        wait_until(lambda: running.show(UNIT, "ActiveState") == "failed")
        assert int(running.show(UNIT, "NRestarts")) == 0
        assert "settings.yaml:1:" in running.journal(UNIT)
    finally:
        _settle(running.inside("/"), SETTINGS)


def test_new_listeners_come_by_reload_and_wrong_settings_are_refused_with_everything_left_as_it_is(running: ServiceHouse) -> None:
    running.switch_both_on()
    pid = running.pid()
    listener = {"listen": "tcp://127.0.0.1:4001", "module": "heaters"}
    try:
        _settle(running.inside("/"), {**SETTINGS, "passthrough": [listener]})
        running.must("systemctl", "reload", UNIT)
        wait_until(lambda: "127.0.0.1:4001" in running.agent("clients"))
        wait_until(lambda: running.show(UNIT, "ActiveState") == "active")
        _settle(running.inside("/"), {**SETTINGS, "passthrough": [{**listener, "acess": "outputs"}]})
        assert running.exit_code("systemctl", "reload", UNIT) != 0
        assert "acess" in running.journal(UNIT)
        assert running.show(UNIT, "ActiveState") == "active"
        assert "127.0.0.1:4001" in running.agent("clients")
    finally:
        _settle(running.inside("/"), SETTINGS)
        running.must("systemctl", "reload", UNIT)
    assert running.pid() == pid
    assert running.relays() == (True, True), "outputs are left alone"


def test_a_thermostat_heats_through_the_hardening_and_its_heater_is_off_after_kill_9(house: ServiceHouse) -> None:
    """The relay's exit state is hold: it is the thermostat that nobody looks after any more."""
    modules = [{"match": {"serial": 500102}, "name": "heaters", "channels": {"0": {"name": "living"}}}]
    thermostat = {"name": "living", "sensors": ["ri4-500101/0"], "heater": "heaters/living", "target_c": 30, "cycle_s": 60, "min_off_s": 1}
    try:
        _settle(house.inside("/"), {**SETTINGS, "modules": modules, "thermostats": [thermostat]})
        house.must("systemctl", "restart", UNIT)
        wait_until(lambda: house.relays()[0], RESTART_WITHIN_S)
        house.must("kill", "-KILL", str(house.pid()))
        wait_until(lambda: not house.relays()[0], RESTART_WITHIN_S)
        assert "denied" not in house.journal(UNIT)
    finally:
        _settle(house.inside("/"), SETTINGS)
        house.must("systemctl", "restart", UNIT)


def test_a_remote_module_is_a_serial_port_for_members_of_dialout(house: ServiceHouse) -> None:
    house.must(
        "systemd-run", "--unit=remote", "--property=RuntimeDirectory=remote", "lucid2mqtt", "simulate", "--tcp", "--dir", "/run/remote"
    )
    wait_until(house.inside("/run/remote/control.sock").exists)
    wait_until(lambda: '"serial": 500101' in house.journal("remote"))
    module = next(json.loads(line) for line in house.journal("remote").splitlines() if '"serial": 500101' in line)
    folder = house.inside("/etc/lucid2mqtt/attach")
    folder.mkdir()
    (folder / "boiler.conf").write_text(f"REMOTE={module['port']}\n")
    house.must("systemctl", "start", "lucid2mqtt-attach@boiler")
    read = ("setpriv", "--reuid=anna", "--regid=anna", "--init-groups", "lucid2mqtt", "read", "/run/lucid2mqtt-attach/boiler/tty", "0")
    assert "°C" in house.must(*read)
    assert house.exit_code(*(word.replace("anna", "otto") for word in read)) != 0
    house.must("systemctl", "stop", "lucid2mqtt-attach@boiler")
    assert house.show("lucid2mqtt-attach@boiler", "Result") == "success"
