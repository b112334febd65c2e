"""The keys of one thermostat that say how its outputs are driven."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from pydantic.functional_validators import AfterValidator

from lucid2mqtt.settings.fields import Number, Objection, PositiveSeconds, Seconds, Section
from lucid2mqtt.settings.thermostat_sources import ChannelNames


class BankSettings(Section):
    arrangement: Literal["staged", "staggered"] = Field(
        "staged", description="staged: one heater after the other; staggered: all alike, but not at the same moment."
    )
    shares: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = Field(
        (), description="Parts of the whole power, one for each heater in their order; default: equal parts."
    )
    rotates: bool = Field(True, description="staged: the heater with the fewest hours leads the next time.")


def _characteristic(points: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if any(len(point) != 2 for point in points) or points[:1] != ((0.0, 0.0),) or points[-1:] != ((1.0, 1.0),):
        raise Objection("a characteristic goes in pairs from [0, 0] to [1, 1]", 'write it like "points: [[0, 0], [0.5, 0.2], [1, 1]]"')
    if not all(first[0] < second[0] and first[1] <= second[1] for first, second in pairwise(points)):
        raise Objection("the points of a characteristic must rise", "put them in order")
    return points


class AnalogSettings(Section):
    low: Number = Field(0.0, description="Output for no heat, in its unit (V, mA): 0, 4, or the high end for reverse action.")
    high: Number = Field(10.0, description="Output for full heat, in its unit (V, mA).")
    points: Annotated[tuple[tuple[Number, ...], ...], AfterValidator(_characteristic)] = Field(
        ((0.0, 0.0), (1.0, 1.0)),
        description="The valve's characteristic: pairs of the share of heat and the stroke it needs, 0..1, rising.",
    )
    least_stroke: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="Where the valve begins to open, 0..1: any heat at all gives this."
    )
    most_stroke: float = Field(1.0, ge=0, le=1, allow_inf_nan=False, description="Never opened further than this, 0..1.")
    dead_band: float = Field(
        0.01, ge=0, le=0.5, allow_inf_nan=False, description="Smaller moves than this wait, as a part of the whole stroke."
    )


ContactWord = Literal["auto", "relay", "solid state", "open collector"]


class DriveKeys(Section):
    """How the outputs of one direction are driven."""

    contact: ContactWord = Field(
        "auto",
        description="What switches: auto (what the module says), relay, solid state, open collector. A relay gets long cycles, because it wears.",
    )
    cycle_s: PositiveSeconds | None = Field(
        None, le=86400, description="Distance of heating pulses at half load, s; default: from the room's dead time, once that is known."
    )
    min_on_s: Seconds | None = Field(None, le=86400, description="Shortest time on, s; default: 5 % of the cycle for relays, else 0.")
    min_off_s: Seconds | None = Field(None, le=86400, description="Shortest time off, s; default: 5 % of the cycle for relays, else 0.")
    bank: BankSettings = Field(default_factory=BankSettings, description="How several outputs share the work.")
    analog: AnalogSettings | None = Field(
        None, description="For an analog output: its range, and the characteristic of the valve. `{}` means 0..10."
    )


class OutputKeys(Section):
    heater: ChannelNames = Field(
        (), description="The output that heats, as module/channel; several: a bank. It takes orders from the thermostat only."
    )
    cooler: ChannelNames = Field((), description="The output that cools, likewise.")
    cooling: DriveKeys | None = Field(
        None,
        description="How the cooler is driven where there is a heater too: contact, cycle_s, min_on_s, min_off_s, bank, analog."
        " With one of both, these keys stand at the thermostat itself.",
    )
    drive: Literal["auto", "plain", "deadman"] = Field(
        "auto",
        description="deadman: the module switches off by itself when nobody renews the order, else the thermostat does not start;"
        " plain: it stays as it is; auto: deadman where the module is known to do it.",
    )
    hold_s: PositiveSeconds = Field(
        15.0, le=3599, description="deadman: the output is off at most this long after the last order, s; 3 times retrigger_s or more."
    )
    retrigger_s: float = Field(5.0, ge=0.5, le=1199, allow_inf_nan=False, description="deadman: the order is renewed this often, s.")
