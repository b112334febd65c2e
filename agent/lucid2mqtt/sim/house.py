"""The demonstration house: a room heated by a relay, with meter, valve, pressure and a door.

DO4 (relays)   0 heater 2 kW                    1..3 free
RI4 (Pt1000)   0 room, 1 flow, 2 outside        3 open sensor
AI4 (0..10 V)  0 pressure                       1 follows valve output 0, 2..3 open
AO4 (0..10 V)  0 valve, 10 V adds 1 kW          1..3 free
DI4 (24 V)     0 electricity meter, 1000 pulses a kWh, count mode with add-counter; 1 window contact, open for 20 minutes a day; 2..3 open
DI4DO4         0 door, 1..3 report outputs 4..6; 4..7 outputs
"""

from __future__ import annotations

import math

from lucid2mqtt.sim import memory as m
from lucid2mqtt.sim.channel import SensorFault
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.world import World

SERIALS = {"RI4": 500_101, "DO4": 500_102, "AI4": 500_103, "AO4": 500_104, "DI4": 500_105, "DI4DO4": 500_106}
RELAY_TYPE = 0x1100

HEATER_W = 2000.0
VALVE_W = 1000.0
BASE_LOAD_W = 300.0
PULSES_PER_KWH = 1000
METER_SCAN_US = 200
JOULES_PER_PULSE = 3.6e6 / PULSES_PER_KWH
DAY_S = 86_400.0
LONGEST_PLANT_STEP_S = 5.0
AIRING_S = (12 * 3600.0, 12 * 3600.0 + 1200.0)
"""When the window is open, in seconds since the beginning of each day."""
WINDOW_W_PER_K = 40.0


class Room:
    """Two masses: a heating body of 60 kJ/K, and a room of 1 MJ/K that loses 60 W/K to the outside.

    2 kW take it from 16 to 21 °C in about an hour and a half with 5 °C outside, and would end near 38 °C.
    """

    body_capacity = 60e3  # J/K
    room_capacity = 1.0e6
    body_to_room = 80.0  # W/K
    room_to_outside = 60.0

    def __init__(self, room_c: float = 16.0) -> None:
        self.room_c = room_c
        self.body_c = room_c

    def step(self, seconds: float, power_w: float, outside_c: float, *, window_open: bool = False) -> None:
        """Let `seconds` pass with that heating power."""
        to_outside = self.room_to_outside + (WINDOW_W_PER_K if window_open else 0.0)
        steps = max(1, math.ceil(seconds / LONGEST_PLANT_STEP_S))
        dt = seconds / steps
        for _ in range(steps):
            given = self.body_to_room * (self.body_c - self.room_c)
            lost = to_outside * (self.room_c - outside_c)
            self.body_c += dt * (power_w - given) / self.body_capacity
            self.room_c += dt * (given - lost) / self.room_capacity


class House(World):
    """The house above; its modules are commissioned, everything else about them is as the quirks say."""

    def __init__(self, *, speed: float = 1.0, quirks: Quirks | None = None) -> None:
        def module(family: str, type_code: int | None = None) -> VirtualModule:
            return VirtualModule(family, serial=SERIALS[family], type_code=type_code, quirks=quirks, commissioned=True)

        self.temperatures = module("RI4")
        self.relays = module("DO4", RELAY_TYPE)
        self.analog_in = module("AI4")
        self.analog_out = module("AO4")
        self.meter = module("DI4", 0x1005)
        self.mixed = module("DI4DO4")
        super().__init__((self.temperatures, self.relays, self.analog_in, self.analog_out, self.meter, self.mixed), speed=speed)
        self.meter.commission(0, {m.MODE: m.COUNT, m.FLAGS: m.ADD_COUNTER, m.SCAN_TIME: METER_SCAN_US}, 0.0)
        self.room = Room()
        self.age_s = 0.0
        self._heater_on_s = 0.0
        self._energy_j = 0.0
        self._pulses_sent_until = 0.0
        self._connect(0.0)

    def happen(self, since: float, now: float) -> None:
        passed_s = (now - since) * self.speed
        self.age_s += passed_s
        on_s = self.relays.on_seconds(0, now)
        heater_w = HEATER_W * (on_s - self._heater_on_s) / (now - since)
        self._heater_on_s = on_s
        valve_v = float(self.analog_out.output(0, now))
        self.room.step(passed_s, heater_w + VALVE_W * valve_v / 10.0, self.outside_c, window_open=self.window_open)
        self._count(BASE_LOAD_W + heater_w, since, now)
        self._connect(now)

    @property
    def outside_c(self) -> float:
        """A mild winter day: 5 °C at the start, 4 K up and down."""
        return 5.0 + 4.0 * math.sin(2 * math.pi * self.age_s / DAY_S)

    @property
    def window_open(self) -> bool:
        return AIRING_S[0] <= self.age_s % DAY_S < AIRING_S[1]

    def _connect(self, now: float) -> None:
        """Put the state of the house on the terminals."""
        self.temperatures.drive(0, self.room.room_c, now)
        self.temperatures.drive(1, self.room.body_c, now)
        self.temperatures.drive(2, self.outside_c, now)
        self.temperatures.drive(3, SensorFault.OPEN, now)
        self.analog_in.drive(0, 5.0 + math.sin(2 * math.pi * self.age_s / 600.0), now)
        self.analog_in.drive(1, float(self.analog_out.output(0, now)), now)
        self.meter.drive(1, self.window_open, now)
        self.mixed.drive(0, self.age_s % 120 > 90, now)
        for contact in (1, 2, 3):
            self.mixed.drive(contact, bool(self.mixed.output(contact + 3, now)), now)

    def _count(self, power_w: float, since: float, now: float) -> None:
        """The meter's pulses for the energy since the last step, laid out over the next one: input lies ahead of the module's clock."""
        energy_j = self._energy_j + power_w * (now - since) * self.speed
        pulses = int(energy_j // JOULES_PER_PULSE)
        self._energy_j = energy_j - pulses * JOULES_PER_PULSE
        if not pulses:
            return
        period = (now - since) / pulses
        begin = max(now, self._pulses_sent_until)
        for pulse in range(pulses):
            self.meter.drive(0, signal=True, at=begin + pulse * period)
            self.meter.drive(0, signal=False, at=begin + (pulse + 0.5) * period)
        self._pulses_sent_until = begin + pulses * period
