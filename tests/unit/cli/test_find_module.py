from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

import pytest

from lucid2mqtt.cli.find_module import FoundModule, PortHeld, find_module, options_for
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.errors import LinkLost, RequestRejected
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.settings import Settings, load
from tests.unit.cli.virtual import bench_of, port_of

NAMES = "modules:\n  - match: {serial: 700002}\n    name: Heaters North\n    channels: {3: {name: Living room}}\n"


def settings(folder: Path) -> Settings:
    path = folder / "s.yaml"
    path.write_text(f"ports: ['{folder}/usb-*']\nstate_dir: {folder}/state\n{NAMES}")
    return load(path, {})


def found(folder: Path, text: str) -> FoundModule:
    return asyncio.run(find_module(text, settings(folder)))


def test_a_module_is_found_by_name_serial_number_and_port(tmp_path: Path) -> None:
    with bench_of(tmp_path, "AI4", "DO4"):
        for text in ("heaters-north", "serial:700002", port_of(tmp_path, "DO4")):
            module = found(tmp_path, text)
            assert (module.name, module.identity.serial) == ("heaters-north", 700002)
        assert found(tmp_path, "ai4-700001").type.family.name == "AI4"


def test_a_channel_is_found_by_number_and_name(tmp_path: Path) -> None:
    with bench_of(tmp_path, "DO4"):
        module = found(tmp_path, "serial:700001")
    assert module.channel("2") == 2
    with pytest.raises(RequestRejected, match="has no channel living"):
        module.channel("living")
    with bench_of(tmp_path / "two", "AI4", "DO4"):
        (tmp_path / "s.yaml").write_text("")
        assert found(tmp_path / "two", "heaters-north").channel("living-room") == 3


def test_what_is_not_there_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with bench_of(tmp_path, "DO4"), pytest.raises(LinkLost, match=r"heaters was not found at .*DO4"):
        found(tmp_path, "heaters")
    with pytest.raises(LinkLost, match="any port of the settings"):
        found(tmp_path, "heaters")


def test_a_port_that_somebody_holds_is_told_with_what_to_do(tmp_path: Path) -> None:
    with bench_of(tmp_path, "DO4"):
        holder = os.open(port_of(tmp_path, "DO4"), os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        try:
            with pytest.raises(PortHeld) as held:
                found(tmp_path, "serial:700001")
        finally:
            os.close(holder)
    assert "systemctl stop lucid2mqtt" in held.value.remedy


def test_ports_that_are_all_held_are_told_in_one_breath(tmp_path: Path) -> None:
    with bench_of(tmp_path, "AI4", "DO4", "RI4"):
        holders = [os.open(port_of(tmp_path, family), os.O_RDWR | os.O_NOCTTY) for family in ("AI4", "DO4", "RI4")]
        for holder in holders:
            fcntl.flock(holder, fcntl.LOCK_EX)
        try:
            with pytest.raises(PortHeld) as held:
                found(tmp_path, "heaters-north")
        finally:
            for holder in holders:
                os.close(holder)
    assert str(held.value).count("is in use by") == 1
    assert str(held.value).endswith("; 2 more ports are in use too")


def test_a_serial_number_is_a_better_word_than_a_port() -> None:
    by_port, by_serial = ModuleOptions(port="tcp://pi:4001", name="bench"), ModuleOptions(serial=700002, name="lab")
    identity = Identity(firmware=22, hardware=3, class_code=0, type_code=0, serial=700002)
    assert options_for([by_port, by_serial], identity, "tcp://pi:4001") is by_serial
    assert options_for([by_port], identity, "tcp://pi:4001") is by_port
    assert options_for([by_port], identity, "tcp://pi:4002") is None
