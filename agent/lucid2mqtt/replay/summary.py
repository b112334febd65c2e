"""What a replay comes to, in figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lucid2mqtt.replay.day import DAY_S
from lucid2mqtt.replay.moment import Moment

_REACHED_K = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`rmse_k` and `highest_above_k` count from when the target was reached until it changes; None: never, or a recorded room."""

    length_s: float
    highest_c: float | None
    lowest_c: float | None
    rmse_k: float | None
    highest_above_k: float | None
    lowest_below_k: float | None
    reached_share: float | None  # of the time with a target
    closures: int
    closures_per_day: float
    heat_share: float  # of full power, mean; cooling counts too
    energy_kwh: float | None
    alarms: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """For programs: rounded to what the figures are worth."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}


class Tally:
    """Counts moments as they come. `power_w` None: energy is not known."""

    def __init__(self, power_w: float | None) -> None:
        self._power_w = power_w
        self._last: Moment | None = None
        self._temperatures: tuple[float, float] | None = None
        self._target_c: float | None = None
        self._is_reached = False
        self._comes_from_below = True
        self._aimed_s = self._reached_s = self._squares = 0.0
        self._above_k, self._below_k = -math.inf, -math.inf
        self._closures = 0
        self._delivered_s = 0.0
        self._alarms: dict[str, None] = {}

    def add(self, moment: Moment) -> None:
        last, self._last = self._last, moment
        body_c = moment.true_c if moment.true_c is not None else moment.reading_c
        if body_c is not None:
            low, high = self._temperatures or (body_c, body_c)
            self._temperatures = min(low, body_c), max(high, body_c)
        self._alarms.update(dict.fromkeys(alarm.name.value for alarm in moment.alarms))
        if last is None:
            return
        elapsed_s = moment.at_s - last.at_s
        self._closures += max(0, moment.closed - last.closed)
        self._delivered_s += abs(last.delivered) * elapsed_s
        self._judge(moment, elapsed_s)

    def summary(self) -> Summary:
        """LookupError before the first moment."""
        if self._last is None:
            raise LookupError("nothing was played")
        length_s = self._last.at_s
        share = self._delivered_s / length_s if length_s else 0.0
        is_judged = self._reached_s > 0.0
        low, high = self._temperatures or (None, None)
        return Summary(
            length_s=length_s,
            highest_c=high,
            lowest_c=low,
            rmse_k=math.sqrt(self._squares / self._reached_s) if is_judged else None,
            highest_above_k=max(0.0, self._above_k) if is_judged else None,
            lowest_below_k=max(0.0, self._below_k) if is_judged else None,
            reached_share=self._reached_s / self._aimed_s if self._aimed_s else None,
            closures=self._closures,
            closures_per_day=self._closures * DAY_S / length_s if length_s else 0.0,
            heat_share=share,
            energy_kwh=share * self._power_w * length_s / 3.6e6 if self._power_w is not None else None,
            alarms=tuple(self._alarms),
        )

    def _judge(self, moment: Moment, elapsed_s: float) -> None:
        if moment.true_c is None or moment.target_c is None:
            return
        error_k = moment.true_c - moment.target_c
        if moment.target_c != self._target_c:
            self._target_c, self._is_reached, self._comes_from_below = moment.target_c, False, error_k < 0.0
        self._aimed_s += elapsed_s
        self._is_reached = self._is_reached or (error_k >= -_REACHED_K if self._comes_from_below else error_k <= _REACHED_K)
        if self._is_reached:
            self._reached_s += elapsed_s
            self._squares += error_k**2 * elapsed_s
            self._above_k, self._below_k = max(self._above_k, error_k), max(self._below_k, -error_k)
