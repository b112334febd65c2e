"""The playbooks on a booted Debian. Runs with the tests of the service, see tests/system/test_service.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lucid2mqtt.lucid.frames import get_io, set_io
from lucid2mqtt.lucid.values import ValueType, encode
from tests.broker import wait_until
from tests.system.fleet import HOME_PASSWORD, NODE, NODE_PASSWORD, later_wheel, version_of
from tests.system.fleet_house import FleetHouse
from tests.system.nspawn import REPOSITORY
from tests.system.service_house import UNIT

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

SETTINGS = "/etc/lucid2mqtt/settings.yaml"
PASSWORD = "/etc/credstore/lucid2mqtt.mqtt__password"
ADDITIONS = f"/etc/systemd/system/{UNIT}.d/node.conf"
CERTIFICATE = "/etc/lucid2mqtt/tls/node.pem"
ON = encode(ValueType.DI1, value=True)
REFUSED, DONE = b"\xa0\x00", b"\x00\x00"


@pytest.fixture
def house(fleet_house: FleetHouse) -> FleetHouse:
    wait_until(fleet_house.serves_heaters)
    return fleet_house


def test_one_line_gives_a_running_agent_with_tls_to_the_broker(house: FleetHouse) -> None:
    status = f"lucid2mqtt/{NODE}/status"
    wait_until(lambda: house.hears("homeassistant", HOME_PASSWORD, status) == f"{status} online")
    assert house.hears("homeassistant", HOME_PASSWORD, f"lucid2mqtt/{NODE}/heaters/living/state").endswith((" OFF", " ON"))


def test_a_second_run_changes_nothing_and_nor_does_a_rehearsal(house: FleetHouse) -> None:
    pid = house.pid()
    again = house.fleet.must("site.yml", noted_as="site.yml, second run")
    assert again.changed_nothing, again.changed
    rehearsal = house.fleet.must("site.yml", "--check", noted_as="site.yml --check")
    assert rehearsal.changed_nothing, rehearsal.changed
    assert house.pid() == pid, "the agent was left alone"


def test_a_rehearsal_tells_what_would_change_and_changes_nothing(house: FleetHouse) -> None:
    before, pid = house.text(SETTINGS), house.pid()
    settings = {**house.node["lucid2mqtt_settings"], "scan_s": 2}
    rehearsal = house.fleet.must("nodes.yml", "--check", lucid2mqtt_settings=settings, lucid2mqtt_devices=["char-ttyUSB rw"])
    assert rehearsal.changed == {
        NODE: {"Settings, once the release to come has found nothing wrong in them", "What this node adds to the service"}
    }
    assert (house.text(SETTINGS), house.pid()) == (before, pid)


def test_a_node_may_write_only_its_own_branch(house: FleetHouse) -> None:
    for node in (NODE, "az-3"):
        assert house.says(NODE, NODE_PASSWORD, f"lucid2mqtt/{node}/proof/status", "here") == 0
    assert house.hears("homeassistant", HOME_PASSWORD, f"lucid2mqtt/{NODE}/proof/status").endswith("here")
    assert house.hears("homeassistant", HOME_PASSWORD, "lucid2mqtt/az-3/proof/status") == ""
    assert house.says(NODE, HOME_PASSWORD, f"lucid2mqtt/{NODE}/proof/status", "wrong password") != 0


def test_wrong_settings_never_go_live(house: FleetHouse) -> None:
    before, pid = house.text(SETTINGS), house.pid()
    wrong = house.fleet.play("nodes.yml", lucid2mqtt_settings={"prots": ["auto"]}, noted_as="wrong settings, refused")
    assert wrong.code != 0
    assert "prots" in wrong.said
    assert (house.text(SETTINGS), house.pid()) == (before, pid)


def test_right_settings_that_lose_a_module_are_rolled_back(house: FleetHouse) -> None:
    before = house.text(SETTINGS)
    lost = house.fleet.play("nodes.yml", lucid2mqtt_settings={"ports": ["/run/nowhere/usb-*"]}, lucid2mqtt_healthy_within_s=6)
    assert lost.code != 0
    assert "What ran before runs again" in lost.said
    assert house.text(SETTINGS) == before
    wait_until(house.serves_heaters)


def test_a_version_that_does_not_start_is_rolled_back_with_all_that_came_with_it(house: FleetHouse, tmp_path: Path) -> None:
    before = [house.release(), *map(house.text, (SETTINGS, PASSWORD, ADDITIONS, f"/etc/systemd/system/{UNIT}"))]
    changed = shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    with (changed / "systemd" / UNIT).open("a") as unit:
        unit.write("# another one\n")
    sick = later_wheel(house.fleet.wheel, tmp_path, "99.0.0", is_sick=True)
    upgrade = house.fleet.play(
        "nodes.yml",
        lucid2mqtt_config=str(changed),
        lucid2mqtt_secrets={"mqtt__password": "another", "mqtt__client_id": "new"},
        lucid2mqtt_devices=["char-ttyUSB rw"],
        lucid2mqtt_settings={**house.node["lucid2mqtt_settings"], "scan_s": 2},
        noted_as="sick version, rolled back",
        **version_of(sick),
    )
    assert upgrade.code != 0
    assert "What ran before runs again" in upgrade.said
    assert "sick" in upgrade.said, "what the agent said last"
    assert [house.release(), *map(house.text, (SETTINGS, PASSWORD, ADDITIONS, f"/etc/systemd/system/{UNIT}"))] == before
    assert not house.inside("/etc/credstore/lucid2mqtt.mqtt__client_id").exists()
    assert not house.inside("/run/lucid2mqtt-before.tar").exists()
    wait_until(house.serves_heaters)
    assert house.show(UNIT, "ActiveState") == "active"


def test_a_later_version_goes_live_and_the_earlier_one_again(house: FleetHouse, tmp_path: Path) -> None:
    later = later_wheel(house.fleet.wheel, tmp_path, "98.0.0")
    house.fleet.must("nodes.yml", noted_as="upgrade", **version_of(later))
    assert house.agent("--version").strip() == "lucid2mqtt 98.0.0"
    house.fleet.must("nodes.yml", noted_as="back to the version before")
    assert "98.0.0" not in house.agent("--version")


def test_a_run_that_was_broken_off_is_taken_up_by_the_next(house: FleetHouse) -> None:
    """As if the control machine had died between the new settings and the restart."""
    good, pid = house.text(SETTINGS), house.pid()
    house.must("sh", "-c", "tar -C / -cf /run/lucid2mqtt-before.tar etc/lucid2mqtt/settings.yaml usr/local/bin/lucid2mqtt")
    house.fleet.must("nodes.yml")
    assert house.pid() != pid, "what lay there was never started"
    assert house.text(SETTINGS) == good
    assert not house.inside("/run/lucid2mqtt-before.tar").exists()


def test_new_listeners_and_rights_are_reloaded_and_clients_stay(house: FleetHouse) -> None:
    pid, before = house.pid(), house.node["lucid2mqtt_settings"]
    read, switch = get_io(0, ValueType.DI1).encode(), set_io(0, ValueType.DI1, ON).encode()
    listener = {"listen": "tcp://127.0.0.1:4001", "module": "heaters"}
    try:
        house.node["lucid2mqtt_settings"] = {**before, "passthrough": [listener]}
        house.fleet.must("nodes.yml", noted_as="a new listener, by reload")
        with house.visitor(4001) as visitor:
            assert visitor.ask(read)[:2] == b"\x00\x01"
            assert visitor.ask(switch) == REFUSED
            house.node["lucid2mqtt_settings"] = {**before, "passthrough": [{**listener, "access": "outputs"}]}
            house.fleet.must("nodes.yml")
            wait_until(lambda: visitor.ask(switch) == DONE)
            taken = {"listen": "tcp://127.0.0.1:8883", "module": "heaters"}
            refused = house.fleet.play("nodes.yml", lucid2mqtt_settings={**before, "passthrough": [listener, taken]})
            assert refused.code != 0
            assert "8883" in refused.said
            wait_until(lambda: visitor.ask(switch) == DONE, 5)
    finally:
        house.node["lucid2mqtt_settings"] = before
        house.fleet.must("nodes.yml")
    assert house.pid() == pid, "never restarted"


def test_certificates_are_renewed_for_broker_and_node(house: FleetHouse) -> None:
    def served() -> str:
        handshake = "openssl s_client -connect localhost:8883 </dev/null 2>/dev/null | openssl x509 -noout -serial"
        return house.must("sh", "-c", handshake)

    before, own, broker = served(), house.text(CERTIFICATE), house.show("mosquitto", "MainPID")
    house.fleet.must("site.yml", lucid2mqtt_certificates_renew_days=900, noted_as="site.yml, certificates renewed")
    assert house.text(CERTIFICATE) != own
    wait_until(lambda: served() != before)
    assert house.show("mosquitto", "MainPID") == broker, "others at the broker notice nothing"
    assert house.fleet.must("site.yml").changed_nothing
    wait_until(house.serves_heaters)


def test_the_ports_of_passthrough_are_for_the_networks_named_only(house: FleetHouse) -> None:
    ports = [{"port": 4001, "from": ["192.0.2.0/24", "2001:db8::/32"]}]
    house.fleet.must("nodes.yml", lucid2mqtt_firewall=ports)
    assert house.exit_code("nft", "list", "table", "inet", "lucid2mqtt") != 0, "only written down"
    house.must("nft", "--check", "--file", "/etc/lucid2mqtt/firewall.nft")
    assert "from 2001:db8::/32 to any port 4001" in house.text("/etc/lucid2mqtt/firewall.ufw")
    house.must("systemctl", "start", "nftables")
    house.fleet.must("nodes.yml", lucid2mqtt_firewall=ports, lucid2mqtt_firewall_load=True)
    for empties_all_tables in ("restart", "reload", "start"):
        wait_until(lambda: house.exit_code("nft", "list", "table", "inet", "lucid2mqtt") == 0)
        rules = house.must("nft", "list", "table", "inet", "lucid2mqtt")
        assert "ip saddr 192.0.2.0/24 tcp dport 4001 accept" in rules or "tcp dport 4001 ip saddr 192.0.2.0/24 accept" in rules
        assert "tcp dport 4001 drop" in rules
        house.must("systemctl", empties_all_tables, "nftables")
    house.fleet.must("nodes.yml")
    assert house.exit_code("nft", "list", "table", "inet", "lucid2mqtt") != 0
    assert not list(house.inside("/etc/lucid2mqtt").glob("firewall*"))
