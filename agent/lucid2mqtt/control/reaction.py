"""Slope and dead time of a plant from its rise at full power, by the tangent of the steepest part.

Good enough to approach a set-point with; the gains for daily use come from the relay experiment.
"""

from __future__ import annotations

_TANGENT_LEVELS = 5  # the tangent spans so many levels: averages noise and the steps of the reading
_MOST_LEVELS = 200  # more than any way to a target has


class ReactionCurve:
    """Watches a rise that began at `started_at`. Times in seconds, temperatures in °C."""

    def __init__(self, *, started_at: float, start_c: float, distance_k: float) -> None:
        """`distance_k` is how far it is to go; the rise is watched in levels of a thirtieth of it, at least 0.1 K."""
        self._started_at = started_at
        self._start_c = self._lowest_c = start_c
        self._level_k = max(0.1, distance_k / 30.0)
        self._crossed_at: list[float] = []
        self._slope = 0.0
        self._dead_time_s = 0.0

    @property
    def slope_k_per_s(self) -> float:
        """The steepest so far; 0 before anything rose far enough."""
        return self._slope

    @property
    def dead_time_s(self) -> float:
        return self._dead_time_s

    @property
    def is_known(self) -> bool:
        return self._slope > 0.0

    @property
    def first_level_s(self) -> float | None:
        """How long the first level took; None before it is reached."""
        return self._crossed_at[0] - self._started_at if self._crossed_at else None

    def stalled_s(self, now: float) -> float:
        """How long ago the last level was reached."""
        return now - (self._crossed_at[-1] if self._crossed_at else self._started_at)

    def feed(self, now: float, measured_c: float) -> None:
        if measured_c < self._lowest_c:
            self._lowest_c = measured_c
            self._crossed_at.clear()
        reached = min((measured_c - self._lowest_c) / self._level_k, _MOST_LEVELS)
        while len(self._crossed_at) + 1 <= reached:
            self._crossed_at.append(now)
            self._draw_tangent()

    def _draw_tangent(self) -> None:
        if len(self._crossed_at) <= _TANGENT_LEVELS:
            return
        first_at, last_at = self._crossed_at[-1 - _TANGENT_LEVELS], self._crossed_at[-1]
        if last_at <= first_at:
            return
        slope = _TANGENT_LEVELS * self._level_k / (last_at - first_at)
        if slope <= self._slope:
            return
        middle_c = self._lowest_c + (len(self._crossed_at) - _TANGENT_LEVELS / 2) * self._level_k
        middle_at = (first_at + last_at) / 2
        self._slope = slope
        self._dead_time_s = max(middle_at - (middle_c - self._start_c) / slope - self._started_at, 0.05 * (middle_at - self._started_at))
