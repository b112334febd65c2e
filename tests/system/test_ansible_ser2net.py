"""From ser2net to the agent by one playbook, and the way back, on a booted Debian."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from lucid2mqtt.lucid.frames import get_io, set_io
from lucid2mqtt.lucid.values import ValueType, encode
from tests.broker import wait_until
from tests.system.fleet import NODE
from tests.system.fleet_house import FleetHouse
from tests.system.service_house import RELAYS, UNIT

pytestmark = [pytest.mark.service, pytest.mark.timeout(900)]

SER2NET = """%YAML 1.1
---
connection: &heaters
    accepter: tcp,4001
    connector: serialdev,/run/modules/usb-{relays},9600n81,local
    options:
      kickolduser: true
connection: &meter
    accepter: tcp,localhost,4009
    connector: serialdev,/run/meter/tty,
               19200n81,local
connection: &gone
    accepter: udp,4010
    connector: serialdev,/dev/ttyS9,9600n81
"""
METER = """
import os, pathlib, shutil, tty
there, here = os.openpty()
tty.setraw(here)
shutil.chown(os.ttyname(here), group="dialout")
os.chmod(os.ttyname(here), 0o660)
pathlib.Path("/run/meter/tty").symlink_to(os.ttyname(here))
while True:
    os.write(there, os.read(there, 100).upper())
"""
READ = get_io(0, ValueType.DI1).encode()
SWITCH = set_io(0, ValueType.DI1, encode(ValueType.DI1, value=True)).encode()
TAKE_OVER = ("-e", "lucid2mqtt_take_over=true")
REFUSED, DONE = b"\xa0\x00", b"\x00\x00"


@pytest.fixture(scope="module")
def house(fleet_house: FleetHouse) -> Iterator[FleetHouse]:
    """Its ser2net serves the relays, which the agent has, too, and a meter that is no module."""
    wait_until(fleet_house.serves_heaters)
    # ser2net finds no port name where nothing but loopback has an address
    subprocess.run(
        ["nsenter", f"--target={fleet_house.leader}", "--net", "ip", "address", "add", "198.51.100.2/32", "dev", "lo"], check=True
    )
    link = fleet_house.must("sh", "-c", f"basename /run/modules/usb-*{RELAYS.rpartition('-')[2]}*").strip()
    fleet_house.inside("/etc/ser2net.yaml").write_text(SER2NET.format(relays=link.removeprefix("usb-")))
    fleet_house.must("systemd-run", "--unit=meter", "--property=RuntimeDirectory=meter", "/opt/bench/bin/python", "-c", METER)
    wait_until(fleet_house.inside("/run/meter").exists)
    fleet_house.must("systemctl", "enable", "ser2net")
    fleet_house.must("systemctl", "restart", "ser2net")
    fleet_house.node["lucid2mqtt_ser2net_leave"] = ["gone"]
    yield fleet_house
    fleet_house.must("systemctl", "stop", "meter")


def _runs(house: FleetHouse) -> tuple[bool, str]:
    return house.show("ser2net", "ActiveState") == "active", house.show("ser2net", "UnitFileState")


def _unfolded(said: str) -> str:
    return " ".join(said.split())


def test_what_would_become_of_it_is_shown_and_nothing_is_changed(house: FleetHouse) -> None:
    pid = house.pid()
    shown = house.fleet.must("migrate_ser2net.yml", lucid2mqtt_ser2net_leave=[])
    assert "that is heaters; everybody may read, nobody may do more" in _unfolded(shown.said)
    assert "UNDECIDED TCP 4010 (gone): clients come in by udp" in _unfolded(shown.said)
    assert "listen: tcp://0.0.0.0:4001" in _unfolded(shown.said)
    assert shown.changed_nothing
    rehearsal = house.fleet.must("migrate_ser2net.yml", "--check", *TAKE_OVER)
    assert "It gives its devices and TCP ports free, for good" in rehearsal.changed[NODE]
    assert _runs(house) == (True, "enabled")
    assert house.pid() == pid


def test_what_is_undecided_stays_with_ser2net(house: FleetHouse) -> None:
    stopped = house.fleet.play("migrate_ser2net.yml", *TAKE_OVER, lucid2mqtt_ser2net_leave=[])
    assert stopped.code != 0
    assert "Decide first, then come again. TCP 4010 (gone): clients come in by udp" in _unfolded(stopped.said)
    assert _runs(house) == (True, "enabled")


def test_a_take_over_that_fails_gives_everything_back_to_ser2net(house: FleetHouse) -> None:
    """The mosquitto has a port that ser2net was to serve, too."""
    before, pid = house.text("/etc/lucid2mqtt/settings.yaml"), house.pid()
    config = house.inside("/etc/ser2net.yaml")
    good = config.read_text()
    try:
        config.write_text(good.replace("tcp,4001", "tcp,8883"))
        failed = house.fleet.play(
            "migrate_ser2net.yml", *TAKE_OVER, lucid2mqtt_healthy_within_s=6, noted_as="ser2net, take-over that fails"
        )
    finally:
        config.write_text(good)
    assert failed.code != 0
    assert "8883" in failed.said
    assert _runs(house) == (True, "enabled")
    assert house.text("/etc/lucid2mqtt/settings.yaml") == before
    assert house.pid() == pid
    assert not list((house.fleet.folder / "ser2net").iterdir())


def test_the_agent_serves_the_ports_of_ser2net(house: FleetHouse) -> None:
    clients = [{"address": "127.0.0.1", "access": "outputs"}]
    house.fleet.must("migrate_ser2net.yml", *TAKE_OVER, lucid2mqtt_ser2net_clients=clients, noted_as="ser2net, take-over")
    assert _runs(house) == (False, "disabled")
    with house.visitor(4001) as visitor:
        assert visitor.ask(READ)[:2] == b"\x00\x01"
        assert visitor.ask(SWITCH) == DONE, "this client was named"
    with house.visitor(4009) as visitor:
        assert visitor.ask(b"what is the time") == b"WHAT IS THE TIME"
    taken = (house.fleet.folder / "ser2net" / f"{NODE}.yml").read_text()
    assert "module: heaters" in taken


def test_what_was_taken_over_stays_and_may_be_edited(house: FleetHouse) -> None:
    pid = house.pid()
    assert house.fleet.must("nodes.yml").changed_nothing
    assert "taken over already" in house.fleet.must("migrate_ser2net.yml", *TAKE_OVER).said
    taken = house.fleet.folder / "ser2net" / f"{NODE}.yml"
    taken.write_text(taken.read_text().replace("access: outputs", "access: read"))
    house.fleet.must("nodes.yml")
    with house.visitor(4001) as visitor:
        wait_until(lambda: visitor.ask(SWITCH) == REFUSED)
    assert house.pid() == pid, "rights are reloaded"


def test_the_way_back_is_uninstall_and_ser2net(house: FleetHouse) -> None:
    """The last one: it takes the agent away."""
    house.switch_both_on()
    house.fleet.must("uninstall.yml", lucid2mqtt_purge=True)
    assert house.relays() == (False, True), "exit: off went off, exit: hold was left alone"
    assert house.show(UNIT, "LoadState") == "not-found"
    for folder in ("/run/lucid2mqtt", "/var/lib/lucid2mqtt", "/etc/lucid2mqtt", "/opt/lucid2mqtt"):
        assert not house.inside(folder).exists()
    house.must("systemctl", "enable", "--now", "ser2net")
    with house.visitor(4001) as visitor:
        assert visitor.ask(READ)[:2] == b"\x00\x01"
