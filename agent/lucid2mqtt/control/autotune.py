"""An autotune session: come near the target, settle there, let a relay make the plant swing, draw the model.

It runs as a mode of the thermostat: one `step` per reading gives the duty. The plant is unknown at first, so the session
goes up at full power only until the rise has shown slope and dead time, and comes to rest under a cautious PI law; the
swing is then chosen to stay well inside the excursion limit. Everything it needs to go on after a restart is in `saved`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from lucid2mqtt.control.holding import HoldingDuty
from lucid2mqtt.control.law import Law
from lucid2mqtt.control.reaction import ReactionCurve
from lucid2mqtt.control.relay_experiment import RelayExperiment
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.tuning import Gains, PlantModel


class Phase(StrEnum):
    BACKING_OFF = "backing off"  # too near to see a rise: waits until it is cooler
    APPROACHING = "approaching"
    SETTLING = "settling"
    PROBING = "probing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutotuneOptions:
    """A session gives up after the third attempt, or when it takes longer than `longest_s`."""

    excursion_k: float = 1.5  # no heat further above the target than this; the swing aims at half of it
    longest_s: float = 72 * 3600.0


_NEAR_K = 0.9  # the approach needs at least this distance
_FALL_K = 0.2
_SWING_K = 0.25  # height of the oscillation that reads well with 0.1 K steps
_LEAST_HYSTERESIS_K = 0.05
_MARGIN = 0.05  # a holding duty this near 0 or 1 leaves no room to swing
_CALM_K = 0.2
_SETTLING_DEAD_TIMES = 60.0
_STALL_S = 4 * 3600.0  # longest wait for the next sign of a rise
_SHORTEST_STALL_S = 300.0
_STALL_LEVELS = 20.0  # ... and how many times the first tenth of a kelvin may be exceeded by the next
_STILL_S = 2 * 3600.0  # a reading exactly the same for so long is no reading, while the plant is unknown
_STILL_DEAD_TIMES = {Phase.SETTLING: 6.0, Phase.PROBING: 12.0}
_BACKING_OFF_S = 24 * 3600.0
_BRAKING_DEAD_TIMES = 3.0  # full power ends this many dead times of rise before the target
_MOST_ATTEMPTS = 3
_SLOWER = 1.5  # after a failed attempt the plant is taken to be so much slower
_AIM_DEAD_TIMES = 1.5  # time constant of the last stretch to the target
_TYPICAL_REST = 30.0  # dead times from the end of the approach to the result
_FIRST_GUESS = 0.35  # of the holding duty


class Autotune:
    """One session for heating; for cooling the caller negates temperatures. `options.excursion_k` counts above the target."""

    def __init__(self, options: AutotuneOptions, *, target_c: float, holding_guess: float = _FIRST_GUESS) -> None:
        self._options = options
        self._target_c = target_c
        self._guess = holding_guess
        self._phase = Phase.APPROACHING
        self._fault = ""
        self._measured_c = math.nan
        self._raw_c = math.nan
        self._raw_since = 0.0
        self._at: float | None = None
        self._sample_s = 1.0
        self._spent_s = 0.0
        self._phase_began: float | None = None
        self._reaction: ReactionCurve | None = None
        self._rate = self._dead_time_s = 0.0
        self._law: Law | None = None
        self._aim_c = target_c
        self._calm = HoldingDuty()
        self._swing_share = 0.5
        self._experiment: RelayExperiment | None = None
        self._outdoor_sum, self._outdoor_count = 0.0, 0
        self._model: PlantModel | None = None
        self._attempts = 1
        self._highest_c = -math.inf  # while backing off
        self._has_to_fall_k = 0.0
        self._is_over_top = False  # no heat until the temperature is back at the target
        self._duty = 0.0
        self.peak_k = 0.0  # how far the temperature ran above the target

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def fault(self) -> str:
        """Why it failed, with the remedy."""
        return self._fault

    @property
    def is_over(self) -> bool:
        return self._phase in (Phase.DONE, Phase.FAILED)

    @property
    def model(self) -> PlantModel | None:
        """The result; None before DONE."""
        return self._model if self._phase is Phase.DONE else None

    @property
    def target_c(self) -> float:
        return self._target_c

    @property
    def dead_time_s(self) -> float | None:
        """As far as known: from the approach on."""
        return self._dead_time_s or None

    def step(self, now: float, measured_c: float, *, outdoor_c: float | None = None) -> float:
        """The duty 0..1 from now on. `measured_c` is the plausible but unfiltered reading; what is not finite changes nothing."""
        if self.is_over or not math.isfinite(measured_c):
            return 0.0 if self.is_over else self._duty
        elapsed_s = self._follow(now, measured_c)
        if outdoor_c is not None and math.isfinite(outdoor_c) and self._phase is Phase.PROBING:
            self._outdoor_sum, self._outdoor_count = self._outdoor_sum + outdoor_c, self._outdoor_count + 1
        if self._is_still_too_long(now, measured_c):
            self._fail("the reading does not move although the duty does; check the sensor")
        if self._is_beyond_limits(now):
            return 0.0
        match self._phase:
            case Phase.BACKING_OFF:
                self._back_off(now)
            case Phase.APPROACHING:
                self._approach(now)
            case Phase.SETTLING:
                self._settle(now, elapsed_s)
            case Phase.PROBING:
                self._probe(now, self._experiment)
            case Phase.DONE | Phase.FAILED:
                pass
        return self._duty

    def saved(self) -> Document:
        """What `from_saved` needs to go on after a restart."""
        return {
            "phase": self._phase.value,
            "fault": self._fault,
            "target_c": self._target_c,
            "guess": self._guess,
            "spent_s": self._spent_s,
            "rate": self._rate,
            "dead_time_s": self._dead_time_s,
            "peak_k": self.peak_k,
            "model": self._model.saved() if self._model is not None else None,
        }

    @classmethod
    def from_saved(cls, document: Mapping[str, object], options: AutotuneOptions) -> Autotune:
        """Goes on where it can: with the plant known it settles and probes anew, since the heater was off in between; else it begins anew.

        ValueError for anything `saved` cannot have given.
        """
        saved = Saved(document)
        phase = Phase(saved.text("phase"))
        session = cls(options, target_c=saved.number("target_c"), holding_guess=saved.number("guess", minimum=0.0, maximum=1.0))
        session._fault = saved.text("fault")
        session._spent_s = saved.number("spent_s", minimum=0.0)
        session._rate, session._dead_time_s = saved.number("rate", minimum=0.0), saved.number("dead_time_s", minimum=0.0)
        session.peak_k = saved.number("peak_k", minimum=0.0)
        if phase is Phase.DONE:
            session._model = PlantModel.from_saved(saved.document("model"))
        is_plant_known = session._rate > 0.0 and session._dead_time_s > 0.0
        if phase in (Phase.DONE, Phase.FAILED):
            session._phase = phase
        else:
            session._phase = Phase.SETTLING if is_plant_known else Phase.BACKING_OFF
            session._has_to_fall_k = _FALL_K  # a rise that is under way shows no dead time
        return session

    def remaining_s(self) -> float | None:
        """A guess of the time left; None while the plant is still unknown."""
        if self._phase is Phase.PROBING and self._experiment is not None:
            return self._experiment.remaining_s()
        if self._phase is Phase.SETTLING:
            return _TYPICAL_REST * self._dead_time_s
        if self._phase is Phase.APPROACHING and self._reaction is not None and self._reaction.is_known:
            way_s = max(0.0, self._error_k()) / self._reaction.slope_k_per_s
            return way_s + _TYPICAL_REST * self._reaction.dead_time_s
        return 0.0 if self.is_over else None

    # ---- phases

    def _back_off(self, now: float) -> None:
        self._duty = 0.0
        self._highest_c = max(self._highest_c, self._measured_c)
        if self._error_k() >= _NEAR_K and self._highest_c - self._measured_c >= self._has_to_fall_k:
            self._enter(Phase.APPROACHING, now)
        elif now - self._began(now) > _BACKING_OFF_S:
            self._fail("the temperature does not fall without heat, so there is nothing to tune; try again in heating weather")

    def _approach(self, now: float) -> None:
        if self._reaction is None:
            if self._error_k() < _NEAR_K:
                self._enter(Phase.BACKING_OFF, now)
                self._duty = 0.0
                return
            self._reaction = ReactionCurve(started_at=now, start_c=self._measured_c, distance_k=self._error_k())
        self._duty = 1.0
        reaction = self._reaction
        reaction.feed(now, self._measured_c)
        if reaction.is_known and self._error_k() <= _BRAKING_DEAD_TIMES * reaction.slope_k_per_s * reaction.dead_time_s:
            self._rate, self._dead_time_s = reaction.slope_k_per_s, reaction.dead_time_s
            self._enter(Phase.SETTLING, now)
        elif self._error_k() <= 0.0:
            self._fail("the target was reached before the rise could be measured; start the autotune from a lower temperature")
        elif reaction.stalled_s(now) > self._longest_stall_s(reaction):
            self._fail(
                f"full power does not bring the temperature to the target, {self._error_k():.1f} K are missing; choose a lower target"
            )

    def _settle(self, now: float, elapsed_s: float) -> None:
        if self._law is None:
            self._law = Law(self._cautious_gains(), dead_time_s=self._dead_time_s, longest_step_s=3.0 * self._sample_s)
            self._law.enter(self._guess)
            self._aim_c = min(self._target_c, self._measured_c + self._rate * self._dead_time_s)
        self._aim_c += elapsed_s / (_AIM_DEAD_TIMES * self._dead_time_s + elapsed_s) * (self._target_c - self._aim_c)
        self._duty = self._law.step(elapsed_s=elapsed_s, target_c=self._aim_c, measured_c=self._measured_c)
        holding_duty = self._calm.step(now, self._duty, elapsed_s, span_s=2.0 * self._dead_time_s, is_calm=abs(self._error_k()) <= _CALM_K)
        if holding_duty is not None:
            self._begin_probe(now, holding_duty)
            return
        if now - self._began(now) > _SETTLING_DEAD_TIMES * self._dead_time_s:
            self._fail("the temperature does not come to rest at the target; try again while nothing disturbs it")

    def _begin_probe(self, now: float, holding_duty: float) -> None:
        if not _MARGIN <= holding_duty <= 1.0 - _MARGIN:
            self._fail(f"holding the target takes a duty of {holding_duty:.0%}, which leaves no room to swing; try again in other weather")
            return
        reach_k = self._rate * self._dead_time_s
        swing = min(0.9 * min(holding_duty, 1.0 - holding_duty), self._swing_share * self._options.excursion_k / reach_k)
        self._experiment = experiment = RelayExperiment(
            target_c=self._target_c,
            holding_duty=holding_duty,
            swing=swing,
            hysteresis_k=max(_LEAST_HYSTERESIS_K, _SWING_K - swing * reach_k),
            dead_time_s=self._dead_time_s,
        )
        self._guess = holding_duty
        self._enter(Phase.PROBING, now)
        self._probe(now, experiment)

    def _probe(self, now: float, experiment: RelayExperiment | None) -> None:
        if experiment is None:
            return
        self._duty = experiment.step(now, self._measured_c)
        if experiment.model is not None:
            self._model = self._with_losses(experiment.model)
            self._enter(Phase.DONE, now)
            self._duty = experiment.model.holding_duty
        elif experiment.is_hopeless:
            self._try_again(now, "the oscillation did not become regular; try again while nothing disturbs the temperature")

    # ---- parts

    def _with_losses(self, model: PlantModel) -> PlantModel:
        if not self._outdoor_count:
            return model
        difference_k = self._target_c - self._outdoor_sum / self._outdoor_count
        loss = model.holding_duty / difference_k if difference_k >= 3.0 else 0.0
        return replace(model, loss_duty_per_k=loss)

    def _longest_stall_s(self, reaction: ReactionCurve) -> float:
        first_s = reaction.first_level_s
        return _STALL_S if first_s is None else min(max(_STALL_LEVELS * first_s, _SHORTEST_STALL_S), _STALL_S)

    def _cautious_gains(self) -> Gains:
        """SIMC with a closed loop one and a half times slower than the dead time; the derivative is what brakes the approach."""
        kp = 0.4 / (self._rate * self._dead_time_s)
        return Gains(kp, kp / (7.0 * self._dead_time_s), 0.5 * kp * self._dead_time_s)

    def _follow(self, now: float, measured_c: float) -> float:
        if self._at is None:
            self._at, self._measured_c = now, measured_c
            return self._sample_s
        elapsed_s = now - self._at
        if elapsed_s <= 0.0:
            return 0.0
        self._at = now
        self._sample_s = elapsed_s
        self._spent_s += elapsed_s
        tau_s = max(3.0 * elapsed_s, self._dead_time_s / 8.0)
        self._measured_c += elapsed_s / (tau_s + elapsed_s) * (measured_c - self._measured_c)
        self.peak_k = max(self.peak_k, self._measured_c - self._target_c)
        return elapsed_s

    def _is_beyond_limits(self, now: float) -> bool:
        """Whether the temperature is too high for any heat, or the session over. An excursion makes the next attempt gentler."""
        if self._spent_s > self._options.longest_s:
            self._fail(f"not finished within {self._options.longest_s / 3600:g} h; allow more time, or try again while nothing disturbs it")
        elif self._phase in (Phase.SETTLING, Phase.PROBING) and -self._error_k() > self._options.excursion_k and not self._is_over_top:
            self._is_over_top = True
            self._try_again(
                now, f"the temperature ran more than {self._options.excursion_k:g} K above the target again and again; allow more"
            )
        self._is_over_top = self._is_over_top and self._error_k() < 0.0
        self._duty = 0.0 if self._is_over_top else self._duty
        return self.is_over or self._is_over_top

    def _try_again(self, now: float, why_not: str) -> None:
        """Settles anew and swings less, or with a slower plant in mind; after a few attempts the session fails."""
        self._attempts += 1
        if self._attempts > _MOST_ATTEMPTS:
            self._fail(why_not)
            return
        if self._phase is Phase.PROBING and self._is_over_top:
            self._swing_share *= 0.5
        else:
            seen_s = self._experiment.seen_dead_time_s if self._experiment is not None else 0.0
            self._dead_time_s = max(_SLOWER * self._dead_time_s, seen_s)
        if self._phase is Phase.SETTLING:
            self._guess *= 0.5
        self._law = None
        self._calm = HoldingDuty()
        self._enter(Phase.SETTLING, now)

    def _is_still_too_long(self, now: float, measured_c: float) -> bool:
        if measured_c != self._raw_c:
            self._raw_c, self._raw_since = measured_c, now
        is_at_rest = self._phase is Phase.SETTLING and abs(self._error_k()) <= _CALM_K
        if self._phase is Phase.BACKING_OFF or is_at_rest:
            return False
        dead_times = _STILL_DEAD_TIMES.get(self._phase)
        return now - self._raw_since > (_STILL_S if dead_times is None else dead_times * self._dead_time_s)

    def _error_k(self) -> float:
        return self._target_c - self._measured_c

    def _began(self, now: float) -> float:
        if self._phase_began is None:
            self._phase_began = now
        return self._phase_began

    def _enter(self, phase: Phase, now: float) -> None:
        self._phase = phase
        self._phase_began = now

    def _fail(self, why: str) -> None:
        self._phase = Phase.FAILED
        self._fault = why
        self._duty = 0.0
