"""The playbooks, on a Debian in a folder and on a booted one. Runs with the tests of the service, see tests/system/test_service.py."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker import wait_until
from tests.system.fleet import HOME_PASSWORD, NODE, NODE_PASSWORD, PLAYBOOKS, Fleet, ansible_tools, sick_wheel
from tests.system.nspawn import base_system, overlay, wheels
from tests.system.service_house import UNIT, ServiceHouse, add_bench, add_program

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

PYTHON = "/opt/bench/bin/python"
CA = "/etc/mosquitto/lucid2mqtt/ca.pem"
LISTEN = """
import sys, paho.mqtt.subscribe as subscribe
user, password, topic = sys.argv[1:]
message = subscribe.simple(topic, hostname="localhost", port=8883, auth={"username": user, "password": password}, tls={"ca_certs": "%s"})
print(message.topic, message.payload.decode())
"""
SPEAK = """
import sys, paho.mqtt.publish as publish
user, password, topic, payload = sys.argv[1:]
publish.single(topic, payload, qos=1, retain=True, hostname="localhost", port=8883, auth={"username": user, "password": password}, tls={"ca_certs": "%s"})
"""


class FleetHouse(ServiceHouse):
    fleet: Fleet

    def hears(self, user: str, password: str, topic: str) -> str:
        return self.tell("timeout", "5", PYTHON, "-c", LISTEN % CA, user, password, topic).strip()

    def says(self, user: str, password: str, topic: str, payload: str) -> int:
        return self.exit_code("timeout", "5", PYTHON, "-c", SPEAK % CA, user, password, topic, payload)

    def release(self) -> str:
        return self.must("readlink", "/usr/local/bin/lucid2mqtt").strip()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetHouse]:
    """One line on a bare, booted Debian has made it broker and node."""
    folder = tmp_path_factory.mktemp("fleet")
    base = base_system()
    wheel_folder = wheels(base)
    with overlay(base, folder) as root:
        add_program(root, wheel_folder, "/opt/bench")
        add_bench(root, "/opt/bench/bin/lucid2mqtt")
        (root / "etc/systemd/system/ser2net.service.d").mkdir()
        (root / "etc/systemd/system/ser2net.service.d/quick.conf").write_text("[Service]\nTimeoutStopSec=1s\n")  # it does not end by itself
        with FleetHouse(root, folder / "boot.log") as house:
            house.start_bench()
            enter = folder / "enter"
            enter.write_text(f'#!/bin/sh\nshift\nexec nsenter --target {house.leader} --all -- "$@"\n')
            enter.chmod(0o755)
            house.fleet = Fleet(folder, root, wheel_folder, enter)
            made = house.fleet.play("site.yml")
            assert made.code == 0, made.said
            yield house


def test_one_line_gives_a_running_agent_with_tls_to_the_broker(house: FleetHouse) -> None:
    wait_until(house.serves_heaters)
    status = f"lucid2mqtt/{NODE}/status"
    wait_until(lambda: house.hears("homeassistant", HOME_PASSWORD, status) == f"{status} online")
    assert house.hears("homeassistant", HOME_PASSWORD, f"lucid2mqtt/{NODE}/heaters/living/state").endswith((" OFF", " ON"))


def test_a_second_run_changes_nothing_and_nor_does_a_rehearsal(house: FleetHouse) -> None:
    pid = house.pid()
    for options in ((), ("--check",)):
        again = house.fleet.play("site.yml", *options)
        assert again.changed_nothing, again.said
    assert house.pid() == pid, "the agent was left alone"


def test_a_node_may_write_only_its_own_branch(house: FleetHouse) -> None:
    for node in (NODE, "az-3"):
        assert house.says(NODE, NODE_PASSWORD, f"lucid2mqtt/{node}/proof/status", "here") == 0
    assert house.hears("homeassistant", HOME_PASSWORD, f"lucid2mqtt/{NODE}/proof/status").endswith("here")
    assert house.hears("homeassistant", HOME_PASSWORD, "lucid2mqtt/az-3/proof/status") == ""
    assert house.says(NODE, HOME_PASSWORD, f"lucid2mqtt/{NODE}/proof/status", "wrong password") != 0


def test_wrong_settings_never_go_live(house: FleetHouse) -> None:
    before, pid = house.inside("/etc/lucid2mqtt/settings.yaml").read_text(), house.pid()
    wrong = house.fleet.play("nodes.yml", lucid2mqtt_settings={"prots": ["auto"]})
    assert wrong.code != 0
    assert "prots" in wrong.said
    assert house.inside("/etc/lucid2mqtt/settings.yaml").read_text() == before
    assert house.pid() == pid


def test_right_settings_that_lose_a_module_are_rolled_back(house: FleetHouse) -> None:
    wait_until(house.serves_heaters)
    before = house.inside("/etc/lucid2mqtt/settings.yaml").read_text()
    lost = house.fleet.play("nodes.yml", lucid2mqtt_settings={"ports": ["/run/nowhere/usb-*"]}, lucid2mqtt_healthy_within_s=6)
    assert lost.code != 0
    assert "What ran before runs again" in lost.said
    assert house.inside("/etc/lucid2mqtt/settings.yaml").read_text() == before
    wait_until(house.serves_heaters)


def test_a_version_that_does_not_start_is_rolled_back(house: FleetHouse, tmp_path: Path) -> None:
    before = house.release()
    sick = sick_wheel(Path(house.fleet.node["lucid2mqtt_package"]), tmp_path)
    upgrade = house.fleet.play("nodes.yml", lucid2mqtt_version="99.0.0", lucid2mqtt_package=str(sick))
    assert upgrade.code != 0
    assert "What ran before runs again" in upgrade.said
    assert house.release() == before
    wait_until(house.serves_heaters)
    assert house.show(UNIT, "ActiveState") == "active"


def test_the_ports_of_passthrough_are_for_the_networks_named_only(house: FleetHouse) -> None:
    set_up = house.fleet.play("nodes.yml", lucid2mqtt_firewall=[{"port": 4001, "from": ["192.0.2.0/24", "2001:db8::/32"]}])
    assert set_up.code == 0, set_up.said
    rules = house.must("nft", "list", "table", "inet", "lucid2mqtt")
    assert "ip saddr 192.0.2.0/24 tcp dport 4001 accept" in rules or "tcp dport 4001 ip saddr 192.0.2.0/24 accept" in rules
    assert "tcp dport 4001 drop" in rules
    away = house.fleet.play("nodes.yml")
    assert away.code == 0, away.said
    assert house.exit_code("nft", "list", "table", "inet", "lucid2mqtt") != 0


def test_ser2net_is_shown_and_on_request_stopped_for_good(house: FleetHouse) -> None:
    shown = house.fleet.play("migrate_ser2net.yml")
    assert shown.code == 0, shown.said
    assert "TCP tcp://localhost:2000 leads to /dev/ttyS0" in shown.said
    assert house.show("ser2net", "LoadState") == "loaded"
    assert house.fleet.play("migrate_ser2net.yml", lucid2mqtt_disable_ser2net=True).code == 0
    house.must("systemctl", "daemon-reload")
    assert house.show("ser2net", "LoadState") == "masked"
    assert house.show("ser2net", "ActiveState") != "active"


def test_a_system_that_is_not_booted_is_set_up_and_cleared_again(tmp_path: Path) -> None:
    base = base_system()
    with overlay(base, tmp_path / "debian") as root:
        fleet = Fleet(tmp_path, root, wheels(base))
        rehearsal = fleet.play("site.yml", "--check")
        assert rehearsal.code == 0, rehearsal.said
        assert not (root / "opt/lucid2mqtt").exists()
        made = fleet.play("site.yml")
        assert made.code == 0, made.said
        assert (root / "etc/systemd/system/multi-user.target.wants/lucid2mqtt.service").is_symlink()
        assert (root / "etc/credstore/lucid2mqtt.mqtt__password").stat().st_mode & 0o077 == 0
        assert (root / "etc/lucid2mqtt/tls/node.key").stat().st_mode & 0o077 == 0
        away = fleet.play("uninstall.yml", lucid2mqtt_purge=True)
        assert away.code == 0, away.said
        left = subprocess.run(
            ["find", *(str(root / top) for top in ("etc", "opt", "usr/local", "var/lib")), "-name", "*lucid2mqtt*"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert [path for path in left if "/mosquitto/" not in path] == [], "only the broker's part stays"


def test_ansible_lint_has_nothing_to_say() -> None:
    tools = ansible_tools()
    done = subprocess.run(
        [str(tools / "ansible-lint"), "--offline", "--nocolor"],
        cwd=PLAYBOOKS,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(Path.home())},
    )
    assert done.returncode == 0, done.stdout + done.stderr
