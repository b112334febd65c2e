"""A thermostat with a dead-man heater, on a virtual module: it dies, it is refused, it learns what it switches."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from lucid2mqtt.climate.climate import Climate
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.climate.state import ClimateState
from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.deadman import DriveKind, DriveWish, Semantics, Verdict
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.exchange import Activity
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.errors import ReplyTimeout
from lucid2mqtt.lucid.frames import Opcode, Reply
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import COMFORTABLE
from tests.unit.climate.climate_room import HEATER, ROOM, Room, with_control
from tests.unit.climate.virtual_wire import Wire, plug
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living
from tests.virtual_clock import run_virtual

EXTENDS = Verdict(semantics=Semantics.EXTENDS, cancels=True)
MODULES = (
    ModuleOptions(serial=1, name="heaters", channels={4: ChannelOptions(name="living")}),
    ModuleOptions(serial=2, name="rtd", channels={0: ChannelOptions(name="room")}),
)
COLD = replace(with_control(ROOM, heating=DriveOptions()), drive=DriveWish.DEADMAN)


class House:
    def __init__(self, options: ClimateOptions, verdict: Verdict | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.home = Household(MODULES)
        kept = {} if verdict is None else {"1/22/4": verdict.saved()}
        self.home.store.load = lambda name: kept if name == "verdicts" else None  # type: ignore[method-assign]
        self.module = VirtualModule("DI4DO4", serial=1, quirks=COMFORTABLE, commissioned=True, now=self.loop.time())
        self.sensor = ScriptedModule(identity("RI4", 0x1000, 2))
        self.sensor.values[0] = 12.0
        self.climate = Climate(options, self.home.house, self.home.board, self.home.desk, self.home.store, now=self.home.now)
        self.told: list[ClimateState] = []
        self.climate.subscribe(self.told.append)
        self.wire: Wire

    @property
    def is_heated(self) -> bool:
        return bool(self.module.output(4, self.loop.time()))


@contextlib.asynccontextmanager
async def house(options: ClimateOptions = COLD, *, verdict: Verdict | None = EXTENDS) -> AsyncIterator[House]:
    built = House(options, verdict)
    async with living(built.home, built.sensor, settle_s=0.0):
        built.wire = plug(built.home, built.module)
        await asyncio.sleep(0.1)
        running = asyncio.create_task(built.climate.run())
        await asyncio.sleep(0.1)
        yield built
        running.cancel()


def test_it_heats_and_when_it_dies_the_heater_is_off_within_the_hold_window() -> None:
    async def main() -> None:
        async with house() as built:
            await asyncio.sleep(600.0)
            assert built.is_heated
            state = built.climate.state()
            assert (state.drive, state.alarms, state.notices) == (DriveKind.DEADMAN, (), ())
            assert state.action is Activity.HEATING
            died_at = built.loop.time()
        built.module.advance(died_at + 3600.0)
        at, is_on = built.module.journal.outputs(4)[-1]
        assert is_on is False
        assert at <= died_at + COLD.hold.hold_s + 0.05

    run_virtual(main())


def test_a_stop_in_order_ends_with_the_heater_off_at_once() -> None:
    async def main() -> None:
        async with house() as built:
            await asyncio.sleep(60.0)
            assert built.is_heated
            before = built.loop.time()
            await built.climate.stop()
            assert built.loop.time() - before < 1.0
            assert not built.is_heated
            await asyncio.sleep(60.0)
            assert not built.is_heated
            assert built.home.desk.claimant(HEATER) is None

    run_virtual(main())


def test_without_a_verdict_a_demanded_dead_man_is_an_alarm_with_the_command_and_no_heat() -> None:
    async def main() -> None:
        async with house(verdict=None) as built:
            await asyncio.sleep(600.0)
            state = built.climate.state()
            assert state.drive is DriveKind.REFUSED
            (alarm,) = [alarm for alarm in state.alarms if alarm.name is AlarmName.ACTUATOR_LOST]
            assert "lucid2mqtt verify-deadman heaters living" in alarm.reason
            assert built.module.journal.outputs(4) == []

    run_virtual(main())


def test_auto_without_a_verdict_heats_plainly_with_the_notice() -> None:
    async def main() -> None:
        async with house(replace(COLD, drive=DriveWish.AUTO), verdict=None) as built:
            await asyncio.sleep(600.0)
            state = built.climate.state()
            assert (state.drive, state.alarms) == (DriveKind.PLAIN, ())
            assert "lucid2mqtt verify-deadman heaters living" in state.notices[0]
            assert built.is_heated

    run_virtual(main())


def test_the_cycle_becomes_short_when_the_module_says_that_nothing_wears() -> None:
    async def main() -> None:
        async with house() as built:
            built.climate.set_mode("manual")
            built.climate.set_duty(0.5)
            await asyncio.sleep(1200.0)
            closures = sum(bool(state) for _, state in built.module.journal.outputs(4))
            assert closures >= 10  # a relay would have had a few
        async with house(with_control(COLD, heating=DriveOptions(cycle_s=900.0))) as built:
            built.climate.set_mode("manual")
            built.climate.set_duty(0.5)
            await asyncio.sleep(1200.0)
            assert sum(bool(state) for _, state in built.module.journal.outputs(4)) < 4

    run_virtual(main())


@pytest.mark.parametrize("drive", [DriveWish.DEADMAN, DriveWish.PLAIN])
def test_an_output_that_goes_on_refusing_heat_is_one_alarm_and_not_many(drive: DriveWish) -> None:
    async def main() -> None:
        async with house(replace(COLD, drive=drive)) as built:
            built.wire.fault = lambda request: Reply(0xD0) if request.opcode == Opcode.SET_IO and request.data == b"\x01" else None
            await asyncio.sleep(1200.0)
            lost = [any(alarm.name is AlarmName.ACTUATOR_LOST for alarm in state.alarms) for state in built.told]
            assert lost[-1]
            assert sorted(lost) == lost  # it came, and never went
            built.wire.fault = lambda request: None
            await asyncio.sleep(600.0)
            assert built.is_heated
            assert built.climate.state().alarms == ()

    run_virtual(main())


def test_an_output_that_never_answers_a_write_is_one_alarm_and_not_many() -> None:
    async def main() -> None:
        room = Room(start_c=15.0)
        async with room.thermostat():
            room.heater.fault = lambda request: ReplyTimeout("lost", sent=True) if request.opcode == Opcode.SET_IO else None
            await asyncio.sleep(1200.0)
            lost = [any(alarm.name is AlarmName.ACTUATOR_LOST for alarm in state.alarms) for state in room.told]
            assert lost[-1]
            assert sorted(lost) == lost
            room.heater.fault = lambda request: None
            await asyncio.sleep(600.0)
            assert room.alarms() == set()

    run_virtual(main())
