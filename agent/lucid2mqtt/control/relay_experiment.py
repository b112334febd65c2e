"""Relay feedback after Astrom and Hagglund, biased so that both half-periods come out near equal.

The duty jumps between two levels about the holding duty whenever the temperature has crossed the set-point by the
hysteresis. The plant answers with a steady oscillation; its period, height, slopes and the time from a jump to the turn
of the temperature are what the model is made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lucid2mqtt.control.tuning import PlantModel

FEWEST_CYCLES = 2
MOST_CYCLES = 6
_MOST_SHIFTS = 3
_LEAST_SHIFT = 0.1
_LIKE_ENOUGH = 1.3  # the largest of the cycles counted may be this many times the smallest
_MOST_POINTS = 240  # of one half-cycle; beyond, every second one is dropped
_TURN_BAND = 0.1  # points this part of the height from the extreme belong to the turn
_TAIL = 0.6  # the slope is taken after this part of the way from the turn to the next jump


@dataclass(frozen=True, slots=True)
class HalfCycle:
    """From one jump of the duty to the next."""

    is_high: bool
    duty: float
    length_s: float
    turn_c: float  # extreme of the temperature: a minimum after a jump up
    turn_after_s: float  # the extreme came this long after the jump
    slope: float  # K/s, near the end


class RelayExperiment:
    """`step` gives the duty; `model` is there when enough like cycles were seen. `swing` is what the duty may leave `holding_duty` by."""

    def __init__(self, *, target_c: float, holding_duty: float, swing: float, hysteresis_k: float, dead_time_s: float) -> None:
        self._target_c = target_c
        self._holding_duty = holding_duty
        self._swing = swing
        self._hysteresis_k = hysteresis_k
        self._dead_time_s = dead_time_s
        self._is_high = True
        self._jumped_at: float | None = None
        self._points: list[tuple[float, float]] = []
        self._stride = 1
        self._skipped = 0
        self._halves: list[HalfCycle] = []
        self._is_first = True
        self._shifts = 0
        self.model: PlantModel | None = None

    @property
    def cycles(self) -> int:
        """Whole cycles counted."""
        return len(self._halves) // 2

    @property
    def is_hopeless(self) -> bool:
        return self.model is None and (self.cycles >= MOST_CYCLES or self._shifts > _MOST_SHIFTS)

    @property
    def holding_duty(self) -> float:
        return self._holding_duty

    @property
    def seen_dead_time_s(self) -> float:
        """From the jumps to the turns seen so far, in the mean; 0 before the first."""
        return _mean([half.turn_after_s for half in self._halves]) if self._halves else 0.0

    def remaining_s(self) -> float:
        """A guess: the missing half-cycles at the length of those seen."""
        missing = max(1, 2 * FEWEST_CYCLES + self._is_first - len(self._halves))
        lengths = [half.length_s for half in self._halves[-2:]] or [4.0 * self._dead_time_s]
        return missing * sum(lengths) / len(lengths)

    def step(self, now: float, measured_c: float) -> float:
        """The duty from now on."""
        error_k = self._target_c - measured_c
        if self._jumped_at is None:
            self._is_high = error_k > 0.0
            self._jumped_at = now
        self._note(now, measured_c)
        if (error_k < -self._hysteresis_k) if self._is_high else (error_k > self._hysteresis_k):
            self._jump(now, now - self._jumped_at)
        elif now - self._jumped_at > self._patience_s():
            self._shift(now)
        return self._level(self._is_high)

    def _level(self, is_high: bool) -> float:
        swing = min(self._swing, 0.9 * min(self._holding_duty, 1.0 - self._holding_duty))
        return self._holding_duty + (swing if is_high else -swing)

    def _patience_s(self) -> float:
        longest_s = max((half.length_s for half in self._halves), default=6.0 * self._dead_time_s)
        return 3.0 * max(longest_s, 6.0 * self._dead_time_s)

    def _shift(self, now: float) -> None:
        """The duty does not bring the temperature back: the holding duty was wrong, or the weather changed."""
        self._shifts += 1
        step = max(0.5 * (self._level(True) - self._level(False)), _LEAST_SHIFT)
        self._holding_duty = min(max(self._holding_duty + (step if self._is_high else -step), 0.05), 0.95)
        self._restart_half(now)
        self._halves.clear()
        self._is_first = True

    def _note(self, now: float, measured_c: float) -> None:
        self._skipped += 1
        if self._skipped < self._stride:
            return
        self._skipped = 0
        self._points.append((now, measured_c))
        if len(self._points) > _MOST_POINTS:
            del self._points[1::2]
            self._stride *= 2

    def _jump(self, now: float, length_s: float) -> None:
        if self._is_first:
            self._is_first = False  # begun at rest, not in the oscillation
        elif len(self._points) >= 5:
            self._halves.append(self._measure(now, length_s))
            if len(self._halves) % 2 == 0:
                self._conclude()
                self._recentre()
        self._is_high = not self._is_high
        self._restart_half(now)

    def _restart_half(self, now: float) -> None:
        self._jumped_at = now
        self._points.clear()
        self._stride, self._skipped = 1, 0

    def _measure(self, now: float, length_s: float) -> HalfCycle:
        values = [value for _, value in self._points]
        turn_c = min(values) if self._is_high else max(values)
        band_k = _TURN_BAND * max(max(values) - min(values), 1e-9)
        turn = [at for at, value in self._points if abs(value - turn_c) <= band_k]
        turn_at = (turn[0] + turn[-1]) / 2
        tail_from = turn_at + _TAIL * (now - turn_at)
        tail = [point for point in self._points if point[0] >= tail_from]
        return HalfCycle(
            is_high=self._is_high,
            duty=self._level(self._is_high),
            length_s=length_s,
            turn_c=turn_c,
            turn_after_s=turn_at - now + length_s,
            slope=slope_of(tail),
        )

    def _recentre(self) -> None:
        first, second = self._halves[-2:]
        mean = (first.duty * first.length_s + second.duty * second.length_s) / (first.length_s + second.length_s)
        self._holding_duty = min(max(mean, 0.05), 0.95)

    def _conclude(self) -> None:
        halves = self._halves[-2 * FEWEST_CYCLES :]
        if len(halves) < 2 * FEWEST_CYCLES:
            return
        periods = [first.length_s + second.length_s for first, second in zip(halves[::2], halves[1::2], strict=True)]
        heights = [abs(first.turn_c - second.turn_c) for first, second in zip(halves[::2], halves[1::2], strict=True)]
        if max(periods) > _LIKE_ENOUGH * min(periods) or max(heights) > _LIKE_ENOUGH * min(heights) or min(heights) <= 0.0:
            return
        high = [half for half in halves if half.is_high]
        low = [half for half in halves if not half.is_high]
        span = _mean([half.duty for half in high]) - _mean([half.duty for half in low])
        rise = _mean([half.slope for half in high]) - _mean([half.slope for half in low])
        if span <= 0.0 or rise <= 0.0:
            return
        height_k = _mean(heights) / 2
        self.model = PlantModel(
            rate_k_per_s=rise / span,
            dead_time_s=max(_mean([half.turn_after_s for half in halves]), 1e-3),
            holding_duty=_mean([half.duty * half.length_s for half in halves]) / _mean([half.length_s for half in halves]),
            ultimate_gain=2.0 * span / (math.pi * math.sqrt(max(height_k**2 - min(self._hysteresis_k, 0.6 * height_k) ** 2, 1e-12))),
            ultimate_period_s=_mean(periods),
        )


def slope_of(points: list[tuple[float, float]]) -> float:
    """Least-squares slope of (seconds, K) points; 0 for fewer than two."""
    if len(points) < 2:
        return 0.0
    middle_at, middle = _mean([at for at, _ in points]), _mean([value for _, value in points])
    spread = sum((at - middle_at) ** 2 for at, _ in points)
    return sum((at - middle_at) * (value - middle) for at, value in points) / spread if spread > 0.0 else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
