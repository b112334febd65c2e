"""What the owner settled about one thermostat; every field has a default that suits a heated room with one relay."""

from __future__ import annotations

from dataclasses import dataclass, field

from lucid2mqtt.control.autotune import AutotuneOptions
from lucid2mqtt.control.drive import DriveOptions
from lucid2mqtt.control.failure import FailureOptions
from lucid2mqtt.control.feedforward import FeedForwardOptions
from lucid2mqtt.control.limiter import LimiterOptions, OnTimeOptions
from lucid2mqtt.control.regulator import RegulatorOptions
from lucid2mqtt.control.sensing import SensingOptions
from lucid2mqtt.control.tuning import Gains, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermostatOptions:
    """`gains` are the owner's own; an autotune takes their place and can be undone. `cooling` None: no cooling output."""

    sensing: SensingOptions = field(default_factory=SensingOptions)
    regulator: RegulatorOptions = field(default_factory=RegulatorOptions)
    heating: DriveOptions | None = field(default_factory=DriveOptions)
    cooling: DriveOptions | None = None
    failure: FailureOptions = field(default_factory=FailureOptions)
    limiter: LimiterOptions | None = None
    on_time: OnTimeOptions = field(default_factory=OnTimeOptions)
    weather: FeedForwardOptions = field(default_factory=FeedForwardOptions)
    autotune: AutotuneOptions = field(default_factory=AutotuneOptions)
    rule: Rule = Rule.SIMC_PID
    gains: Gains | None = None
    dead_zone_k: float = 1.0  # mode auto: heats below target - half of it, cools above target + half of it
    changeover_s: float = 600.0  # pause between heating and cooling

    def __post_init__(self) -> None:
        if self.heating is None and self.cooling is None:
            raise ValueError("a thermostat needs a heating or a cooling output")
        if self.dead_zone_k < 0.0 or self.changeover_s < 0.0:
            raise ValueError("dead_zone_k and changeover_s cannot be negative")
