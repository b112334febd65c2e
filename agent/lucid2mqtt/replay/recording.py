"""A recorded day: a table of what was measured, and what the thermostat would have done with it.

The recorded room does not answer: whatever the thermostat does, the next row is as it was written down. So a replay shows
decisions (when it would have heated, what it would have complained of), not how well it would have held the temperature.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from lucid2mqtt.climate.options import ClimateOptions
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.errors import RequestRejected
from lucid2mqtt.replay.day import A_MONDAY, Command, Deed
from lucid2mqtt.replay.moment import Moment
from lucid2mqtt.replay.rehearsal import Rehearsal, Surroundings

COLUMNS = ("time", "temperature", "target", "outdoor", "limiter")
LONGEST_GAP_S = 3600.0
"""A row counts until the next one, but not longer than this: then the sensor was silent."""
_LONGEST_S = 70 * 86_400.0
_MOST_ROWS = 500_000


@dataclass(frozen=True, slots=True)
class Row:
    """None: nothing was recorded there."""

    at_s: float
    temperature_c: float | None
    target_c: float | None
    outdoor_c: float | None
    limiter_c: float | None


@dataclass(frozen=True, slots=True)
class Recording:
    """`begins` (aware) is the wall clock of the first row, at second 0; a Monday at midnight where times were plain seconds."""

    begins: datetime
    rows: tuple[Row, ...]
    has_outdoor: bool
    has_limiter: bool

    @property
    def length_s(self) -> float:
        return self.rows[-1].at_s


class BadRecording(ValueError):
    """`line` counts from 1, the header."""

    def __init__(self, line: int, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.remedy = remedy


def read_recording(lines: Iterable[str], *, naive: Callable[[datetime], datetime]) -> Recording:
    """The table in `lines`, with commas, semicolons or tabs between; `naive` gives a time without offset its time zone.

    Raises BadRecording with the line of the first fault.
    """
    source = iter(lines)
    header = next(source, "")
    reader = csv.reader(source, delimiter=_delimiter(header))
    places = _places(next(csv.reader([header], delimiter=_delimiter(header)), []))
    rows: list[Row] = []
    clock = _Clock(naive)
    for line, cells in _numbered(reader):
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) >= _MOST_ROWS:
            raise BadRecording(line, f"more than {_MOST_ROWS} rows", "leave out what need not be replayed")
        at_s = clock.since_begin(line, _cell(cells, places, "time"))
        if rows and at_s <= rows[-1].at_s:
            raise BadRecording(line, "this time is not after the one before", "sort the rows by time and keep one of each")
        if at_s > _LONGEST_S:
            raise BadRecording(line, "the recording is longer than 70 days", "leave out what need not be replayed")
        rows.append(Row(at_s, *(_celsius(line, name, _cell(cells, places, name)) for name in COLUMNS[1:])))
    if len(rows) < 2:
        raise BadRecording(1, "a recording needs at least two rows below the header", "write one row for each reading")
    return Recording(clock.begins, tuple(rows), "outdoor" in places, "limiter" in places)


class Playback:
    """Plays `recording` to a thermostat, open loop."""

    def __init__(self, recording: Recording, options: ClimateOptions) -> None:
        self._recording = recording
        self._options = options
        self.refusals: list[tuple[Command, RequestRejected]] = []
        self._rehearsal = Rehearsal(options, recording.begins)

    def run(self) -> Iterator[Moment]:
        """Every row, and in between whenever the thermostat asks for it. Targets that were refused are in `refusals` afterwards."""
        rows = self._recording.rows
        target_c: float | None = None
        for row, following in zip(rows, (*rows[1:], None), strict=True):
            if row.target_c is not None and row.target_c != target_c:
                target_c = row.target_c
                self._aim_at(Command(row.at_s, Deed.TARGET, target_c))
            now, until_s = row.at_s, following.at_s if following is not None else math.nextafter(row.at_s, math.inf)
            while now < until_s:
                seen = self._seen(row, now)
                decision = self._rehearsal.step(now, seen)
                yield self._rehearsal.moment(
                    now,
                    reading_c=seen.sensors[0].value,
                    true_c=None,
                    outdoor_c=row.outdoor_c,
                    delivered=decision.heating.delivered - decision.cooling.delivered,
                )
                now = decision.next_at

    def _aim_at(self, command: Command) -> None:
        try:
            self._rehearsal.obey(command)
        except RequestRejected as refusal:
            self.refusals.append((command, refusal))

    def _seen(self, row: Row, now: float) -> Surroundings:
        silent_s = now - row.at_s
        sensor = _sample(row.temperature_c, silent_s)
        return Surroundings(
            # every control sensor of the settings reads what the one column says
            sensors=(sensor,) * len(self._options.sensors),
            limiter=_sample(row.limiter_c, silent_s) if self._options.limiter is not None else None,
            outdoor=_sample(row.outdoor_c, silent_s) if self._options.outdoor is not None else None,
        )


def _sample(celsius: float | None, silent_s: float) -> Sample:
    if silent_s > LONGEST_GAP_S:
        return Sample(None, reason=f"no row for {silent_s / 60:.0f} min")
    return Sample(celsius, reason="" if celsius is not None else "nothing was recorded")


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    line = 1
    while True:
        line += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            raise BadRecording(line, f"cannot be read: {fault}") from None
        yield line, cells


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _places(header: list[str]) -> dict[str, int]:
    names = [name.strip().strip("\ufeff").casefold() for name in header]
    for name in names:
        if name not in COLUMNS:
            raise BadRecording(1, f"there is no column {name!r}", f"name the columns {', '.join(COLUMNS)}; the first two are needed")
        if names.count(name) > 1:
            raise BadRecording(1, f"the column {name} stands there twice", "keep one")
    for needed in COLUMNS[:2]:
        if needed not in names:
            raise BadRecording(1, f"the column {needed} is missing", f"begin the file with a line such as {','.join(COLUMNS[:3])}")
    return {name: place for place, name in enumerate(names)}


def _cell(cells: list[str], places: dict[str, int], name: str) -> str:
    place = places.get(name)
    return cells[place].strip() if place is not None and place < len(cells) else ""


def _celsius(line: int, name: str, text: str) -> float | None:
    if not text or text.casefold() in ("unavailable", "unknown", "none", "nan"):
        return None
    try:
        celsius = float(text)
    except ValueError:
        celsius = math.nan
    if not math.isfinite(celsius):
        raise BadRecording(line, f"{name} {text[:40]!r} is no number", "write °C with a decimal point, or leave the cell empty")
    return celsius


class _Clock:
    """Turns the first column into seconds since its first entry."""

    def __init__(self, naive: Callable[[datetime], datetime]) -> None:
        self.begins = A_MONDAY
        self._naive = naive
        self._first: datetime | float | None = None

    def since_begin(self, line: int, text: str) -> float:
        when = self._read(line, text)
        if self._first is None:
            self._first = when
            self.begins = when if isinstance(when, datetime) else A_MONDAY
        match when, self._first:
            case datetime(), datetime() as first:
                return (when - first).total_seconds()
            case float(), float() as first:
                return when - first
        raise BadRecording(line, "this time is written in another form than the first", "write all times alike")

    def _read(self, line: int, text: str) -> datetime | float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if math.isfinite(seconds):
            return seconds
        try:
            when = datetime.fromisoformat(text)
            return when if when.tzinfo is not None else self._naive(when)
        except (ValueError, OverflowError):
            message = f"{text[:40]!r} is no time"
            raise BadRecording(line, message, "write seconds, or ISO 8601 such as 2026-01-12T06:30:00+01:00") from None
