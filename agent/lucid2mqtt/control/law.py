"""The control law: simple-pid with the guards that it leaves to its user.

The law knows heating only: duty rises when the temperature is below the set-point. Cooling is the same law in a mirror,
with temperatures negated. Rules of this file: simple-pid never sees a number that is not finite (one NaN would poison its
integral for ever), never a time step of 0 or less, and is never touched by a clock.
"""

from __future__ import annotations

import math

from simple_pid import PID

from lucid2mqtt.control.tuning import Gains

_CLOSING_DEAD_TIMES = 12.0  # integrate no more when the set-point will be reached within so many dead times
_CLOSING_BAND_K = 0.15  # ... unless it is this close, where the integral has to finish the work


class Law:
    """One PID. `step` is to be called at a steady period; a longer gap counts as `longest_step_s`."""

    def __init__(self, gains: Gains, *, dead_time_s: float, longest_step_s: float) -> None:
        self._ki = gains.ki
        self._dead_time_s = dead_time_s
        self._longest_step_s = longest_step_s
        self._feed_forward = 0.0
        self._slope = 0.0
        self._measured: float | None = None
        self._duty = 0.0
        self._pid = PID(gains.kp, gains.ki, gains.kd, sample_time=None, time_fn=lambda: 0.0, output_limits=(0.0, 1.0))

    @property
    def integral(self) -> float:
        """What the law adds on its own to the feed-forward to hold the set-point."""
        return float(self._pid.components[1])

    @property
    def duty(self) -> float:
        """The last result, 0..1."""
        return self._duty

    @property
    def slope_k_per_s(self) -> float:
        """Smoothed change of the measured temperature."""
        return self._slope

    def retune(self, gains: Gains, *, dead_time_s: float, longest_step_s: float) -> None:
        """Other gains, without a jump of the integral."""
        self._pid.tunings = (gains.kp, gains.ki, gains.kd)
        self._ki = gains.ki
        self._dead_time_s = dead_time_s
        self._longest_step_s = longest_step_s

    def enter(self, duty: float, *, feed_forward: float = 0.0, error_k: float = 0.0) -> None:
        """Begins at `duty` 0..1, from whatever mode was before: the integral takes what feed-forward and error do not give.

        With `error_k` (target - measured) the next `step` gives `duty` again, as far as the limits allow.
        """
        self._feed_forward = feed_forward
        self._set_integral(duty - feed_forward - self._pid.Kp * error_k)
        self._measured = None
        self._slope = 0.0
        self._duty = duty

    def exchange_feed_forward(self, feed_forward: float, *, before: float) -> None:
        """The feed-forward begins or ceases to exist (outdoor sensor came or went): the integral takes the difference."""
        held = self.integral + before
        self._feed_forward = feed_forward
        self._set_integral(held - feed_forward)

    def step(self, *, elapsed_s: float, target_c: float, measured_c: float, feed_forward: float = 0.0) -> float:
        """The duty 0..1 from now on. Anything that is not finite, or no time passed, leaves the last duty standing."""
        if not all(map(math.isfinite, (elapsed_s, target_c, measured_c, feed_forward))) or elapsed_s <= 0.0:
            return self._duty
        elapsed_s = min(elapsed_s, self._longest_step_s)
        self._watch_slope(measured_c, elapsed_s)
        self._feed_forward = feed_forward = min(max(feed_forward, 0.0), 1.0)
        pid = self._pid
        # the feed-forward may be undone entirely, and the sum never leaves 0..1
        pid.output_limits = (-feed_forward, 1.0 - feed_forward)
        pid.setpoint = target_c
        pid.Ki = 0.0 if self._is_saturated(target_c - measured_c) or self._is_closing(target_c - measured_c) else self._ki
        self._duty = min(max(feed_forward + (pid(measured_c, dt=elapsed_s) or 0.0), 0.0), 1.0)
        return self._duty

    def _set_integral(self, integral: float) -> None:
        self._pid.output_limits = (-self._feed_forward, 1.0 - self._feed_forward)
        self._pid.set_auto_mode(False)
        self._pid.set_auto_mode(True, last_output=integral)  # clamps, and forgets the last input: no kick of the derivative

    def _watch_slope(self, measured_c: float, elapsed_s: float) -> None:
        if self._measured is not None:
            weight = elapsed_s / (0.5 * self._dead_time_s + elapsed_s)
            self._slope += weight * ((measured_c - self._measured) / elapsed_s - self._slope)
        self._measured = measured_c

    def _is_saturated(self, error_k: float) -> bool:
        wished = self._pid.Kp * error_k + self.integral + self._feed_forward
        return (wished >= 1.0 and error_k > 0.0) or (wished <= 0.0 and error_k < 0.0)

    def _is_closing(self, error_k: float) -> bool:
        return error_k * self._slope > 0.0 and _CLOSING_BAND_K < abs(error_k) < abs(self._slope) * _CLOSING_DEAD_TIMES * self._dead_time_s
