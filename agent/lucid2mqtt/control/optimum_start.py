"""Optimum start: heat early enough for the room to be warm when the schedule says so, and not earlier.

The time comes from the model that the autotune learned; what the model does not know (cold walls, the loop easing off
before the target) is learned from how long it really took, as one factor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lucid2mqtt.control.presets import Wanted
from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.schedule import Switch

REACHED_WITHIN_K = 0.2
"""So near to the target the room counts as warm."""

_WORTH_LEARNING_K = 0.5  # a smaller rise is mostly noise
_LEARNING_SHARE = 0.3
_FACTOR_MINIMUM, _FACTOR_MAXIMUM = 0.5, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpModel:
    """How a room warms. ValueError unless the rate is positive and nothing is negative.

    `rate_k_per_s` is the heating rate at full power without losses (k'), `delay_s` the dead time (theta), `loss_per_s` the
    rate of loss per kelvin above outdoors (the inverse of the room's time constant), None where nobody knows.
    """

    rate_k_per_s: float
    delay_s: float
    loss_per_s: float | None = None

    def __post_init__(self) -> None:
        if not (self.rate_k_per_s > 0 and self.delay_s >= 0 and (self.loss_per_s is None or self.loss_per_s >= 0)):
            raise ValueError(f"{self} is no model of a room that warms")

    def warm_up_s(self, room_c: float, target_c: float, outdoor_c: float | None = None) -> float:
        """Seconds from full power until the target; 0 when there is nothing to warm, infinite when it is never reached."""
        rise_k = target_c - room_c
        if rise_k <= 0:
            return 0.0
        if not self.loss_per_s or outdoor_c is None:
            return self.delay_s + rise_k / self.rate_k_per_s
        hottest_c = outdoor_c + self.rate_k_per_s / self.loss_per_s
        if target_c >= hottest_c:
            return math.inf
        return self.delay_s + math.log((hottest_c - room_c) / (hottest_c - target_c)) / self.loss_per_s


@dataclass(frozen=True, slots=True)
class Rise:
    """A switching time to come that wants it warmer."""

    at: datetime
    target_c: float


def next_rise(upcoming: Iterable[Switch], target_of: Callable[[Wanted], float], *, above_c: float, before: datetime) -> Rise | None:
    """The first of the `upcoming` switching times (ascending) up to `before` that wants more than `above_c`."""
    for switch in upcoming:
        if switch.at > before:
            return None
        if target_of(switch.wanted) > above_c:
            return Rise(switch.at, target_of(switch.wanted))
    return None


@dataclass(slots=True)
class _WarmUp:
    """One warm-up under way. `modelled_s` None: began or went such that nothing can be learned from it."""

    rise: Rise
    began_at: float
    modelled_s: float | None


class OptimumStart:
    """Decides when heating begins early. `now` is monotonic and measures, `wall` is aware and says how far the switching time is."""

    def __init__(self, model: WarmUpModel | None, *, longest_lead_s: float = 6 * 3600.0) -> None:
        self.model = model
        self._longest_lead_s = longest_lead_s
        self._factor = 1.0
        self._warm_up: _WarmUp | None = None

    @property
    def factor(self) -> float:
        """By how much warm-ups take longer than the model says, 0.5..3."""
        return self._factor

    @property
    def horizon(self) -> timedelta:
        """How far ahead a rise is worth looking for."""
        return timedelta(seconds=self._longest_lead_s)

    def lead_s(self, room_c: float, target_c: float, outdoor_c: float | None = None) -> float:
        """How long before the switching time to begin, in seconds: 0 without a model or a rise, never above the longest lead."""
        if self.model is None or target_c - room_c <= REACHED_WITHIN_K:
            return 0.0
        return min(self._factor * self.model.warm_up_s(room_c, target_c, outdoor_c), self._longest_lead_s)

    def update(self, now: float, wall: datetime, rise: Rise | None, room_c: float | None, outdoor_c: float | None = None) -> float | None:
        """The target to heat to already now, None when it is not time yet. `rise` is the next one, `room_c` None: unknown.

        Once begun it lasts until the switching time; afterwards the warm-up is watched to its end and learned from.
        """
        if self._warm_up is not None and self._is_over(self._warm_up, now, wall, rise, room_c):
            self._warm_up = None
        if self._warm_up is not None and self._warm_up.rise == rise:
            return rise.target_c
        if rise is None or room_c is None or self.model is None:
            return None
        lead_s = self.lead_s(room_c, rise.target_c, outdoor_c)
        if lead_s == 0 or (rise.at - wall).total_seconds() > lead_s:
            return None
        is_telling = lead_s < self._longest_lead_s and rise.target_c - room_c >= _WORTH_LEARNING_K
        self._warm_up = _WarmUp(rise, now, self.model.warm_up_s(room_c, rise.target_c, outdoor_c) if is_telling else None)
        return rise.target_c

    def abandon(self) -> None:
        """Forget the warm-up under way: mode, target or window came in between, nothing can be learned."""
        self._warm_up = None

    def saved(self) -> Document:
        """What `restore` needs, to be kept on disk."""
        return {"factor": self._factor}

    def restore(self, document: Mapping[str, object]) -> None:
        """Takes over what was learned; ValueError, and nothing changed, for what `saved` cannot have given."""
        self._factor = Saved(document).number("factor", minimum=_FACTOR_MINIMUM, maximum=_FACTOR_MAXIMUM)

    def _is_over(self, warm_up: _WarmUp, now: float, wall: datetime, rise: Rise | None, room_c: float | None) -> bool:
        took_s = now - warm_up.began_at
        is_ahead = rise == warm_up.rise
        if not is_ahead and wall < warm_up.rise.at:
            return True  # the schedule or the clock was changed
        is_warm = room_c is not None and room_c >= warm_up.rise.target_c - REACHED_WITHIN_K
        is_hopeless = warm_up.modelled_s is None or took_s > _FACTOR_MAXIMUM * warm_up.modelled_s
        if warm_up.modelled_s is not None and (is_warm or is_hopeless):
            self._learn(took_s / warm_up.modelled_s)
            warm_up.modelled_s = None
        return not is_ahead and (is_warm or is_hopeless)

    def _learn(self, ratio: float) -> None:
        mixed = self._factor + _LEARNING_SHARE * (ratio - self._factor)
        self._factor = min(max(mixed, _FACTOR_MINIMUM), _FACTOR_MAXIMUM)
