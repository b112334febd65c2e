"""The keys of one thermostat that say how it controls, and what it does when something fails."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lucid2mqtt.settings.fields import Number, PositiveSeconds, Seconds, Section
from lucid2mqtt.settings.thermostat_sources import ChannelName

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_DAY_S = 86400
_WEEK_S = 7 * _DAY_S


class SensingSettings(Section):
    minimum_c: Number = Field(-30.0, description="A reading below this is a fault of the sensor, °C.")
    maximum_c: Number = Field(120.0, description="A reading above this is a fault of the sensor, °C.")
    stale_s: PositiveSeconds = Field(60.0, le=_DAY_S, description="A reading older than this does not count, s.")
    rate_k_per_min: _Positive | None = Field(
        None, description="A reading that changes faster is a fault, K/min; default: 4 times what the plant can, at least 5."
    )
    disagreement_k: _Positive = Field(2.0, description="Several sensors: they disagree when they differ by more, K.")
    disagreement_s: Seconds = Field(900.0, le=_DAY_S, description="Several sensors: and do so for this time, s.")


class GainsSettings(Section):
    kp: _NotNegative = Field(description="Share of full power per K of distance to the target.")
    ki: _NotNegative = Field(description="The same per K and second.")
    kd: _NotNegative = Field(0.0, description="The same per K/s of change.")


class WeatherSettings(Section):
    loss_duty_per_k: _Share | None = Field(
        None,
        description="Share of full power that a kelvin between target and outdoors takes; default: as the autotune learns it; 0: unused.",
    )
    longest_age_s: PositiveSeconds = Field(10800.0, le=_WEEK_S, description="An outdoor reading older than this does not count, s.")
    minimum_c: Number = Field(-60.0, description="An outdoor reading below this is a fault, °C.")
    maximum_c: Number = Field(60.0, description="An outdoor reading above this is a fault, °C.")


class AutotuneSettings(Section):
    excursion_k: _Positive = Field(
        1.5, description="No heat when it is warmer than the target by this, K; the probing swing aims at half of it."
    )
    longest_s: PositiveSeconds = Field(259200.0, le=4 * _WEEK_S, description="An autotune that takes longer is given up, s.")


class LawKeys(Section):
    law: Literal["pid", "on_off"] = Field("pid", description="How the output follows the temperature.")
    hysteresis_k: _Positive = Field(0.3, description="on_off: on this much below the target, off this much above, K.")
    rule: Literal["simc_pid", "simc_pi", "tyreus_luyben", "ziegler_nichols", "no_overshoot"] = Field(
        "simc_pid", description="pid: how gains follow from what the autotune found; simc_pi is quieter, for valves and noisy sensors."
    )
    gains: GainsSettings | None = Field(None, description="pid: your own gains, until an autotune; default: those of a cautious room.")
    ramp_k_per_h: _NotNegative | None = Field(
        None,
        description="The set-point walks to a new target at this rate, K/h; 0: jumps. Default: walks only where the plant is fast (a vessel).",
    )
    weather: WeatherSettings = Field(default_factory=WeatherSettings, description="How the outdoor temperature is used.")
    dead_zone_k: _NotNegative = Field(
        1.0, description="Mode auto: heats below the target minus half of this, cools above the target plus half, K."
    )
    changeover_s: Seconds = Field(600.0, le=_DAY_S, description="Mode auto: pause between heating and cooling, s.")
    autotune: AutotuneSettings = Field(default_factory=AutotuneSettings, description="Bounds of an autotune.")


class LimiterSettings(Section):
    sensor: ChannelName = Field(description="Its own temperature input, as module/channel: best not one of `sensors`.")
    limit_c: Number = Field(description="No heat at this temperature or above, °C.")
    hysteresis_k: _NotNegative = Field(2.0, description="It can be reset, or resets itself, this much below the limit, K.")
    kind: Literal["limiter", "monitor"] = Field(
        "limiter", description="limiter: stays tripped until it is reset by command; monitor: gives heat back by itself."
    )
    stale_s: PositiveSeconds = Field(60.0, le=_DAY_S, description="No heat when the last reading is older than this, s.")
    break_s: Seconds = Field(60.0, le=_DAY_S, description="limiter: trips when the sensor is silent or broken for this time, s.")
    minimum_c: Number = Field(-30.0, description="A reading below this is a broken sensor, °C.")
    maximum_c: Number = Field(250.0, description="A reading above this is a broken sensor, °C.")
    lead_s: Seconds = Field(
        0.0, le=_DAY_S, description="Withholds heat already when the limit would be reached within this time at the present slope, s."
    )


class SensorLossSettings(Section):
    failsafe: Literal["staged", "off"] = Field(
        "staged", description="staged: goes on with what was learned, then less, then off; off: no temperature, no heat."
    )
    glitch_s: Seconds | None = Field(
        None, le=_WEEK_S, description="staged: so long the mean duty of before goes on, s; default: 300..600 by the room's dead time."
    )
    failed_after_s: Seconds | None = Field(
        None, le=_WEEK_S, description="staged: off after this time, s; default: 1800..14400 by the room's dead time."
    )
    degraded_share: _Share = Field(0.85, description="staged: between both, this part of the learned duty, 0..1.")
    frost_duty: float = Field(0.0, ge=0, le=0.1, allow_inf_nan=False, description="Duty instead of off at the end, against frost, 0..0.1.")


class SupervisionSettings(Section):
    loop_break: Literal["alarm", "safe"] = Field(
        "alarm", description="Full heat does not warm: alarm only, or safe: also off until it is reset."
    )
    loop_break_s: PositiveSeconds | None = Field(
        None, le=_WEEK_S, description="Full heat has to show within this time, s; default: 6 dead times, at least 900."
    )
    mismatch_s: Seconds = Field(
        10.0, le=_DAY_S, description="An output that reads back otherwise than ordered for this time is an alarm, s."
    )


class SafetyKeys(Section):
    limiter: LimiterSettings | None = Field(
        None, description="The last word against too much heat, independent of the law. No substitute for a limiter in hardware."
    )
    on_sensor_loss: SensorLossSettings = Field(default_factory=SensorLossSettings, description="What is done without a temperature.")
    supervision: SupervisionSettings = Field(default_factory=SupervisionSettings, description="What is watched while it heats.")
    longest_on_s: PositiveSeconds | None = Field(
        None, le=_WEEK_S, description="An output on for so long without a break goes off until it is reset, s; default: no limit."
    )
    most_duty: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="Most heat in the mean of a day, 0..1; default: no limit."
    )
    rated_closures: int = Field(100_000, ge=1, description="Closures the relay is rated for; a warning comes at 80 %.")
