"""What is done when sensor, heater or loop fail, and how each of these is noticed.

Times scale with the plant: a vessel is another vessel after the ten minutes in which a house has not moved. What the
temperature should do is always judged against the plant model and against the duty that was usual before, never against
the set-point: a heater too weak for the cold is no fault.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.tuning import PlantModel


class Failsafe(StrEnum):
    STAGED = "staged"
    OFF = "off"  # no temperature, no heat


class LossStage(StrEnum):
    NONE = "none"
    GLITCH = "glitch"  # the mean duty goes on
    DEGRADED = "degraded"  # somewhat less than the learned mean
    FAILED = "failed"  # off, or the frost duty


class LoopBreakAction(StrEnum):
    ALARM = "alarm"
    SAFE = "safe"  # heater off until reset


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureOptions:
    """Times in seconds; None: scaled to the plant. `frost_duty` (at most 0.1): given in the failed stage instead of nothing."""

    failsafe: Failsafe = Failsafe.STAGED
    glitch_s: float | None = None
    failed_after_s: float | None = None
    degraded_share: float = 0.85
    frost_duty: float = 0.0
    loop_break: LoopBreakAction = LoopBreakAction.ALARM
    loop_break_s: float | None = None
    mismatch_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.frost_duty <= 0.1 or not 0.0 <= self.degraded_share <= 1.0:
            raise ValueError("frost_duty must be 0..0.1 and degraded_share 0..1")


class SensorLoss:
    """How long there has been no temperature, and what may be given meanwhile."""

    def __init__(self, options: FailureOptions) -> None:
        self._options = options
        self._since: float | None = None
        self.lost_s = 0.0  # so far; to be kept over a restart, which is no reason to trust the learned duty longer

    def stage(self, now: float, *, is_known: bool, is_stuck: bool, has_history: bool, dead_time_s: float) -> LossStage:
        """`is_stuck`: the last sensor lies, so nothing learned lately counts; `has_history`: the mean duty means something."""
        if is_known:
            self._since, self.lost_s = None, 0.0
            return LossStage.NONE
        if self._since is None:
            self._since = now - self.lost_s
        lost_s = self.lost_s = now - self._since
        glitch_s, failed_s = self._times(dead_time_s)
        if self._options.failsafe is Failsafe.OFF or is_stuck or not has_history or lost_s >= failed_s:
            return LossStage.FAILED
        return LossStage.GLITCH if lost_s < glitch_s else LossStage.DEGRADED

    def next_stage_s(self, now: float, dead_time_s: float) -> float:
        """How long the present stage lasts at most, unless the temperature returns; infinity when nothing more follows."""
        if self._since is None:
            return math.inf
        lost_s = now - self._since
        return min((end_s - lost_s for end_s in self._times(dead_time_s) if lost_s < end_s), default=math.inf)

    def duty(self, stage: LossStage, learned_duty: float) -> float:
        """The duty 0..1 in a stage; never above what was learned."""
        if self._options.failsafe is Failsafe.OFF or stage is LossStage.NONE:
            return 0.0
        if stage is LossStage.FAILED:
            return min(self._options.frost_duty, learned_duty)
        return learned_duty * (self._options.degraded_share if stage is LossStage.DEGRADED else 1.0)

    def _times(self, dead_time_s: float) -> tuple[float, float]:
        """Thirty dead times, 5..10 min, of holding; a hundred, 0.5..4 h, until nothing learned can still be true."""
        glitch_s = self._options.glitch_s if self._options.glitch_s is not None else min(max(30.0 * dead_time_s, 300.0), 600.0)
        failed_s = (
            self._options.failed_after_s if self._options.failed_after_s is not None else min(max(100.0 * dead_time_s, 1800.0), 4 * 3600.0)
        )
        return glitch_s, max(failed_s, glitch_s)


_USUAL_DEAD_TIMES = 12.0  # the usual duty is the mean over this time


class Excitation:
    """What the temperature should have done because the duty left its usual level: K since the beginning, delayed as the plant is."""

    def __init__(self, usual_duty: float = 0.0) -> None:
        self._usual = usual_duty
        self._due_k = 0.0
        self._shown_k = 0.0

    @property
    def usual_duty(self) -> float:
        return self._usual

    @property
    def shown_k(self) -> float:
        return self._shown_k

    def step(self, duty: float, elapsed_s: float, model: PlantModel) -> None:
        self._due_k += model.rate_k_per_s * (duty - self._usual) * elapsed_s
        self._usual += (duty - self._usual) * elapsed_s / (_USUAL_DEAD_TIMES * model.dead_time_s + elapsed_s)
        self._shown_k += (self._due_k - self._shown_k) * elapsed_s / (model.dead_time_s + elapsed_s)


_STUCK_K = 0.6  # a reading that should have moved by this and is exactly the same
_STUCK_DUTY = 0.2  # ... because the duty left its usual level by this in the mean
_STUCK_DEAD_TIMES = 3.0
_SURELY_STUCK_K = 2.0  # a strong plant has moved by this much sooner, and does harm sooner
_SURELY_STUCK_DEAD_TIMES = 1.5


class StuckWatch:
    """One sensor whose reading is exactly the same although the duty should have moved it. Movement clears it."""

    def __init__(self) -> None:
        self._unchanged_since: float | None = None
        self._mark_k = 0.0
        self._is_stuck = False

    def step(self, now: float, unchanged_since: float, *, expected_k: float, model: PlantModel) -> bool:
        """`expected_k`: what the readings should have moved by since the beginning, by `Excitation`."""
        if unchanged_since != self._unchanged_since:
            self._unchanged_since = unchanged_since
            self._mark_k = expected_k
            self._is_stuck = False
        still_s = now - unchanged_since
        missing_k = abs(expected_k - self._mark_k)
        enough_k = max(_STUCK_K, _STUCK_DUTY * model.rate_k_per_s * (still_s - model.dead_time_s))
        long_enough = _SURELY_STUCK_DEAD_TIMES if missing_k >= _SURELY_STUCK_K else _STUCK_DEAD_TIMES
        self._is_stuck = self._is_stuck or (still_s >= long_enough * model.dead_time_s and missing_k >= enough_k)
        return self._is_stuck


_LOOP_DUTY = 0.9
_LOOP_SHARE = 0.3  # of what the model promises
_LOOP_LEAST_K = 0.5  # too small a promise proves nothing


class LoopBreak:
    """Full heat and no rise: from the moment the duty rose, the temperature must gain a part of what the model promises."""

    def __init__(self, options: FailureOptions) -> None:
        self._window_s = options.loop_break_s
        self._since: float | None = None
        self._from_c = 0.0
        self._usual = 0.0
        self._is_judged = False
        self._fault = ""

    def step(self, now: float, *, duty: float, measured_c: float | None, usual_duty: float, model: PlantModel) -> str:
        """A sentence while the loop is broken, else nothing. A pause (no temperature, less duty) begins anew."""
        if measured_c is None or duty < _LOOP_DUTY:
            self._since = None
            self._fault = ""
            return ""
        if self._since is None:
            self._since, self._from_c, self._usual, self._is_judged = now, measured_c, usual_duty, False
        window_s = self._window_s if self._window_s is not None else max(6.0 * model.dead_time_s, 900.0)
        rise_k = measured_c - self._from_c
        promised_k = model.rate_k_per_s * (_LOOP_DUTY - self._usual) * max(0.0, now - self._since - model.dead_time_s)
        if not self._is_judged and now - self._since >= window_s:
            self._is_judged = True
            if _LOOP_SHARE * promised_k >= _LOOP_LEAST_K and rise_k < min(_LOOP_SHARE * promised_k, _LOOP_SHARE * 10.0):
                self._fault = f"{(now - self._since) / 60:.0f} min of full duty changed the temperature by {rise_k:.1f} K only: check heater, fuse and wiring"
        elif rise_k > _LOOP_LEAST_K + _LOOP_SHARE:
            self._fault = ""
        return self._fault


_RISE_SHARE = 0.4  # of the slope that full power gives
_RISE_LEAST_K = 1.0
_RISE_DEAD_TIMES = 3.0


class RiseAtZeroDuty:
    """Nearly full heat although every relay is open: a welded contact, or somebody else's heat."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._from_c = 0.0
        self._from_at = 0.0

    def step(self, now: float, *, is_on: bool, measured_c: float | None, model: PlantModel) -> str:
        """A sentence while it is so, else nothing. The first dead times after the last heat do not count."""
        if is_on or measured_c is None:
            self._since = None
            return ""
        if self._since is None:
            self._since = now
        if now - self._since < _RISE_DEAD_TIMES * model.dead_time_s:
            self._from_c, self._from_at = measured_c, now
            return ""
        span_s = now - self._from_at
        rise_k = measured_c - self._from_c
        slope = _RISE_SHARE * model.rate_k_per_s * (1.0 - model.holding_duty)
        if rise_k < slope * span_s:
            if span_s > _RISE_DEAD_TIMES * model.dead_time_s:
                self._from_c, self._from_at = measured_c, now
            return ""
        if rise_k < _RISE_LEAST_K:
            return ""
        return f"{rise_k:.1f} K warmer in {span_s / 60:.0f} min although the heater is off: check for a welded contact"


class ActuatorWatch:
    """Whether the heater output is there and does what it was told."""

    def __init__(self, options: FailureOptions) -> None:
        self._grace_s = options.mismatch_s
        self._differs_since: float | None = None

    def mismatch(self, now: float, wanted: tuple[bool, ...], seen: tuple[bool | None, ...]) -> str:
        """A sentence when read-back and order differ for longer than the grace time. None in `seen`: not read."""
        differing = [i for i, (order, state) in enumerate(zip(wanted, seen, strict=False)) if state is not None and state != order]
        if not differing:
            self._differs_since = None
            return ""
        if self._differs_since is None:
            self._differs_since = now
        if now - self._differs_since < self._grace_s:
            return ""
        which = differing[0]
        return f"heater {which + 1} reads back {'on' if seen[which] else 'off'} against the order: somebody else writes it, or it is broken"
