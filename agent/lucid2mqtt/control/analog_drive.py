"""From a duty to volts or milliamperes: characteristic of the valve, limits, a dead band against hunting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Points = tuple[tuple[float, float], ...]

LINEAR: Points = ((0.0, 0.0), (1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogOptions:
    """`low` and `high` in V or mA for stroke 0 and 1: 0..10, 4..20; high below low for reverse action.

    `points` are (duty, stroke) pairs from 0 to 1, both rising: the stroke a valve needs for that share of heat.
    `least_stroke` is where the valve begins to open: any duty above 0 gives at least this. ValueError for what cannot be.
    """

    low: float = 0.0
    high: float = 10.0
    points: Points = LINEAR
    least_stroke: float = 0.0
    most_stroke: float = 1.0
    dead_band: float = 0.01

    def __post_init__(self) -> None:
        if not math.isfinite(self.low) or not math.isfinite(self.high) or self.low == self.high:
            raise ValueError(f"low {self.low} and high {self.high} must be two different numbers")
        if not 0.0 <= self.least_stroke < self.most_stroke <= 1.0 or not 0.0 <= self.dead_band < 1.0:
            raise ValueError("least_stroke, most_stroke and dead_band must lie in 0..1, least_stroke below most_stroke")
        _check(self.points)


class AnalogDrive:
    """One analog output."""

    def __init__(self, options: AnalogOptions) -> None:
        self._options = options
        self._stroke: float | None = None

    def step(self, duty: float) -> float:
        """Volts or milliamperes for `duty` 0..1; what is not a number counts as 0. Small changes wait until they are worth a move."""
        duty = min(max(duty, 0.0), 1.0) if math.isfinite(duty) else 0.0
        stroke = self.stroke_of(duty)
        is_end = duty in (0.0, 1.0)
        if self._stroke is None or abs(stroke - self._stroke) >= self._options.dead_band or (is_end and stroke != self._stroke):
            self._stroke = stroke
        return self._options.low + (self._options.high - self._options.low) * self._stroke

    def stroke_of(self, duty: float) -> float:
        """The stroke 0..1, within the limits; a duty of 0 is always closed."""
        if duty <= 0.0:
            return 0.0
        options = self._options
        return options.least_stroke + (options.most_stroke - options.least_stroke) * _interpolated(options.points, duty)


def _check(points: Sequence[tuple[float, float]]) -> None:
    if len(points) < 2 or points[0] != (0.0, 0.0) or points[-1] != (1.0, 1.0):
        raise ValueError("a characteristic begins at (0, 0) and ends at (1, 1)")
    if not all(first[0] < second[0] and first[1] <= second[1] for first, second in pairwise(points)):
        raise ValueError("the points of a characteristic must rise")


def _interpolated(points: Sequence[tuple[float, float]], duty: float) -> float:
    for (first, low), (second, high) in pairwise(points):
        if duty <= second:
            return low + (high - low) * (duty - first) / (second - first)
    return 1.0
