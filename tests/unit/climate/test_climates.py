"""All thermostats of a house together."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from lucid2mqtt.climate.climates import Climates
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.errors import Reason, RequestRejected
from tests.unit.climate.climate_room import MODULES, ROOM
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual

BATH = replace(ROOM, name="bath", sensors=(ref("rtd/flow"),), heating=(ref("heaters/bath"),))


class Two:
    """A living room and a bath on one relay module, both cold."""

    def __init__(self) -> None:
        self.heater = ScriptedModule(identity("DO4", 0x1100, 1))
        self.sensor = ScriptedModule(identity("RI4", 0x1000, 2))
        self.sensor.values.update({0: 18.0, 1: 18.0})
        self.steps: list[str] = []

    def made(self, home: Household, *options: ClimateOptions) -> Climates:
        return Climates(options, home.house, home.board, home.desk, home.store, now=home.now, stepped=self.steps.append)


def test_each_heats_its_own_and_stop_switches_all_of_them_off() -> None:
    async def main() -> None:
        two = Two()
        home = Household(MODULES, None)
        async with living(home, two.heater, two.sensor, settle_s=0.05), asyncio.TaskGroup() as tasks:
            climates = two.made(home, ROOM, BATH)
            task = tasks.create_task(climates.run())
            await asyncio.sleep(300.0)
            assert [two.heater.values[0], two.heater.values[1]] == [True, True]
            assert [each.state().name for each in climates.all] == ["living", "bath"]
            assert climates.named("bath").state().action == "heating"
            climates.named("bath").set_mode("off")
            await asyncio.sleep(1.0)
            assert [two.heater.values[0], two.heater.values[1]] == [True, False]
            assert {"living", "bath"} == set(two.steps)
            await climates.stop(within_s=3.0)
            assert [two.heater.values[0], two.heater.values[1]] == [False, False]
            async with asyncio.timeout(1.0):
                await task  # a stop ends what runs, nothing has to be cancelled
            assert home.desk.claimant(ref("heaters/living")) is None

    run_virtual(main())


def test_a_relay_that_does_not_answer_keeps_no_other_on_and_no_stop_waiting() -> None:
    async def main() -> None:
        two = Two()
        other = ScriptedModule(identity("DO4", 0x1100, 3))
        home = Household((*MODULES, replace(MODULES[0], serial=3, name="annex")), None)
        annex = replace(BATH, name="annex", heating=(ref("annex/living"),))
        async with living(home, two.heater, two.sensor, other, settle_s=0.05), asyncio.TaskGroup() as tasks:
            climates = two.made(home, ROOM, annex)
            tasks.create_task(climates.run())
            await asyncio.sleep(300.0)
            assert (two.heater.values[0], other.values[0]) == (True, True)
            two.heater.answer_s = 10.0
            begun = asyncio.get_running_loop().time()
            await climates.stop(within_s=3.0)
            assert asyncio.get_running_loop().time() - begun <= 3.1
            assert other.values[0] is False

    run_virtual(main())


def test_a_name_that_is_unknown_is_answered_with_those_that_are_known() -> None:
    async def main() -> None:
        two = Two()
        home = Household(MODULES, None)
        with pytest.raises(RequestRejected, match="no thermostat 'cellar'") as caught:
            two.made(home, ROOM, BATH).named("cellar")
        assert (caught.value.reason, caught.value.remedy) == (Reason.UNKNOWN_THERMOSTAT, "known thermostats: living, bath")

    run_virtual(main())
