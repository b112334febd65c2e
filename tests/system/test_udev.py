"""The udev rules, judged by udev itself over a sysfs tree of our own making. Runs with the tests of the service, see there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lucid2mqtt.cli.udev_rules import PluggedModule, rules_text
from lucid2mqtt.port.options import LUCIDCONTROL_USB_IDS
from tests.system.nspawn import REPOSITORY, base_system, overlay

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

SOCKET = "pci-0000:00:14.0-usb-0:2:1.0"
DEVICE = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2"
PORT = f"{DEVICE}/1-2:1.0/tty/ttyACM0"
NODES = {
    "sys/devices/pci0000:00/0000:00:14.0": ("pci", {"uevent": "PCI_SLOT_NAME=0000:00:14.0"}),
    "sys/devices/pci0000:00/0000:00:14.0/usb1": ("usb", {"uevent": "DEVTYPE=usb_device"}),
    DEVICE: ("usb", {"uevent": "DEVTYPE=usb_device\nMAJOR=189\nMINOR=1\nDEVNAME=bus/usb/001/002", "bcdDevice": "0100"}),
    f"{DEVICE}/1-2:1.0": ("usb", {"uevent": "DEVTYPE=usb_interface", "bInterfaceNumber": "00", "bInterfaceClass": "02"}),
    PORT: ("tty", {"uevent": "MAJOR=166\nMINOR=0\nDEVNAME=ttyACM0", "dev": "166:0"}),
}


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with overlay(base_system(), tmp_path_factory.mktemp("udev")) as root:
        rules = root / "etc/udev/rules.d"
        rules.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "config/udev/60-lucid2mqtt.rules", rules)
        yield root


def _plug_in(root: Path, *, vendor: str = "16d0", product: str = "0821", serial: str | None = None) -> dict[str, str]:
    """What udev decides about the serial port of such a device."""
    shutil.rmtree(root / "sys", ignore_errors=True)
    for bus in ("bus/pci", "bus/usb", "class/tty"):
        (root / "sys" / bus).mkdir(parents=True)
    for path, (bus, attributes) in NODES.items():
        node = root / path
        node.mkdir(parents=True, exist_ok=True)
        for name, value in attributes.items():
            (node / name).write_text(value + "\n")
        home = root / "sys" / ("class/tty" if bus == "tty" else f"bus/{bus}")
        (node / "subsystem").symlink_to(os.path.relpath(home, node))
    device = root / DEVICE
    told = {"idVendor": vendor, "idProduct": product, "manufacturer": "LucidControl"} | ({} if serial is None else {"serial": serial})
    for name, value in told.items():
        (device / name).write_text(value + "\n")
    return _udev(root, PORT)


def _udev(root: Path, path: str) -> dict[str, str]:
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_DEVICE_VERIFY_SYSFS": "0"}
    done = subprocess.run(
        ["chroot", str(root), "udevadm", "test", "--action=add", f"/{path}"], env=environ, capture_output=True, text=True, check=True
    )
    return dict(line.strip().split("=", 1) for line in done.stdout.splitlines() if "=" in line) | {"said": done.stderr}


def test_a_module_is_named_by_its_socket_and_its_serial_number_and_belongs_to_dialout(debian: Path) -> None:
    port = _plug_in(debian, serial="591921152")
    assert {f"/dev/lucid/{SOCKET}", "/dev/lucid/591921152"} <= set(port["DEVLINKS"].split())
    dialout = next(line.split(":")[2] for line in (debian / "etc/group").read_text().splitlines() if line.startswith("dialout:"))
    assert f"60-lucid2mqtt.rules:{_line('GROUP=')} GROUP {dialout}" in port["said"]
    assert f"60-lucid2mqtt.rules:{_line('MODE=')} MODE 0660" in port["said"]


def test_a_module_without_a_serial_number_is_named_by_its_socket_alone(debian: Path) -> None:
    links = _plug_in(debian)["DEVLINKS"].split()
    assert [link for link in links if link.startswith("/dev/lucid/")] == [f"/dev/lucid/{SOCKET}"]


def test_modem_manager_is_told_to_keep_away_from_device_and_port(debian: Path) -> None:
    port = _plug_in(debian)
    assert (port["ID_MM_DEVICE_IGNORE"], port["ID_MM_PORT_IGNORE"]) == ("1", "1")
    assert _udev(debian, DEVICE)["ID_MM_DEVICE_IGNORE"] == "1"


@pytest.mark.parametrize(("vendor", "product"), [("16d0", "087e"), ("2341", "0821")])
def test_other_devices_are_left_alone(debian: Path, vendor: str, product: str) -> None:
    port = _plug_in(debian, vendor=vendor, product=product, serial="1")
    assert "/dev/lucid" not in port["DEVLINKS"]
    assert "ID_MM_PORT_IGNORE" not in port
    assert "ID_MM_DEVICE_IGNORE" not in _udev(debian, DEVICE)


@pytest.fixture
def named(debian: Path) -> Iterator[Path]:
    """With the rules `lucid2mqtt doctor --udev` makes for one module, instead of ours."""
    ours, made = (debian / "etc/udev/rules.d" / name for name in ("60-lucid2mqtt.rules", "61-lucid2mqtt.rules"))
    text = ours.read_text()
    ours.unlink()
    module = PluggedModule(serial=591921152, text="RI4", usb_id="16D0:0821", socket=SOCKET)
    made.write_text(rules_text([module], LUCIDCONTROL_USB_IDS, ["nothing"]))
    yield debian
    made.unlink()
    ours.write_text(text)


def test_rules_of_the_doctor_name_the_socket_by_the_module_in_it(named: Path) -> None:
    port = _plug_in(named)
    assert "/dev/lucid/591921152" in port["DEVLINKS"].split()
    assert (port["ID_MM_DEVICE_IGNORE"], port["ID_MM_PORT_IGNORE"]) == ("1", "1")
    assert "61-lucid2mqtt.rules" in port["said"]
    assert "MODE 0660" in port["said"]
    assert _udev(named, DEVICE)["ID_MM_DEVICE_IGNORE"] == "1"


def test_rules_of_the_doctor_leave_other_devices_in_that_socket_alone(named: Path) -> None:
    assert "/dev/lucid" not in _plug_in(named, product="087e")["DEVLINKS"]


@pytest.mark.parametrize("rules", ["debian", "named"])
def test_udev_finds_no_fault_with_the_rules(rules: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(rules)
    (file,) = (root / "etc/udev/rules.d").glob("*lucid2mqtt.rules")
    words = ["chroot", str(root), "udevadm", "verify", "--no-summary", f"/{file.relative_to(root)}"]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    if "Unknown command verb" in said.stderr:
        pytest.skip("udev of this Debian cannot verify; DEBIAN_SUITE=trixie can")
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def _line(words: str) -> int:
    rules = (REPOSITORY / "config/udev/60-lucid2mqtt.rules").read_text().splitlines()
    return 1 + next(number for number, rule in enumerate(rules) if words in rule and not rule.startswith("#"))
