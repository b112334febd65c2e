"""One duty for several heaters: one after the other (staged), or all alike but not at the same moment (staggered)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lucid2mqtt.control.proportioner import Proportioner, PulseOptions
from lucid2mqtt.control.saved import Document, Saved


class Arrangement(StrEnum):
    STAGED = "staged"  # the next stage begins when the one before runs through; the least used leads
    STAGGERED = "staggered"  # every heater gets the whole duty, pulses spread over the cycle


@dataclass(frozen=True, slots=True, kw_only=True)
class BankOptions:
    """`shares` are the heaters' parts of the whole power, one per heater; empty: equal parts."""

    heaters: int = 1
    arrangement: Arrangement = Arrangement.STAGED
    shares: tuple[float, ...] = ()
    rotates: bool = True  # the heater with the fewest hours leads the next time

    def __post_init__(self) -> None:
        if self.heaters < 1 or (self.shares and len(self.shares) != self.heaters):
            raise ValueError("a bank has at least one heater, and one share for each of them or none at all")
        if any(not math.isfinite(share) or share <= 0.0 for share in self.shares):
            raise ValueError("every share must be more than 0")


class HeaterBank:
    """The relays of one direction, in the order of the settings."""

    def __init__(self, options: BankOptions, pulses: PulseOptions) -> None:
        self._options = options
        count = options.heaters
        total = sum(options.shares) or float(count)
        self._shares = [share / total for share in options.shares] or [1.0 / count] * count
        is_staggered = options.arrangement is Arrangement.STAGGERED
        self._relays = [Proportioner(pulses, phase=i / count if is_staggered else 0.0) for i in range(count)]
        self._order = list(range(count))
        self._on_s = [0.0] * count
        self._at: float | None = None

    @property
    def relays(self) -> tuple[bool, ...]:
        return tuple(relay.is_on for relay in self._relays)

    @property
    def on_s(self) -> tuple[float, ...]:
        """Seconds each heater has run."""
        return tuple(self._on_s)

    @property
    def delivered(self) -> float:
        """The part of the whole power that flows now, 0..1."""
        return sum(share for share, relay in zip(self._shares, self._relays, strict=True) if relay.is_on)

    def retime(self, pulses: PulseOptions) -> None:
        for relay in self._relays:
            relay.retime(pulses)

    def step(self, now: float, duty: float) -> tuple[bool, ...]:
        """Which relays are to be closed from `now` on, for a duty 0..1 of the whole power."""
        self._count_hours(now)
        duty = min(max(duty, 0.0), 1.0) if math.isfinite(duty) else 0.0
        if self._options.arrangement is Arrangement.STAGGERED:
            return tuple(relay.step(now, duty) for relay in self._relays)
        if self._options.rotates and not any(self.relays):
            self._order.sort(key=lambda i: self._on_s[i])
        left = duty
        for i in self._order:
            self._relays[i].step(now, min(left / self._shares[i], 1.0))
            left = max(0.0, left - self._shares[i])
        return self.relays

    def cut(self, now: float) -> tuple[bool, ...]:
        """All off at once, whatever the minimum on time says."""
        self._count_hours(now)
        for relay in self._relays:
            relay.cut(now)
        return self.relays

    def next_switch_s(self, now: float) -> float:
        return min(relay.next_switch_s(now) for relay in self._relays)

    def saved(self) -> Document:
        return {"on_s": list(self._on_s)}

    def restore(self, document: Mapping[str, object]) -> None:
        """Running hours only: relays are off after a start. ValueError for a document that is not ours."""
        hours = Saved(document).numbers("on_s", minimum=0.0)
        if len(hours) == len(self._on_s):  # another number of heaters: count afresh
            self._on_s = list(hours)

    def _count_hours(self, now: float) -> None:
        elapsed_s = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        for i, relay in enumerate(self._relays):
            self._on_s[i] += elapsed_s * relay.is_on
