"""The house against the simulator's modules, fresh from the factory, whichever way they answer the open questions."""

from __future__ import annotations

import asyncio

import pytest

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions, ParameterSetting
from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import COMFORTABLE, Quirks
from tests.unit.climate.virtual_wire import plug
from tests.unit.engine.scripted import Household, living
from tests.virtual_clock import run_virtual

EITHER_WAY = pytest.mark.parametrize("quirks", [Quirks(), COMFORTABLE], ids=["worse", "comfortable"])


@EITHER_WAY
@pytest.mark.parametrize("family", [family.name for family in FAMILIES.values()])
def test_every_family_is_read_at_once_and_nothing_pulses(family: str, quirks: Quirks) -> None:
    async def main() -> None:
        module = VirtualModule(family, serial=1, quirks=quirks, now=asyncio.get_running_loop().time())
        home = Household()
        async with living(home):
            plug(home, module)
            await asyncio.sleep(6)
            described = home.described[module.name]
            assert len(described.channels) == len(module.family.channels)
            qualities = {number: home.quality(f"{module.name}/{number}") for number in module.family.channels}
            assert set(qualities.values()) <= {Quality.GOOD, Quality.UNDER_RANGE, Quality.OPEN_SENSOR}
            assert all(module.output(number, asyncio.get_running_loop().time()) in (False, 0.0) for number in module.outputs)
            assert module.persistent_writes == 0

    run_virtual(main())


@EITHER_WAY
def test_a_temperature_arrives(quirks: Quirks) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        module = VirtualModule("RI4", serial=1, quirks=quirks, commissioned=True, now=loop.time())
        for number in module.family.channels:
            module.drive(number, 21.5, loop.time())
        home = Household()
        async with living(home):
            await asyncio.sleep(5)
            plug(home, module)
            await asyncio.sleep(0.05)
            assert home.value("ri4-1/0") == pytest.approx(21.5, abs=0.15)

    run_virtual(main())


@EITHER_WAY
def test_a_relay_and_a_voltage_are_what_was_ordered(quirks: Quirks) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        relay = VirtualModule("DO4", serial=1, quirks=quirks, now=loop.time())
        valve = VirtualModule("AO4", serial=2, quirks=quirks, now=loop.time())
        home = Household()
        async with living(home):
            plug(home, relay)
            plug(home, valve)
            await asyncio.sleep(0.1)
            await home.order("do4-1/2", value=True)
            assert relay.output(2, loop.time()) is True
            outcome = await home.order("ao4-2/1", 7.5)
            assert outcome.reading.value == pytest.approx(7.5, abs=0.003)
            assert valve.output(1, loop.time()) == pytest.approx(7.5, abs=0.003)

    run_virtual(main())


@EITHER_WAY
def test_pulses_are_counted_by_a_module_told_to(quirks: Quirks) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        module = VirtualModule("DI4", serial=1, quirks=quirks, now=loop.time())
        settings = {
            "inDiMode": ParameterSetting("count"),
            "inDiAddCounter": ParameterSetting("on"),
            "inDiScanTime": ParameterSetting(1000),
            "inDiCountTime": ParameterSetting(100_000),
        }
        home = Household([ModuleOptions(serial=1, name="meter", channels={0: ChannelOptions(name="gas")}, parameters={0: settings})])
        async with living(home):
            plug(home, module)
            await asyncio.sleep(0.5)
            for _ in range(50):
                module.drive(0, True, loop.time())
                await asyncio.sleep(0.1)
                module.drive(0, False, loop.time())
                await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            assert home.value("meter/gas") == 50
            assert module.persistent_writes == 0

    run_virtual(main())
