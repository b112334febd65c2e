"""The keys of one thermostat: what it measures and what it is to achieve; those of outputs and law stand in files of their own.

Nothing of the controller is loaded here: an agent without a thermostat starts without it. Words and defaults are those of
the options that `thermostat_options` makes of these keys; a test holds them against each other.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.functional_validators import AfterValidator

from lucid2mqtt.settings.fields import Name, Number, PositiveSeconds, Seconds, Section
from lucid2mqtt.settings.thermostat_control import LawKeys, SafetyKeys, SensingSettings
from lucid2mqtt.settings.thermostat_drive import DriveKeys, OutputKeys
from lucid2mqtt.settings.thermostat_sources import ChannelName, SourceSettings
from lucid2mqtt.settings.zones import zone_named


class MeasuringKeys(Section):
    name: Name = Field(description="Your word for the thermostat; topics carry its slug.")
    sensors: tuple[SourceSettings, ...] = Field(
        description="Where the temperature comes from, the best first: channels as module/channel, or topics."
    )
    fusion: Literal["primary_fallback", "mean", "median"] = Field(
        "primary_fallback", description="What several sensors say together: the first good one, their mean, or their median."
    )
    sensing: SensingSettings = Field(default_factory=SensingSettings, description="When a reading is not believed.")
    outdoor: SourceSettings | None = Field(
        None, description="Outdoor temperature, as a sensor is written: heats before it gets cold inside."
    )


class PresetsSettings(Section):
    away_c: Number = Field(16.0, description="Nobody at home, °C.")
    eco_c: Number = Field(18.0, description="At night, °C.")
    comfort_c: Number = Field(21.0, description="By day, °C.")
    boost_c: Number = Field(23.0, description="For a short time, °C.")
    boost_s: float = Field(1800.0, ge=60, le=86400, allow_inf_nan=False, description="How long boost lasts unless told otherwise, s.")
    frost_c: Number = Field(5.0, description="Nothing may freeze, °C.")
    frost_floor: bool = Field(
        True, description="Never colder than frost_c, also when off and with the window open. false: off means no heat at all."
    )


def _zone(name: str) -> str:
    zone_named(name)
    return name


class ScheduleSettings(Section):
    """Besides its own keys it has days: mon, sat,sun, mon-fri; each with a list as `daily` has."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, tuple[str, ...]]

    zone: Annotated[str, AfterValidator(_zone)] | None = Field(
        None, description="Time zone of the house, as in Europe/Berlin. Default: that of this machine."
    )
    starts_early: bool = Field(True, description="Heats before the switching time, so that it is warm then; after an autotune.")
    daily: tuple[str, ...] = Field(
        (),
        description='Switching times of all days that have no key of their own, as in ["06:30 comfort", "22:00 eco"] or "08:00 21.5".'
        " Keys of their own: mon, sat,sun, mon-fri, ...",
    )

    @property
    def days(self) -> dict[str, tuple[str, ...]]:
        """The lines by day as written; `daily` only when it says something."""
        return ({"daily": self.daily} if self.daily else {}) | self.__pydantic_extra__


class WindowSettings(Section):
    contact: ChannelName | None = Field(None, description="A digital input that knows whether the window is open, as module/channel.")
    open_is: bool = Field(True, description="What the contact reads while the window is open.")
    open_delay_s: Seconds = Field(30.0, le=86400, description="Open for so long before heating pauses, s.")
    close_delay_s: Seconds = Field(30.0, le=86400, description="Closed for so long before heating goes on, s.")
    slope_k_per_h: Number = Field(
        -3.0,
        le=0,
        description="Without a contact: falling faster than this means an open window, K/h, negative. 0: only the contact counts.",
    )
    slope_span_s: PositiveSeconds = Field(300.0, le=86400, description="The fall is seen over this time, s.")
    longest_pause_s: PositiveSeconds = Field(
        1800.0, le=86400, description="An open window pauses heating for at most this time, then it is an alarm, s."
    )


class AimKeys(Section):
    mode: Literal["off", "heat", "cool", "auto"] | None = Field(
        None, description="What is done until somebody chooses otherwise. Default: heat, or cool without a heater."
    )
    target_c: Number = Field(21.0, description="Target until somebody sets another one, °C.")
    preset: Literal["none", "away", "eco", "comfort", "frost"] = Field(
        "none", description="Preset until somebody chooses another one. Boost has a timer and cannot stand here."
    )
    minimum_c: Number = Field(5.0, description="Least target, °C. The defaults of target and presets are kept within the limits.")
    maximum_c: Number = Field(35.0, description="Greatest target, °C.")
    presets: PresetsSettings = Field(default_factory=PresetsSettings, description="Temperatures of the presets.")
    schedule: ScheduleSettings | None = Field(None, description="The week. It needs no network, only a clock.")
    window: WindowSettings | None = Field(
        None, description="Heating pauses while a window is open. `{}`: told by the fall of the temperature."
    )


class ThermostatSettings(SafetyKeys, LawKeys, AimKeys, DriveKeys, OutputKeys, MeasuringKeys):
    """Fields come in the order of the bases, the last one first."""

    @property
    def sources(self) -> tuple[SourceSettings, ...]:
        return self.sensors if self.outdoor is None else (*self.sensors, self.outdoor)

    def drive_of(self, key: Literal["heater", "cooler"]) -> DriveKeys:
        """The keys that drive the outputs of `key`."""
        if key == "cooler" and self.heater:
            return DriveKeys() if self.cooling is None else self.cooling
        return self
