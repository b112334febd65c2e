"""The last word against too much heat: its own sensor, its own path, nothing of the law in it.

The words are those of EN 14597: a limiter has to be reset by hand, a monitor resets itself; a broken sensor opens the
circuit. This is a control function, never a certified safety limiter: a heater that can do harm needs one in hardware.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.saved import Document, Saved
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.errors import Reason, RequestRejected

_DAY_S = 86_400.0


class LimiterKind(StrEnum):
    LIMITER = "limiter"  # trips and stays tripped
    MONITOR = "monitor"  # withholds heat and gives it back


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterOptions:
    """`lead_s`: heat is withheld while the reading would pass the limit within this time at its present slope; without a trip."""

    limit_c: float
    hysteresis_k: float = 2.0
    kind: LimiterKind = LimiterKind.LIMITER
    stale_s: float = 60.0
    break_s: float = 60.0
    minimum_c: float = -30.0
    maximum_c: float = 250.0
    lead_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.minimum_c < self.limit_c <= self.maximum_c or self.hysteresis_k < 0.0 or self.lead_s < 0.0:
            raise ValueError(
                f"the limit must lie between {self.minimum_c:g} and {self.maximum_c:g} °C, hysteresis and lead cannot be negative"
            )


class Limiter:
    """Asked on every sample, before any output is written. `allows_heat` is False from the moment of a fault or trip."""

    def __init__(self, options: LimiterOptions) -> None:
        self._options = options
        self._tripped = ""
        self._withheld = ""
        self._value: float | None = None
        self._value_at = 0.0
        self._slope = 0.0
        self._broken_since: float | None = None

    @property
    def allows_heat(self) -> bool:
        return not self._tripped and not self._withheld

    @property
    def trip(self) -> str:
        """Why it has tripped, a sentence; empty when it has not."""
        return self._tripped

    @property
    def fault(self) -> str:
        """Why heat is withheld without a trip; empty when it is not."""
        return self._withheld

    def step(self, now: float, sample: Sample | None) -> bool:
        """Whether heat is allowed at `now`. None: no sample has come yet, which is a missing sensor."""
        options = self._options
        value = self._read(sample)
        if isinstance(value, str) or sample is None:
            self._note_break(now, str(value))
            return self.allows_heat
        self._broken_since = None
        self._note_slope(now - sample.age_s, value)
        is_hot = value >= options.limit_c
        if is_hot and options.kind is LimiterKind.LIMITER:
            self._tripped = self._tripped or f"{value:.1f} °C reached the limit of {options.limit_c:g} °C"
        comes_near = value + max(0.0, self._slope) * options.lead_s >= options.limit_c
        still_hot = bool(self._withheld) and options.kind is LimiterKind.MONITOR and value > options.limit_c - options.hysteresis_k
        self._withheld = (
            f"{value:.1f} °C is at, or soon at, the limit of {options.limit_c:g} °C" if is_hot or comes_near or still_hot else ""
        )
        return self.allows_heat

    def reset(self) -> None:
        """Opens the latch. RequestRejected while the sensor is missing or not yet below limit - hysteresis."""
        options = self._options
        if self._broken_since is not None or self._value is None:
            raise RequestRejected(Reason.BUSY, "the limiter has no reading of its sensor", "repair the sensor, then reset again")
        if self._value >= options.limit_c - options.hysteresis_k:
            message = f"the limiter still reads {self._value:.1f} °C"
            raise RequestRejected(Reason.BUSY, message, f"wait until it is below {options.limit_c - options.hysteresis_k:g} °C")
        self._tripped = ""

    def saved(self) -> Document:
        return {"tripped": self._tripped}

    def restore(self, document: Mapping[str, object]) -> None:
        """A latch that stood stands again. ValueError for a document that is not ours."""
        self._tripped = Saved(document).text("tripped")

    def _read(self, sample: Sample | None) -> float | str:
        """The value, or what is wrong with it."""
        options = self._options
        if sample is None or sample.value is None:
            return (sample.reason if sample else "") or "no reading"
        if not math.isfinite(sample.value) or not options.minimum_c <= sample.value <= options.maximum_c:
            return f"the reading {sample.value:g} cannot be"
        return sample.value if 0.0 <= sample.age_s <= options.stale_s else f"no new reading for {sample.age_s:.0f} s"

    def _note_break(self, now: float, missing: str) -> None:
        if self._broken_since is None:
            self._broken_since = now
        self._withheld = f"limiter sensor: {missing}"
        if now - self._broken_since >= self._options.break_s and self._options.kind is LimiterKind.LIMITER:
            self._tripped = self._tripped or f"limiter sensor: {missing}"

    def _note_slope(self, taken_at: float, value: float) -> None:
        elapsed_s = taken_at - self._value_at
        if self._value is None or elapsed_s <= 0.0:
            self._value, self._value_at = value, taken_at if self._value is None else self._value_at
            return
        weight = elapsed_s / (0.5 * self._options.lead_s + elapsed_s)
        self._slope += weight * ((value - self._value) / elapsed_s - self._slope)
        self._value, self._value_at = value, taken_at


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTimeOptions:
    """`longest_on_s`: a heater on for so long without a break is switched off until reset. `most_duty`: mean of the last day."""

    longest_on_s: float | None = None
    most_duty: float | None = None


class OnTimeGuard:
    """Counts how long heat flows. `overrun` is a sentence once it flowed too long; `ceiling` bounds the duty."""

    def __init__(self, options: OnTimeOptions) -> None:
        self._options = options
        self._on_since: float | None = None
        self.mean = 0.0  # of the last day; to be kept over a restart
        self._at: float | None = None

    @property
    def ceiling(self) -> float:
        most = self._options.most_duty
        return most if most is not None and self.mean >= most else 1.0

    def step(self, now: float, *, is_on: bool) -> str:
        """`is_on`: since the last call. Gives a sentence when it was on without a break for too long, else nothing."""
        elapsed_s = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self.mean += (is_on - self.mean) * elapsed_s / (_DAY_S + elapsed_s)
        if not is_on:
            self._on_since = None
            return ""
        if self._on_since is None:
            self._on_since = now - elapsed_s
        longest_s = self._options.longest_on_s
        if longest_s is None or now - self._on_since < longest_s:
            return ""
        return f"on for {(now - self._on_since) / 60:.0f} min without a break, more than the {longest_s / 60:.0f} min allowed"
