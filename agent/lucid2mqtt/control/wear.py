"""Relay accounting: closures in all and per day, and how long the relay will last.

A day is 24 hours of running time, not a calendar day: no step of the wall clock, no missing clock and no change to summer
time can distort it, and days on which the agent does not run do not count as days of rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lucid2mqtt.control.saved import Document, Saved

DAYS_KEPT = 30
RATED_CLOSURES = 100_000
"""The usual data-sheet class at rated resistive load; no figure is published for LucidControl relays (protocol page 12.9)."""
WARN_AT = 0.8

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class RelayWear:
    """What one relay has done. `days` are the closures of the last whole days, newest last; `today` has run for `today_s`."""

    total: int = 0
    days: tuple[int, ...] = ()
    today: int = 0
    today_s: float = 0.0

    def after(self, elapsed_s: float, closures: int = 0) -> RelayWear:
        """The account after `elapsed_s` more seconds (a negative time is none), at whose end `closures` were seen."""
        whole, today_s = divmod(self.today_s + max(0.0, elapsed_s), _DAY_S)
        aged = replace(self, today_s=today_s)
        if whole:
            days = (*self.days, self.today) + (0,) * min(int(whole) - 1, DAYS_KEPT)
            aged = replace(aged, days=days[-DAYS_KEPT:], today=0)
        return replace(aged, total=self.total + closures, today=aged.today + closures)

    @property
    def per_day(self) -> float | None:
        """Mean closures of the last 30 whole days, or of as many as there are; None before the first is over."""
        return sum(self.days) / len(self.days) if self.days else None

    def days_left(self, rated: int = RATED_CLOSURES) -> float | None:
        """Running days until `rated` closures are reached, at the present mean; None while that cannot be told."""
        if self.total >= rated:
            return 0.0
        return (rated - self.total) / self.per_day if self.per_day else None

    def warning(self, rated: int = RATED_CLOSURES) -> str | None:
        """A sentence for the owner once 80 % of the rated life are used."""
        if self.total < WARN_AT * rated:
            return None
        left = self.days_left(rated)
        outlook = "" if left is None else f", about {left:.0f} days left at the present rate"
        return f"relay has closed {self.total} times of {rated} it is rated for{outlook}; plan its replacement"

    def saved(self) -> Document:
        """What `from_saved` needs, to be kept on disk."""
        return {"total": self.total, "days": list(self.days), "today": self.today, "today_s": self.today_s}

    @classmethod
    def from_saved(cls, document: Mapping[str, object]) -> RelayWear:
        """The account that `saved` gave; ValueError for anything else."""
        saved = Saved(document)
        today_s = saved.number("today_s", minimum=0.0, maximum=_DAY_S)
        return cls(saved.count("total"), saved.counts("days")[-DAYS_KEPT:], saved.count("today"), today_s)


class RelayCounter:
    """Turns what a relay is seen doing into its account. `now` is monotonic, in seconds."""

    def __init__(self, wear: RelayWear, now: float) -> None:
        self._wear = wear
        self._noted_at = now
        self._was_closed: bool | None = None

    def note(self, now: float, *, is_closed: bool | None) -> RelayWear:
        """The account at `now`; `is_closed` None: not known. A relay that is found closed at the very first has not closed just now."""
        closures = int(is_closed is True and self._was_closed is False)
        self._wear = self._wear.after(now - self._noted_at, closures)
        self._noted_at = max(now, self._noted_at)
        if is_closed is not None:
            self._was_closed = is_closed
        return self._wear
