from __future__ import annotations

from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from lucid2mqtt.port.usb import usb_ports


def test_only_ports_on_usb_are_listed_with_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [SimpleNamespace(device="/dev/ttyACM0", vid=0x16D0, pid=0x0821), SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None)]
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    assert usb_ports() == {"/dev/ttyACM0": "16D0:0821"}


def test_a_device_that_vanishes_while_it_is_listed_means_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_ports, "comports", lambda: int(None, 16))  # type: ignore[call-overload]  # as pyserial does then
    assert usb_ports() is None


def test_the_real_list_can_be_made() -> None:
    assert isinstance(usb_ports(), dict)
