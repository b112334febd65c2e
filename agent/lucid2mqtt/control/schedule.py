"""The weekly schedule: what is wanted since when, and what comes next, in local time.

Switching times are times of the wall clock. When clocks go forward, a time inside the skipped hour happens at the jump;
when they go back, a time inside the repeated hour happens in the first of both, once. A schedule never blocks and holds
no state: before the clock is set it knows nothing, and whoever asks keeps what was last in force.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from lucid2mqtt.control.presets import Preset, Wanted

CLOCK_SET_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
"""A machine without a battery-backed clock starts in the past; an earlier time than this is not believed."""

SCHEDULABLE = (Preset.AWAY, Preset.ECO, Preset.COMFORT, Preset.FROST)
"""Presets a switching time may name: boost has its own timer and none says nothing."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY = "daily"
_ENTRY = re.compile(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s+(\S+)\s*", re.ASCII)
_LOOK_AROUND_DAYS = 8  # a week, and one for zones that skipped a whole day


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the schedule: from `at` (wall clock) on, `wanted` is in force."""

    at: time
    wanted: Wanted

    def __str__(self) -> str:
        return f"{self.at:%H:%M} {self.wanted}"


@dataclass(frozen=True, slots=True)
class Switch:
    """One switching time as an instant (UTC), with what it brings."""

    at: datetime
    wanted: Wanted


class Schedule:
    """A week of entries, Monday first, in the time zone of the house. ValueError when the week is empty."""

    def __init__(self, week: Sequence[Sequence[Entry]], zone: tzinfo) -> None:
        if len(week) != len(_DAYS) or not any(week):
            raise ValueError("a schedule needs seven days and at least one entry")
        self._week = tuple(tuple(sorted(entries, key=lambda entry: entry.at)) for entries in week)
        self._zone = zone

    @property
    def week(self) -> tuple[tuple[Entry, ...], ...]:
        """The entries of each day, Monday first, ascending by time."""
        return self._week

    @property
    def zone(self) -> tzinfo:
        """Whose wall clock the entries are read by."""
        return self._zone

    def in_force(self, now: datetime) -> Switch | None:
        """The last switching time at or before `now` (aware); None while the clock is not set."""
        if clock_objection(now):
            return None
        # begins with tomorrow: where clocks go back over midnight, tomorrow's first minutes have been already
        days = self._days_from(now, first=1, step=-1)
        switches = (self._switch(day, entry) for day in days for entry in reversed(self._week[day.weekday()]))
        return next(switch for switch in switches if switch.at <= now)

    def upcoming(self, now: datetime) -> Iterator[Switch]:
        """The switching times after `now` (aware), ascending, for about a week; none while the clock is not set."""
        if clock_objection(now):
            return
        days = self._days_from(now, first=0, step=1)
        switches = (self._switch(day, entry) for day in days for entry in self._week[day.weekday()])
        yield from (switch for switch in switches if switch.at > now)

    def next_change(self, now: datetime) -> Switch | None:
        """The first switching time after `now` (aware); None while the clock is not set."""
        return next(self.upcoming(now), None)

    def _switch(self, day: date, entry: Entry) -> Switch:
        return Switch(_instant(day, entry.at, self._zone), entry.wanted)

    def _days_from(self, now: datetime, *, first: int, step: int) -> Iterator[date]:
        today = now.astimezone(self._zone).date()
        return (today + timedelta(days=first + step * ahead) for ahead in range(_LOOK_AROUND_DAYS + 2))


def clock_objection(now: datetime) -> str | None:
    """Why the wall clock cannot be believed, as a sentence; None when it can."""
    if now >= CLOCK_SET_SINCE:
        return None
    return f"clock not set (it says {now:%Y-%m-%d %H:%M}): the schedule waits, what was last in force holds"


def parse_schedule(days: Mapping[str, Sequence[str]], zone: tzinfo) -> Schedule:
    """A schedule from its settings form, `{"mon-fri": ["06:00 comfort", "22:00 eco"], "sat,sun": ["08:00 21.5"]}`.

    Keys are days, ranges of days (also over the end of the week), lists of both, or `daily` for all that are not named otherwise;
    every day stands once, a day that is missing has no switching time of its own. Entries name a preset or a temperature in °C.
    Raises ValueError that says what is wrong and what would be right.
    """
    week: list[list[Entry]] = [[] for _ in _DAYS]
    named: set[int] = set()
    for key, lines in sorted(days.items(), key=lambda item: _is_every_day(item[0])):
        entries = _entries(key, lines)
        for day in [day for day in range(len(_DAYS)) if day not in named] if _is_every_day(key) else _day_numbers(key):
            if day in named:
                raise ValueError(f"{_DAYS[day]} is named twice, the second time in {key!r}; put its entries into one list")
            named.add(day)
            week[day] = entries
    if not any(week):
        raise ValueError('the schedule has no entry; write for example {mon-fri: ["06:00 comfort", "22:00 eco"]}')
    return Schedule(week, zone)


def _entries(key: str, lines: Sequence[str]) -> list[Entry]:
    entries = [parse_entry(line) for line in lines]
    for entry in entries:
        if [other.at for other in entries].count(entry.at) > 1:
            raise ValueError(f"{key!r} has two entries at {entry.at:%H:%M}; keep one")
    return entries


def parse_entry(line: str) -> Entry:
    """One entry, `06:00 comfort` or `22:00 17.5`; ValueError that says what is wrong."""
    match = _ENTRY.fullmatch(line)
    if match is None:
        raise ValueError(f'{line!r} is not an entry; write the time and what is wanted, as in "06:00 comfort" or "22:00 17.5"')
    hour, minute, word = match.groups()
    return Entry(time(int(hour), int(minute)), _wanted(word, line))


def _wanted(word: str, line: str) -> Wanted:
    for preset in SCHEDULABLE:
        if word.lower() == preset:
            return preset
    number = word.lower().removesuffix("°c")
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{1,3})?", number, re.ASCII):
        return float(number)
    raise ValueError(f"{line!r}: {word!r} is neither a temperature in °C nor one of {', '.join(SCHEDULABLE)}")


def _is_every_day(key: str) -> bool:
    return key.strip().lower() == _EVERY_DAY


def _day_numbers(key: str) -> list[int]:
    numbers: list[int] = []
    for part in key.lower().split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        start = _day_number(first, key)
        length = (_day_number(last, key) - start) % len(_DAYS) if dash else 0
        numbers.extend((start + step) % len(_DAYS) for step in range(length + 1))
    return numbers


def _day_number(word: str, key: str) -> int:
    if word not in _DAYS:
        raise ValueError(f"{word!r} in {key!r} is not a day; days are {', '.join(_DAYS)}, ranges as in mon-fri, or {_EVERY_DAY}")
    return _DAYS.index(word)


@lru_cache(maxsize=256)  # a control loop asks for the same few days at every step
def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    """When the wall clock in `zone` first shows or passes `at` on `day`, in UTC."""
    wall = datetime.combine(day, at)
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # skipped: taken with the offset after the jump it lies before it, with the offset before the jump after it
    return _jump(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), instant, zone)


def _jump(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The second at which the offset of `zone` changes; it does so once between the two instants."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)
