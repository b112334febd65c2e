"""How times of a replay are written, and where an axis has its marks."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from lucid2mqtt.replay.day import DAY_S

_SHORT_S = 4 * 3600.0  # so short a replay is told by a stop watch, not by the clock on the wall
_ONE_DAY_S = 30 * 3600.0
_STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def time_text(begins: datetime, at_s: float, length_s: float, *, seconds: bool = False) -> str:
    """`at_s` as suits a replay of `length_s`: `0:12:30` since the begin, `06:30` by the wall clock, or `Tue 06:30`."""
    if length_s <= _SHORT_S:
        minutes, second = divmod(round(at_s), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{second:02}" if seconds else f"{minutes // 60}:{minutes % 60:02}"
    when = begins + timedelta(seconds=at_s)
    clock = f"{when:%H:%M:%S}" if seconds else f"{when:%H:%M}"
    return clock if length_s <= _ONE_DAY_S else f"{_DAYS[when.weekday()]} {clock}"


def nice_step_s(length_s: float, marks: int) -> float:
    """The least round step that puts at most `marks` marks on `length_s`."""
    return float(next((step for step in _STEPS_S if length_s / step <= marks), math.ceil(length_s / marks / DAY_S) * DAY_S))


def time_marks(begins: datetime, length_s: float, most: int) -> list[tuple[float, str]]:
    """Round times on the axis with their words."""
    step_s = nice_step_s(length_s, most)
    clock_s = 0.0 if length_s <= _SHORT_S else 3600.0 * begins.hour + 60.0 * begins.minute + begins.second
    first = math.ceil(clock_s / step_s) * step_s - clock_s
    places = [first + k * step_s for k in range(int((length_s - first) // step_s) + 1)]
    return [(at_s, time_text(begins, at_s, length_s, seconds=step_s < 60.0)) for at_s in places]


def number_marks(low: float, high: float, most: int) -> list[float]:
    """Round numbers that span `low`..`high`, both ends included."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if span / (factor * power) <= most)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(place * step, 9) for place in range(first, max(last, first + 1) + 1)]
