from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.cli.udev_rules import PluggedModule, rules_text

SOCKET = "pci-0000:00:14.0-usb-0:2:1.0"
IDS = ("16D0:0821",)


def _module(serial: int = 591921152, *, socket: str = SOCKET, text: str = "RI4 Pt1000", usb_id: str = "16D0:0821") -> PluggedModule:
    return PluggedModule(serial=serial, text=text, usb_id=usb_id, socket=socket)


def _rules(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_module_is_named_by_its_serial_number_in_the_socket_it_sits_in() -> None:
    text = rules_text([_module()], IDS, [])
    assert f'ENV{{ID_PATH}}=="{SOCKET}", SYMLINK+="lucid/591921152"' in _rules(text)
    assert "# RI4 Pt1000, serial number 591921152" in text


def test_ports_belong_to_dialout_and_modem_manager_keeps_away_even_without_a_module() -> None:
    rules = _rules(rules_text([], IDS, []))
    assert 'GROUP="dialout", MODE="0660", ENV{ID_MM_DEVICE_IGNORE}="1", ENV{ID_MM_PORT_IGNORE}="1"' in rules
    (device,) = [rule for rule in rules if rule.startswith('SUBSYSTEM=="usb"')]
    assert 'ATTR{idVendor}=="16d0", ATTR{idProduct}=="0821"' in device


def test_a_module_with_another_usb_id_is_let_in_too() -> None:
    rules = _rules(rules_text([_module(usb_id="16D0:0ABC")], IDS, []))
    assert [rule for rule in rules if 'idProduct}=="0abc"' in rule and "lucid2mqtt_modules_port" in rule]


def test_two_modules_with_the_same_number_get_no_name_and_the_file_says_so() -> None:
    text = rules_text([_module(1), _module(1, socket="other"), _module(2, socket="third")], IDS, [])
    assert re.findall(r"lucid/(\w+)\"", text) == ["2"]
    assert text.count("another module tells the same number") == 2


def test_what_got_no_name_is_said_in_a_comment() -> None:
    assert "# No name for /dev/ttyACM3: nothing answers there" in rules_text([], IDS, ["/dev/ttyACM3: nothing answers there"]).splitlines()


def test_what_happens_when_modules_change_places_is_said() -> None:
    assert "change places" in rules_text([], IDS, [])


@given(socket=st.text(min_size=1), text=st.text(), unnamed=st.text())
def test_no_text_of_others_breaks_out_of_its_line_or_its_quotes(socket: str, text: str, unnamed: str) -> None:
    made = rules_text([_module(socket=socket, text=text)], IDS, [unnamed])
    plain = rules_text([_module(socket="s", text="t")], IDS, ["u"])
    assert len(made.splitlines()) == len(plain.splitlines())
    assert made.count('"') - text.count('"') - unnamed.count('"') == plain.count('"')
    (rule,) = [rule for rule in _rules(made) if "SYMLINK" in rule]
    assert re.fullmatch(r'ENV\{ID_PATH\}=="[\w:.+@?-]+", SYMLINK\+="lucid/591921152"', rule, re.ASCII)
