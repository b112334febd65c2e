"""From a duty to a relay: pulses whose length and pause follow the duty, never shorter than the minimum times.

The time owed to the demand is kept to the second: the relay closes when half a pulse is owed and opens when half a pulse
too much was given. Whatever a minimum time swallowed stays owed, so the mean is right without a grid of cycles, and where
a minimum time is longer than the cycle allows, the pulses move apart by themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseOptions:
    """Times in seconds. `cycle_s` is the distance of pulses at half load; it is stretched where a minimum time needs it."""

    cycle_s: float
    min_on_s: float = 0.0
    min_off_s: float = 0.0

    def __post_init__(self) -> None:
        if (
            not all(math.isfinite(time_s) and time_s >= 0.0 for time_s in (self.cycle_s, self.min_on_s, self.min_off_s))
            or self.cycle_s == 0.0
        ):
            raise ValueError(f"a cycle above 0 s and minimum times from 0 s are needed, not {self}")

    @property
    def most_owed_s(self) -> float:
        """Bound of what is carried over, so that a relay held off by something else does not catch up for hours."""
        return self.cycle_s + self.min_on_s + self.min_off_s


class Proportioner:
    """One relay. Off at first, and off for the minimum off time: nobody knows when it was last opened."""

    def __init__(self, options: PulseOptions, *, phase: float = 0.0) -> None:
        """`phase` 0..1 delays the first pulse by this part of a cycle, to stagger several heaters."""
        self._options = options
        self._phase = phase
        self._is_on = False
        self._switched_at: float | None = None
        self._at: float | None = None
        self._duty = 0.0
        self._usual_duty = 0.0
        self._owed_s = 0.0

    @property
    def is_on(self) -> bool:
        return self._is_on

    @property
    def owed_s(self) -> float:
        """Seconds of heat demanded and not yet given; negative when more was given."""
        return self._owed_s

    def retime(self, options: PulseOptions) -> None:
        """Goes on with other times; what is owed stays."""
        self._options = options

    def step(self, now: float, duty: float) -> bool:
        """Whether the relay is to be closed from `now` on. `duty` 0..1 holds until the next call; what is not a number counts as 0."""
        duty = min(max(duty, 0.0), 1.0) if math.isfinite(duty) else 0.0
        self._account(now, duty)
        self._duty = duty
        if self._is_due() and self._held_s(now) >= self._shortest_s():
            self._switch(now)
        return self._is_on

    def cut(self, now: float) -> None:
        """Off at once, whatever the minimum on time says; for safety. What was owed is forgotten."""
        self._account(now, 0.0)
        self._duty = self._owed_s = 0.0
        if self._is_on:
            self._switch(now)

    def next_switch_s(self, now: float) -> float:
        """Seconds until the relay changes if the duty stays; infinity if it then never does."""
        if self._duty in (0.0, 1.0):
            return max(self._shortest_s() - self._held_s(now), 0.0) if self._is_due() else math.inf
        rate = 1.0 - self._duty if self._is_on else self._duty
        missing_s = self._owed_s + self._half_pulse_s() if self._is_on else self._half_pulse_s() - self._owed_s
        return max(missing_s / rate, self._shortest_s() - self._held_s(now), 0.0)

    def _account(self, now: float, duty: float) -> None:
        if self._at is None or self._switched_at is None:
            self._at = self._switched_at = now
            self._usual_duty = duty
            self._owed_s = self._half_pulse_s() * (1.0 - 2.0 * self._phase)
        elapsed_s = max(0.0, now - self._at)
        self._at = now
        bound_s = self._options.most_owed_s
        self._owed_s = min(max(self._owed_s + (self._duty - self._is_on) * elapsed_s, -bound_s), bound_s)
        self._usual_duty += (duty - self._usual_duty) * elapsed_s / (self._options.cycle_s + elapsed_s)

    def _half_pulse_s(self) -> float:
        duty, times = self._usual_duty, self._options
        return 0.5 * max(times.cycle_s * duty * (1.0 - duty), times.min_on_s * (1.0 - duty), times.min_off_s * duty)

    def _is_due(self) -> bool:
        if self._duty in (0.0, 1.0):
            return self._is_on is not bool(self._duty)
        return self._owed_s <= -self._half_pulse_s() if self._is_on else self._owed_s >= self._half_pulse_s()

    def _shortest_s(self) -> float:
        return self._options.min_on_s if self._is_on else self._options.min_off_s

    def _held_s(self, now: float) -> float:
        return now - self._switched_at if self._switched_at is not None else 0.0

    def _switch(self, now: float) -> None:
        self._is_on = not self._is_on
        self._switched_at = now
