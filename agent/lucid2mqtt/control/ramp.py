"""Walks the set-point to a new target, for plants that are faster than their sensor."""

from __future__ import annotations

from dataclasses import dataclass

from lucid2mqtt.control.tuning import PlantModel

FAST_DEAD_TIME_S = 120.0
"""Below this dead time a plant gets a ramp unless the user said otherwise: a room's heater is its ramp, a vessel overshoots without."""

_SHARE_UP = 0.5  # of what full power could do
_SHARE_DOWN = 0.8  # of what no power does: too cold does no harm
_LAST_STRETCH_DEAD_TIMES = 1.5  # the ramp slows down before its end, so that the sensor can catch up


@dataclass(frozen=True, slots=True)
class RampRates:
    """K/s upwards and downwards; `tail_s` is the time constant of the last stretch."""

    up: float
    down: float
    tail_s: float

    @classmethod
    def of(cls, model: PlantModel) -> RampRates:
        up = _SHARE_UP * model.rate_k_per_s * (1.0 - model.holding_duty)
        return cls(up, _SHARE_DOWN * model.rate_k_per_s * model.holding_duty, _LAST_STRETCH_DEAD_TIMES * model.dead_time_s)


class Ramp:
    """The set-point on its way. Without rates it is where it should be at once."""

    def __init__(self, rates: RampRates | None) -> None:
        self._rates = rates
        self._at_c: float | None = None

    def change(self, rates: RampRates | None) -> None:
        self._rates = rates

    def begin(self, measured_c: float) -> None:
        """Starts at the present temperature, when the law takes over."""
        self._at_c = measured_c

    def step(self, target_c: float, elapsed_s: float) -> float:
        """The set-point after `elapsed_s` more seconds."""
        if self._at_c is None or self._rates is None:
            self._at_c = target_c
            return target_c
        distance_k = target_c - self._at_c
        rate = self._rates.up if distance_k > 0.0 else self._rates.down
        tail = abs(distance_k) / (self._rates.tail_s + elapsed_s) if self._rates.tail_s > 0.0 else abs(distance_k)
        move_k = min(rate * elapsed_s, tail * elapsed_s, abs(distance_k))
        self._at_c = target_c if abs(distance_k) < 0.01 else self._at_c + (move_k if distance_k > 0.0 else -move_k)
        return self._at_c
