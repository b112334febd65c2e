"""One direction, heating or cooling: law, ramp, feed-forward and what was learned of the holding duty.

Cooling is heating in a mirror: every temperature is negated on its way in, so that below is always where duty is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from lucid2mqtt.control.feedforward import feed_forward
from lucid2mqtt.control.law import Law
from lucid2mqtt.control.ramp import FAST_DEAD_TIME_S, Ramp, RampRates
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.tuned import Tuned


class Direction(Enum):
    HEATING = 1.0
    COOLING = -1.0


class LawKind(StrEnum):
    PID = "pid"
    ON_OFF = "on_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegulatorOptions:
    """`ramp_k_per_h` None: half of what the plant can do where it is fast (dead time below 2 min), else none; 0: never."""

    law: LawKind = LawKind.PID
    hysteresis_k: float = 0.3  # on/off: on this much below the target, off this much above
    ramp_k_per_h: float | None = None
    loss_duty_per_k: float | None = None  # None: as the autotune learned it; 0: no feed-forward
    sample_s: float = 1.0  # how often the sensors are read

    def __post_init__(self) -> None:
        if self.hysteresis_k <= 0.0 or self.sample_s <= 0.0:
            raise ValueError("hysteresis_k and sample_s must be more than 0")
        if (self.ramp_k_per_h or 0.0) < 0.0 or (self.loss_duty_per_k or 0.0) < 0.0:
            raise ValueError("ramp_k_per_h and loss_duty_per_k cannot be negative")


_LONGEST_PERIOD_S = 30.0
_WEATHER_SHARE = 0.3  # of the feed-forward's answer: walls answer later than the law would
_LEARNING_DEAD_TIMES = 6.0  # the learned duty is the mean over this time


class Regulator:
    """`step` gives the duty 0..1; between two periods it is the last one, unless the target is another."""

    def __init__(self, direction: Direction, options: RegulatorOptions, tuned: Tuned) -> None:
        self._sign = direction.value
        self._options = options
        self._tuned = tuned
        self._law = Law(tuned.gains, dead_time_s=tuned.model.dead_time_s, longest_step_s=3.0 * self.period_s)
        self._ramp = Ramp(self._rates())
        self._is_active = False
        self._stepped_at: float | None = None
        self._duty = 0.0
        self._mean_duty: float | None = None
        self._mean_own = 0.0  # ... and of what the law adds to the feed-forward in it
        self._knows_weather: bool | None = None
        self._push = 0.0  # the feed-forward of the last step
        self._asked_c: float | None = None  # the target of the last step
        self._target = 0.0

    @property
    def period_s(self) -> float:
        return max(self._options.sample_s, min(_LONGEST_PERIOD_S, self._tuned.model.dead_time_s / 10.0))

    @property
    def duty(self) -> float:
        return self._duty

    @property
    def has_history(self) -> bool:
        """The learned duty comes from control, not from nothing."""
        return self._mean_duty is not None

    @property
    def needed_duty(self) -> float:
        """What the law believes holding takes in this weather: feed-forward and integral without the error's part."""
        return min(max(self._push + self._law.integral, 0.0), 1.0)

    @property
    def setpoint_c(self) -> float:
        """Where the ramp is."""
        return self._sign * self._target

    def next_step_s(self, now: float) -> float:
        return self.period_s if self._stepped_at is None else max(0.0, self._stepped_at + self.period_s - now)

    def retune(self, tuned: Tuned) -> None:
        self._tuned = tuned
        self._law.retune(tuned.gains, dead_time_s=tuned.model.dead_time_s, longest_step_s=3.0 * self.period_s)
        self._ramp.change(self._rates())

    def leave(self) -> None:
        """Something else drives the heater now; the next `step` enters anew with the integral as it was."""
        self._is_active = False
        self._stepped_at = None
        self._duty = 0.0

    def take_over(self, duty: float, *, target_c: float, measured_c: float, outdoor_c: float | None) -> None:
        """Enters from a duty set by hand: the first duty of the law will be the same."""
        push = self._feed_forward(target_c, outdoor_c)
        self._enter(measured_c, outdoor_c, push)
        self._law.enter(duty, feed_forward=push, error_k=self._sign * (self._aim(target_c, 0.0) - measured_c))

    def resume_at(self, duty: float, *, target_c: float, measured_c: float, outdoor_c: float | None) -> None:
        """Enters with a duty that is known to hold the target, as after an autotune."""
        push = self._feed_forward(target_c, outdoor_c)
        self._enter(measured_c, outdoor_c, push)
        self._mean_duty, self._mean_own = duty, duty - push
        self._law.enter(duty, feed_forward=push)

    def learned_duty(self, target_c: float, outdoor_c: float | None) -> float:
        """What held the target lately, 0..1; less where it has become milder, never more. 0 before anything was learned."""
        if self._mean_duty is None:
            return 0.0
        milder = self._feed_forward(target_c, outdoor_c) - (self._mean_duty - self._mean_own) if outdoor_c is not None else 0.0
        return max(0.0, self._mean_duty + _WEATHER_SHARE * min(0.0, milder))

    def step(self, now: float, *, target_c: float, measured_c: float, outdoor_c: float | None) -> float:
        push = self._feed_forward(target_c, outdoor_c)
        if not self._is_active:
            self._enter(measured_c, outdoor_c, push)
            self._law.enter(self._law.integral + push, feed_forward=push)
        elapsed_s = self.period_s if self._stepped_at is None else now - self._stepped_at
        is_asked_anew = target_c != self._asked_c and elapsed_s > 0.0
        if elapsed_s < self.period_s - 1e-6 and not is_asked_anew:
            return self._duty
        self._stepped_at, self._asked_c = now, target_c
        self._target = self._sign * self._aim(target_c, elapsed_s)
        if self._options.law is LawKind.ON_OFF:
            self._duty = self._switch(self._sign * (target_c - measured_c))
            self._learn(0.0, elapsed_s)
            return self._duty
        self._note_weather(outdoor_c, push)
        self._push = push
        self._duty = self._law.step(elapsed_s=elapsed_s, target_c=self._target, measured_c=self._sign * measured_c, feed_forward=push)
        self._learn(push, elapsed_s)
        return self._duty

    def saved(self) -> Document:
        return {
            "integral": self._law.integral,
            "mean_duty": self._mean_duty,
            "mean_own": self._mean_own,
            "push": self._push,
            "weather": self._knows_weather,
        }

    def restore(self, document: Mapping[str, object], *, is_recent: bool) -> None:
        """`is_recent`: the outage was short enough for the integral itself; else the mean. ValueError for what is not ours."""
        saved = Saved(document)
        integral, own = saved.number("integral", minimum=-1.0, maximum=1.0), saved.number("mean_own", minimum=-1.0, maximum=1.0)
        self._mean_duty, self._mean_own = saved.optional_number("mean_duty", minimum=0.0, maximum=1.0), own
        self._push, self._knows_weather = saved.number("push", minimum=0.0, maximum=1.0), saved.optional_flag("weather")
        kept = integral if is_recent or self._mean_duty is None else own
        self._law.enter(kept + self._push, feed_forward=self._push)

    def _enter(self, measured_c: float, outdoor_c: float | None, push: float) -> None:
        self._is_active = True
        self._stepped_at = None
        self._note_weather(outdoor_c, push)
        self._ramp.begin(self._sign * measured_c)

    def _note_weather(self, outdoor_c: float | None, push: float) -> None:
        """When the outdoor reading comes or goes, the integral takes over what the feed-forward gave, or hands it back."""
        is_known = outdoor_c is not None
        if self._knows_weather is not None and is_known is not self._knows_weather:
            self._law.exchange_feed_forward(push, before=self._push)
        self._knows_weather = is_known

    def _aim(self, target_c: float, elapsed_s: float) -> float:
        return self._sign * self._ramp.step(self._sign * target_c, elapsed_s)

    def _switch(self, missing_k: float) -> float:
        if missing_k >= self._options.hysteresis_k:
            return 1.0
        return 0.0 if missing_k <= -self._options.hysteresis_k else self._duty

    def _learn(self, push: float, elapsed_s: float) -> None:
        span_s = _LEARNING_DEAD_TIMES * self._tuned.model.dead_time_s
        weight = 1.0 if self._mean_duty is None else elapsed_s / (span_s + elapsed_s)
        mean = self._mean_duty or 0.0
        self._mean_duty = mean + weight * (self._duty - mean)
        self._mean_own += weight * (self._duty - push - self._mean_own)

    def _feed_forward(self, target_c: float, outdoor_c: float | None) -> float:
        loss = self._tuned.model.loss_duty_per_k if self._options.loss_duty_per_k is None else self._options.loss_duty_per_k
        if outdoor_c is None:
            return 0.0
        return feed_forward(loss, self._sign * target_c, self._sign * outdoor_c)

    def _rates(self) -> RampRates | None:
        by_hand = self._options.ramp_k_per_h
        if by_hand is not None:
            return RampRates(by_hand / 3600.0, by_hand / 3600.0, 0.0) if by_hand > 0.0 else None
        is_fast = self._tuned.model.dead_time_s < FAST_DEAD_TIME_S
        return RampRates.of(self._tuned.model) if is_fast else None
