"""Which name a module gets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.errors import Reason
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living
from tests.virtual_clock import run_virtual

RI4 = identity("RI4", 0x1000, 591921152)


def test_an_unnamed_module_is_called_by_family_and_serial_number() -> None:
    async def main() -> None:
        module = ScriptedModule(RI4)
        module.values[0] = 21.5
        async with living(Household(), module) as home:
            described = home.described["ri4-591921152"]
            assert (described.label, described.family, described.firmware) == ("RI4 591921152", "RI4", 22)
            assert [channel.label for channel in described.channels] == [f"Temperature {number}" for number in range(4)]
            assert home.value("ri4-591921152/0") == 21.5

    run_virtual(main())


def test_options_are_found_by_serial_and_names_become_slugs() -> None:
    async def main() -> None:
        options = ModuleOptions(
            serial=591921152,
            name="Boiler Room",
            channels={0: ChannelOptions(name="Flow (süd)", offset=-0.2), 1: ChannelOptions(enabled=False)},
        )
        module = ScriptedModule(RI4)
        module.values[0] = 50.0
        async with living(Household([options]), module) as home:
            described = home.described["boiler-room"]
            assert described.label == "Boiler Room"
            assert [channel.ref.channel for channel in described.channels] == ["flow-sued", "2", "3"]
            assert described.channels[0].label == "Flow (süd)"
            assert home.value("boiler-room/flow-sued") == 49.8

    run_virtual(main())


def test_options_are_found_by_another_path_to_the_same_port(tmp_path: Path) -> None:
    device = tmp_path / "ttyACM7"
    device.touch()
    link = tmp_path / "by-id"
    link.symlink_to(device)

    async def main() -> None:
        home = Household([ModuleOptions(port=str(link), name="lab")])
        async with living(home):
            home.plug(ScriptedModule(RI4), str(device))
            await asyncio.sleep(0.1)
            assert home.events == [("online", "lab")]

    run_virtual(main())


def test_another_module_at_a_named_port_takes_the_name_over() -> None:
    async def main() -> None:
        home = Household([ModuleOptions(port="tcp://pi:4001", name="lab")])
        first, second = ScriptedModule(identity("RI8", 0x1000, 4)), ScriptedModule(identity("DO4", 0x1000, 5))
        async with living(home):
            home.plug(first, "tcp://pi:4001")
            await asyncio.sleep(0.1)
            home.unplug(first)
            home.plug(second, "tcp://pi:4001")
            await asyncio.sleep(0.1)
            assert home.described["lab"].serial == 5
            assert {reading.unit for reading in home.board.snapshot().values()} == {""}, "temperatures of the old one are taken down"

    run_virtual(main())


def test_a_serial_number_is_a_better_word_than_a_port() -> None:
    async def main() -> None:
        home = Household([ModuleOptions(port="tcp://pi:4001", name="bench"), ModuleOptions(serial=RI4.serial, name="lab")])
        async with living(home):
            home.plug(ScriptedModule(RI4), "tcp://pi:4001")
            await asyncio.sleep(0.1)
            assert home.events == [("online", "lab")]

    run_virtual(main())


def test_a_name_in_use_is_not_given_to_another_module_of_the_same_serial_number() -> None:
    async def main() -> None:
        one, two = ScriptedModule(identity("RI4", 0x1000, 5)), ScriptedModule(identity("DO4", 0x1000, 5))
        async with living(Household([ModuleOptions(serial=5, name="lab")]), one, two) as home:
            assert sorted(home.described) == ["do4-5", "lab"]
            assert home.described["lab"].family == "RI4"

    run_virtual(main())


def test_of_two_modules_of_one_name_the_second_gets_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        options = [ModuleOptions(serial=1, name="twin"), ModuleOptions(serial=2, name="Twin")]
        one, two = ScriptedModule(identity("DO4", 0x1000, 1)), ScriptedModule(identity("DO4", 0x1000, 2))
        async with living(Household(options), one, two) as home:
            assert sorted(home.described) == ["do4-2", "twin"]
            assert home.described["twin"].serial == 1

    run_virtual(main())
    assert "module name twin is in use, serial number 2 is called do4-2" in caplog.text


def test_a_module_that_the_settings_name_is_known_before_it_is_seen() -> None:
    async def main() -> None:
        home = Household([ModuleOptions(serial=7, name="heaters")])
        async with living(home):
            (view,) = home.house.modules
            assert (view.name, view.online, view.module, view.detail) == ("heaters", False, None, "not seen yet")
            refusal = await home.refusal("heaters/0", value=True)
            assert refusal.reason is Reason.MODULE_OFFLINE

    run_virtual(main())
