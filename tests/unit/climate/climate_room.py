"""A simulated room behind scripted modules, with a thermostat that heats it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from lucid2mqtt.climate.climate import Climate
from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.climate.state import ClimateState
from lucid2mqtt.control.alarms import AlarmName
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.options import ThermostatOptions
from lucid2mqtt.control.plants import LIGHT_ROOM, Plant
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import RequestRejected
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living, ref

SENSOR, HEATER = ref("rtd/room"), ref("heaters/living")
MODULES = (
    ModuleOptions(serial=1, name="heaters", poll_s=5.0, channels={0: ChannelOptions(name="living"), 1: ChannelOptions(name="bath")}),
    ModuleOptions(serial=2, name="rtd", poll_s=5.0, channels={0: ChannelOptions(name="room"), 1: ChannelOptions(name="flow")}),
)
ROOM = ClimateOptions(
    name="living",
    sensors=(SENSOR,),
    heating=(HEATER,),
    control=ThermostatOptions(heating=DriveOptions(cycle_s=600.0, min_on_s=60.0, min_off_s=60.0)),
)


@dataclass
class Room:
    """`heater` is the DO4, `sensor` the RI4; both outlive the program that uses them."""

    start_c: float = 18.0
    outdoor_c: float = 2.0
    options: ClimateOptions = ROOM
    heater: ScriptedModule = field(default_factory=lambda: ScriptedModule(identity("DO4", 0x1100, 1)))
    sensor: ScriptedModule = field(default_factory=lambda: ScriptedModule(identity("RI4", 0x1000, 2)))

    def __post_init__(self) -> None:
        self.plant = Plant(LIGHT_ROOM, start_c=self.start_c, outdoor_c=self.outdoor_c)
        self.sensor.values.update({0: self.plant.read(), 1: 30.0})
        self.told: list[ClimateState] = []
        self.wall: datetime | None = None  # where the wall clock stands when the program begins

    @property
    def is_heated(self) -> bool:
        return bool(self.heater.values[0])

    @property
    def writes(self) -> list[object]:
        return list(self.heater.switched)

    def alarms(self) -> set[AlarmName]:
        return {alarm.name for alarm in self.climate.state().alarms}

    def refusal(self, command: str, *arguments: object) -> RequestRejected:
        try:
            getattr(self.climate, command)(*arguments)
        except RequestRejected as rejected:
            return rejected
        raise AssertionError(f"{command}{arguments} was carried out")

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(LIGHT_ROOM.step_s)
            self.plant.step(float(self.is_heated), outdoor_c=self.outdoor_c)
            self.sensor.values[0] = self.plant.read()

    @contextlib.asynccontextmanager
    async def thermostat(self, store: StateStore | None = None, *, stops: bool = True, is_plugged: bool = True) -> AsyncIterator[Household]:
        """The program running. `stops` False: it dies without a word, as by kill -9."""
        home = Household(MODULES, store, now=self.wall)
        async with living(home, *((self.heater, self.sensor) if is_plugged else ()), settle_s=0.05):
            self.climate = Climate(self.options, home.house, home.board, home.desk, home.store, now=home.now)
            self.climate.subscribe(self.told.append)
            async with asyncio.TaskGroup() as tasks:
                world = tasks.create_task(self._live())
                task = tasks.create_task(self.climate.run())
                await asyncio.sleep(0.1)
                yield home
                if stops:
                    await self.climate.stop()
                task.cancel()
                world.cancel()


def with_control(options: ClimateOptions, **changes: object) -> ClimateOptions:
    return replace(options, control=replace(options.control, **changes))  # type: ignore[arg-type] # whichever fields a test names
