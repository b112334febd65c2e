"""What goes into one step of a thermostat and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.alarms import Alarm
from lucid2mqtt.control.autotune import Phase
from lucid2mqtt.control.drive import Order
from lucid2mqtt.control.failure import LossStage
from lucid2mqtt.control.sensing import Sample


class Mode(StrEnum):
    OFF = "off"  # no control; a target, where given, is the frost floor
    HEAT = "heat"
    COOL = "cool"
    AUTO = "auto"  # heats or cools, with a dead zone between
    MANUAL = "manual"  # the duty is set by hand


class Activity(StrEnum):
    """What is being done; Home Assistant's words for the action of a climate entity."""

    OFF = "off"
    IDLE = "idle"
    HEATING = "heating"
    COOLING = "cooling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The world at one moment. Every `Sample` carries its own age, so nothing has to be fresh."""

    sensors: tuple[Sample, ...]  # in the order of the settings
    mode: Mode
    target_c: float | None  # None: neither heat nor cool, whatever the mode
    manual_duty: float = 0.0  # -1..1, negative cools
    limiter: Sample | None = None
    outdoor: Sample | None = None
    pause: str = ""  # a sentence while something else forbids heat and cold
    heating_seen: tuple[bool | None, ...] = ()  # read-back of the heating relays; None: not read
    cooling_seen: tuple[bool | None, ...] = ()
    actuator_fault: str = ""  # a sentence while an output cannot be written: module unplugged, taken by somebody else
    actuator_doubt: str = ""  # a sentence while one that failed is tried again: told as lost until it works, but no obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningProgress:
    """A running or just finished autotune. `remaining_s` None: not known yet."""

    phase: Phase
    target_c: float
    remaining_s: float | None
    reason: str = ""  # why it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done from now until `next_at` (monotonic seconds) at the latest, and everything worth showing."""

    heating: Order
    cooling: Order
    next_at: float
    duty: float  # -1..1 as the law wants it, negative cools
    activity: Activity
    temperature_c: float | None  # filtered, as controlled on; None: not known
    target_c: float | None  # where the set-point is now, on its ramp
    stage: LossStage
    alarms: tuple[Alarm, ...]
    reason: str  # one sentence for the owner
    autotune: TuningProgress | None = None
