"""What happens on a simulated day: the plant, the weather, what people do, and what breaks. Times are seconds since its begin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lucid2mqtt.control.plants import LIGHT_ROOM, PlantSpec

DAY_S = 86_400.0
A_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WARMEST_S = 15 * 3600.0
"""When the daily swing of the weather is at its top, after midnight."""


class Deed(StrEnum):
    """What somebody does: the commands of the thermostat."""

    TARGET = "target_c"
    PRESET = "preset"
    MODE = "mode"
    DUTY = "duty"
    AUTOTUNE = "autotune"
    RESET = "reset"


class Trouble(StrEnum):
    """What comes from outside, for a while or for good."""

    WINDOW = "window"
    SENSOR = "sensor"
    GAIN = "gain_w"
    POWER = "power"
    CONTACT = "contact"
    OUTDOOR = "outdoor_c"


class SensorState(StrEnum):
    LOST = "lost"
    STUCK = "stuck"


WELDED = "welded"
"""The only trouble of a relay contact: it conducts whatever the relay is told."""


@dataclass(frozen=True, slots=True)
class Command:
    at_s: float
    deed: Deed
    value: str | float
    for_s: float | None = None  # of a boost


@dataclass(frozen=True, slots=True)
class Circumstance:
    """Holds from `at_s` until before `until_s`. `sensor` counts from 0 and matters for `Trouble.SENSOR` only."""

    at_s: float
    until_s: float
    trouble: Trouble
    value: str | float
    sensor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """An autotune before the day, in the weather of its begin."""

    target_c: float
    start_c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """`begins` (aware) is what the wall clock says at second 0; the same `seed` gives the same noise."""

    title: str = ""
    plant: PlantSpec = LIGHT_ROOM
    start_c: float = 18.0
    outdoor_c: float = 1.0
    outdoor_swing_k: float = 0.0
    begins: datetime = A_MONDAY
    length_s: float = DAY_S
    seed: int = 1
    lesson: Lesson | None = None
    commands: tuple[Command, ...] = ()
    circumstances: tuple[Circumstance, ...] = ()

    def weather_c(self, at_s: float) -> float:
        """Outdoors at `at_s`, warmest in the afternoon."""
        begins = self.begins
        clock_s = 3600.0 * begins.hour + 60.0 * begins.minute + begins.second + at_s
        return self.outdoor_c + self.outdoor_swing_k * math.cos(2 * math.pi * (clock_s - WARMEST_S) / DAY_S)
