"""What is known about a plant, and the gains that follow from it.

The model is an integrator with a dead time, which is what slow thermal plants look like near their set-point. Until an
autotune has measured it, a cautious room is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.saved import Document, Saved


class Rule(StrEnum):
    """How gains follow from a model; `RULE_NOTES` says what each is good for."""

    SIMC_PID = "simc_pid"
    SIMC_PI = "simc_pi"
    TYREUS_LUYBEN = "tyreus_luyben"
    ZIEGLER_NICHOLS = "ziegler_nichols"
    NO_OVERSHOOT = "no_overshoot"


RULE_NOTES: Mapping[Rule, str] = {
    Rule.SIMC_PID: "the default: quick and without overshoot",
    Rule.SIMC_PI: "quieter output, for valves and noisy sensors",
    Rule.TYREUS_LUYBEN: "slow integral, for plants that change a lot",
    Rule.ZIEGLER_NICHOLS: "the classic; overshoots",
    Rule.NO_OVERSHOOT: "Ziegler-Nichols' cautious variant",
}


@dataclass(frozen=True, slots=True)
class Gains:
    """`kp` in duty per K, `ki` in duty per K and second, `kd` in duty per K/s; none negative, also for cooling."""

    kp: float
    ki: float
    kd: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(gain) and gain >= 0.0 for gain in (self.kp, self.ki, self.kd)):
            raise ValueError(f"gains must be finite and not negative, not kp {self.kp!r}, ki {self.ki!r}, kd {self.kd!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantModel:
    """How the measured temperature answers to the duty."""

    rate_k_per_s: float  # slope per unit of duty, k'
    dead_time_s: float  # from a change of duty to the turn of the reading, theta
    holding_duty: float  # what held the set-point while it was measured
    ultimate_gain: float  # duty per K at the limit of stability, Ku
    ultimate_period_s: float  # Pu
    loss_duty_per_k: float = 0.0  # duty per K between target and outdoors, Ke; 0: no feed-forward

    def __post_init__(self) -> None:
        sizes = (self.rate_k_per_s, self.dead_time_s, self.ultimate_gain, self.ultimate_period_s)
        if not all(math.isfinite(size) and size > 0.0 for size in sizes):
            raise ValueError(f"a plant model needs positive finite figures: {self}")
        if not 0.0 <= self.holding_duty <= 1.0 or not 0.0 <= self.loss_duty_per_k <= 1.0:
            raise ValueError(f"a plant model needs duties from 0 to 1: {self}")

    def gains(self, rule: Rule) -> Gains:
        """The gains by `rule`. SIMC: Skogestad 2003 for an integrating process, closed-loop time constant = dead time."""
        ku, pu = self.ultimate_gain, self.ultimate_period_s
        match rule:
            case Rule.SIMC_PID:
                # an apparent dead time is part true delay, part lags; half of it as a second lag is what the derivative cancels
                lag_s, delay_s = 0.5 * self.dead_time_s, 0.6 * self.dead_time_s
                kp, ti = 1.0 / (self.rate_k_per_s * 2 * delay_s), 8 * delay_s
                return Gains(kp * (1 + lag_s / ti), kp / ti, kp * lag_s)
            case Rule.SIMC_PI:
                kp = 1.0 / (self.rate_k_per_s * 2 * self.dead_time_s)
                return Gains(kp, kp / (8 * self.dead_time_s))
            case Rule.TYREUS_LUYBEN:
                return Gains(ku / 3.2, ku / 3.2 / (2.2 * pu))
            case Rule.ZIEGLER_NICHOLS:
                return Gains(0.6 * ku, 1.2 * ku / pu, 0.075 * ku * pu)
            case Rule.NO_OVERSHOOT:
                return Gains(0.2 * ku, 0.4 * ku / pu, 0.0667 * ku * pu)

    def saved(self) -> Document:
        return {
            "rate_k_per_s": self.rate_k_per_s,
            "dead_time_s": self.dead_time_s,
            "holding_duty": self.holding_duty,
            "ultimate_gain": self.ultimate_gain,
            "ultimate_period_s": self.ultimate_period_s,
            "loss_duty_per_k": self.loss_duty_per_k,
        }

    @classmethod
    def from_saved(cls, document: Mapping[str, object]) -> PlantModel:
        """ValueError for anything `saved` cannot have given."""
        saved = Saved(document)
        return cls(
            rate_k_per_s=saved.number("rate_k_per_s"),
            dead_time_s=saved.number("dead_time_s"),
            holding_duty=saved.number("holding_duty"),
            ultimate_gain=saved.number("ultimate_gain"),
            ultimate_period_s=saved.number("ultimate_period_s"),
            loss_duty_per_k=saved.number("loss_duty_per_k"),
        )


CAUTIOUS_ROOM = PlantModel(
    rate_k_per_s=4.0 / 3600.0,
    dead_time_s=1200.0,
    holding_duty=0.4,
    ultimate_gain=1.2,
    ultimate_period_s=4800.0,
)
"""Gains until an autotune: a light room is served, a floor survives."""

PATIENT_PLANT = PlantModel(
    rate_k_per_s=1.0 / 3600.0,
    dead_time_s=3600.0,
    holding_duty=0.4,
    ultimate_gain=1.2,
    ultimate_period_s=14_400.0,
)
"""What an unknown plant is judged against before it is called faulty: slower than any that a heater can serve."""
