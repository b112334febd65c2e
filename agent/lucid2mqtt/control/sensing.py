"""From the readings of one or several sensors to the one temperature the law sees.

Plausibility is judged sensor by sensor, then the good ones are fused, then filtered. Whichever sensor speaks, the filtered
temperature goes on without a jump; the difference between sensors is let in slowly.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_RATE_MARGIN_K = 0.5  # a step of this size is never too fast: resolution and noise
_READINGS_TO_RETURN = 3
_SAME_READING_S = 1e-3  # the same reading seen twice: its age differs by rounding only
_BLEED_DEAD_TIMES = 4.0  # the difference to a new source is let in over this time


class Fusion(StrEnum):
    PRIMARY_FALLBACK = "primary_fallback"  # the first good sensor in the order of the settings
    MEAN = "mean"
    MEDIAN = "median"


@dataclass(frozen=True, slots=True)
class Sample:
    """What a sensor said last. `value` in °C, None when it said nothing good; `reason` is then a sentence."""

    value: float | None
    age_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensingOptions:
    """`rate_k_per_min` None: four times what the plant can do, once that is known, and never below 5 K/min."""

    fusion: Fusion = Fusion.PRIMARY_FALLBACK
    minimum_c: float = -30.0
    maximum_c: float = 120.0
    stale_s: float = 60.0
    rate_k_per_min: float | None = None
    disagreement_k: float = 2.0
    disagreement_s: float = 900.0


class SensorWatch:
    """Judges one sensor. `fault` is a sentence while it is not believed, else empty."""

    def __init__(self, options: SensingOptions) -> None:
        self._options = options
        self._fault = ""
        self._good: float | None = None
        self._good_at = 0.0
        self._taken_at = -math.inf
        self._returning = 0
        self._raw: float | None = None
        self._raw_since = 0.0

    @property
    def fault(self) -> str:
        return self._fault

    @property
    def unchanged_since(self) -> float:
        """Since when the raw value is exactly the same."""
        return self._raw_since

    def judge(self, now: float, sample: Sample, *, rate_k_per_s: float) -> float | None:
        """The value if it can be believed. After a fault, three good readings in a row are needed."""
        value = self._plausible(now, sample, rate_k_per_s)
        taken_at = now - sample.age_s
        is_new = taken_at > self._taken_at + _SAME_READING_S
        self._taken_at = max(taken_at, self._taken_at)
        if isinstance(value, str):
            self._fault, self._returning = value, 0
            return None
        if value != self._raw:
            self._raw, self._raw_since = value, now
        self._good, self._good_at = value, now
        if self._fault:
            self._returning += is_new
            if self._returning < _READINGS_TO_RETURN:
                return None
            self._fault = ""
        return value

    def _plausible(self, now: float, sample: Sample, rate_k_per_s: float) -> float | str:
        """The value, or what speaks against it."""
        value, options = sample.value, self._options
        if value is None:
            return sample.reason or "no reading"
        if not math.isfinite(value):
            return "the reading is not a number"
        if not options.minimum_c <= value <= options.maximum_c:
            return f"{value:.1f} °C is outside {options.minimum_c:g}..{options.maximum_c:g} °C"
        if not 0.0 <= sample.age_s <= options.stale_s:
            return f"no new reading for {sample.age_s:.0f} s"
        if self._good is not None and abs(value - self._good) > _RATE_MARGIN_K + rate_k_per_s * (now - self._good_at):
            return f"jumped from {self._good:.1f} to {value:.1f} °C, faster than the plant can"
        return value


class Disagreement:
    """Tells when believed sensors differ by more than the band for long, and which one is alone."""

    def __init__(self, options: SensingOptions) -> None:
        self._options = options
        self._since: float | None = None

    def judge(self, now: float, values: Sequence[float | None]) -> tuple[str, frozenset[int]]:
        """A sentence (empty while they agree) and the sensors voted out; a vote needs three believed sensors."""
        believed = [value for value in values if value is not None]
        if len(believed) < 2 or max(believed) - min(believed) <= self._options.disagreement_k:
            self._since = None
            return "", frozenset()
        if self._since is None:
            self._since = now
        if now - self._since < self._options.disagreement_s:
            return "", frozenset()
        why = f"sensors differ by {max(believed) - min(believed):.1f} K"
        if len(believed) < 3:
            return why, frozenset()
        middle = statistics.median(believed)
        outliers = frozenset(
            i for i, value in enumerate(values) if value is not None and abs(value - middle) > self._options.disagreement_k
        )
        return why, outliers if len(believed) - len(outliers) >= 2 else frozenset()


def fuse(fusion: Fusion, values: Sequence[float | None]) -> tuple[float, frozenset[int]] | None:
    """One temperature and the sensors it came from; None when no sensor is believed."""
    believed = {i: value for i, value in enumerate(values) if value is not None}
    if not believed:
        return None
    if fusion is Fusion.PRIMARY_FALLBACK:
        first = min(believed)
        return believed[first], frozenset({first})
    middle = statistics.fmean if fusion is Fusion.MEAN else statistics.median
    return middle(believed.values()), frozenset(believed)


class InputFilter:
    """First order, with the source's difference taken out when the source changes."""

    def __init__(self) -> None:
        self._value: float | None = None
        self._raw = 0.0
        self._offset_k = 0.0
        self._source: frozenset[int] = frozenset()
        self._at = 0.0

    @property
    def value(self) -> float | None:
        return self._value

    def forget(self) -> None:
        """After a time without any reading: the next one counts as it is."""
        self._value = None
        self._offset_k = 0.0

    def step(self, now: float, raw: float, source: frozenset[int], *, tau_s: float, dead_time_s: float) -> float:
        if self._value is None:
            self._value = raw
        else:
            elapsed_s = max(0.0, now - self._at)
            if source != self._source:
                self._offset_k += self._raw - raw
            self._offset_k -= self._offset_k * elapsed_s / (_BLEED_DEAD_TIMES * dead_time_s + elapsed_s)
            self._value += elapsed_s / (tau_s + elapsed_s) * (raw + self._offset_k - self._value) if elapsed_s > 0.0 else 0.0
        self._source, self._raw, self._at = source, raw, now
        return self._value
