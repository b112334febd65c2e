from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.presets import Preset
from lucid2mqtt.control.schedule import SCHEDULABLE, Entry, Schedule, Switch, clock_objection, parse_entry, parse_schedule

BERLIN = ZoneInfo("Europe/Berlin")
EXAMPLE = {"mon-fri": ["06:00 comfort", "22:00 eco"], "sat,sun": ["08:30 21.5", "23:00 eco"]}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def wanted_at(schedule: Schedule, moment: datetime) -> object:
    switch = schedule.in_force(moment)
    return switch and switch.wanted


def test_the_entry_in_force_is_the_last_one_that_was_due() -> None:
    schedule = parse_schedule(EXAMPLE, BERLIN)
    assert wanted_at(schedule, at("2026-11-23T05:59:59")) == Preset.ECO  # Monday, since Sunday 23:00
    assert wanted_at(schedule, at("2026-11-23T06:00:00")) == Preset.COMFORT
    assert wanted_at(schedule, at("2026-11-21T12:00:00")) == 21.5
    assert schedule.in_force(at("2026-11-23T05:00:00")) == Switch(at("2026-11-22T23:00:00").astimezone(UTC), Preset.ECO)


def test_the_next_change_is_the_first_one_that_is_not_due_yet() -> None:
    schedule = parse_schedule(EXAMPLE, BERLIN)
    assert schedule.next_change(at("2026-11-20T22:00:00")) == Switch(at("2026-11-21T08:30:00").astimezone(UTC), 21.5)
    assert schedule.next_change(at("2026-11-23T05:59:59")) == Switch(at("2026-11-23T06:00:00").astimezone(UTC), Preset.COMFORT)


def test_a_single_entry_holds_all_week() -> None:
    schedule = parse_schedule({"wed": ["12:00 eco"]}, BERLIN)
    assert schedule.in_force(at("2026-11-25T11:59:00")) == Switch(at("2026-11-18T12:00:00").astimezone(UTC), Preset.ECO)
    assert schedule.next_change(at("2026-11-25T12:00:00")) == Switch(at("2026-12-02T12:00:00").astimezone(UTC), Preset.ECO)


def test_the_upcoming_switches_cover_a_week_in_order() -> None:
    coming = list(parse_schedule(EXAMPLE, BERLIN).upcoming(at("2026-11-23T12:00:00")))
    assert coming == sorted(coming, key=lambda switch: switch.at)
    assert coming[-1].at - coming[0].at >= timedelta(days=7)


def test_a_time_inside_the_skipped_hour_happens_at_the_jump() -> None:
    schedule = parse_schedule({"daily": ["02:30 comfort", "12:00 eco"]}, BERLIN)
    jump = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:00 becomes 03:00
    assert schedule.next_change(jump - timedelta(seconds=1)) == Switch(jump, Preset.COMFORT)
    assert wanted_at(schedule, jump - timedelta(seconds=1)) == Preset.ECO
    assert wanted_at(schedule, jump) == Preset.COMFORT


def test_of_two_times_inside_the_skipped_hour_the_later_stands() -> None:
    schedule = parse_schedule({"daily": ["02:15 comfort", "02:45 eco"]}, BERLIN)
    assert wanted_at(schedule, datetime(2026, 3, 29, 1, 0, tzinfo=UTC)) == Preset.ECO


def test_a_time_inside_the_repeated_hour_happens_once() -> None:
    schedule = parse_schedule({"daily": ["02:30 comfort", "12:00 eco"]}, BERLIN)
    night = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 summer time; 03:00 becomes 02:00 an hour later
    switches = [switch for switch in schedule.upcoming(night) if switch.at < night + timedelta(hours=4)]
    assert switches == [Switch(night + timedelta(minutes=30), Preset.COMFORT)]
    second = at("2026-10-25T02:10:00", fold=1)
    assert wanted_at(schedule, second) == Preset.COMFORT


class BackOverMidnight(tzinfo):
    """Clocks go back by an hour at half past midnight, as in Newfoundland until 2011: the date goes back with them."""

    change = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 00:30 on Sunday becomes 23:30 on Saturday

    def fromutc(self, moment: datetime) -> datetime:
        instant = moment.replace(tzinfo=UTC)
        is_repeated = self.change <= instant < self.change + timedelta(hours=1)
        return (moment + timedelta(hours=instant < self.change)).replace(tzinfo=self, fold=int(is_repeated))

    def utcoffset(self, moment: datetime | None) -> timedelta:
        assert moment is not None
        wall = moment.replace(tzinfo=UTC)
        repeats_until = self.change + timedelta(hours=1)
        return timedelta(hours=wall < self.change or (wall < repeats_until and not moment.fold))

    def dst(self, moment: datetime | None) -> timedelta:
        return self.utcoffset(moment)

    def tzname(self, moment: datetime | None) -> str:
        return "back over midnight"


def test_clocks_that_go_back_over_midnight_do_not_undo_the_new_day() -> None:
    schedule = parse_schedule({"sun": ["00:10 comfort"], "sat": ["12:00 eco"]}, BackOverMidnight())
    again_saturday = BackOverMidnight.change + timedelta(minutes=5)
    assert again_saturday.astimezone(BackOverMidnight()).date() == date(2026, 10, 24)
    assert wanted_at(schedule, again_saturday) == Preset.COMFORT
    assert (schedule.next_change(again_saturday) or Switch(again_saturday, 0.0)).wanted == Preset.ECO


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=5, minutes=45)), UTC])
def test_a_fixed_offset_is_a_zone_too(zone: tzinfo) -> None:
    schedule = parse_schedule({"daily": ["06:00 comfort", "22:00 eco"]}, zone)
    assert wanted_at(schedule, datetime(2026, 5, 1, 6, 0, tzinfo=zone)) == Preset.COMFORT


@pytest.mark.parametrize("moment", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, 23, 59, tzinfo=UTC)])
def test_without_a_set_clock_the_schedule_knows_nothing_and_says_so(moment: datetime) -> None:
    schedule = parse_schedule(EXAMPLE, BERLIN)
    assert schedule.in_force(moment) is None
    assert schedule.next_change(moment) is None
    assert "clock not set" in (clock_objection(moment) or "")


def test_a_set_clock_is_believed() -> None:
    assert clock_objection(datetime(2025, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("settings", "days"),
    [
        ({"daily": ["6:00 eco"]}, DAYS),
        ({"fri-mon": ["06:00 eco"]}, ("fri", "sat", "sun", "mon")),
        ({" Mon - Wed , SAT": ["06:00 ECO"]}, ("mon", "tue", "wed", "sat")),
        ({"sun": ["06:00 eco"], "tue": []}, ("sun",)),
    ],
)
def test_days_are_written_in_ranges_and_lists(settings: dict[str, list[str]], days: tuple[str, ...]) -> None:
    week = parse_schedule(settings, BERLIN).week
    assert [day for day, entries in zip(DAYS, week, strict=True) if entries] == [day for day in DAYS if day in days]
    assert {entry for entries in week for entry in entries} == {Entry(time(6), Preset.ECO)}


def test_a_day_of_its_own_takes_the_place_of_daily_wherever_it_stands() -> None:
    schedule = parse_schedule({"daily": ["06:30 comfort"], "sat,sun": ["08:00 eco"]}, BERLIN)
    assert schedule.week == parse_schedule({"sat-sun": ["08:00 eco"], "mon-fri": ["06:30 comfort"]}, BERLIN).week
    assert schedule.week == parse_schedule({"sat,sun": ["08:00 eco"], "Daily": ["06:30 comfort"]}, BERLIN).week
    assert parse_schedule({"daily": ["06:30 comfort"], "sun": []}, BERLIN).week[6] == ()


def test_entries_are_put_in_order() -> None:
    assert [str(entry) for entry in parse_schedule({"mon": ["22:00 eco", "06:00 19.5°C"]}, BERLIN).week[0]] == ["06:00 19.5", "22:00 eco"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "no entry"),
        ({"mon": []}, "no entry"),
        ({"monday": ["06:00 eco"]}, "'monday' in 'monday' is not a day; days are mon, tue"),
        ({"mon-": ["06:00 eco"]}, "'' in 'mon-' is not a day"),
        ({"mon-fri": ["06:00 eco"], "fri": ["07:00 eco"]}, "fri is named twice, the second time in 'fri'"),
        ({"mon,mon": ["06:00 eco"]}, "mon is named twice"),
        ({"mon": ["06:00 eco", "6:00 comfort"]}, "two entries at 06:00"),
        ({"mon": ["24:00 eco"]}, "'24:00 eco' is not an entry; write the time"),
        ({"mon": ["06:00"]}, "is not an entry"),
        ({"mon": ["06:00 boost"]}, "'boost' is neither a temperature in °C nor one of away, eco, comfort, frost"),
        ({"mon": ["06:00 none"]}, "'none' is neither"),
        ({"mon": ["06:00 nan"]}, "'nan' is neither"),
        ({"mon": ["06:00 1e3"]}, "'1e3' is neither"),
        ({"mon": ["٠٦:00 eco"]}, "is not an entry"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(settings: dict[str, list[str]], complaint: str) -> None:
    with pytest.raises(ValueError, match="^.*" + complaint.replace("(", r"\(")):
        parse_schedule(settings, BERLIN)


def test_a_week_without_entries_is_no_schedule() -> None:
    with pytest.raises(ValueError, match="at least one entry"):
        Schedule([()] * 7, BERLIN)


ENTRIES = st.builds(
    Entry,
    st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    st.one_of(st.sampled_from(SCHEDULABLE), st.integers(-100, 1000).map(lambda tenths: tenths / 10)),
)


@given(ENTRIES)
def test_an_entry_reads_back_as_it_is_shown(entry: Entry) -> None:
    assert parse_entry(str(entry)) == entry


@given(st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=3), max_size=3))
def test_any_other_text_is_a_schedule_or_refused(settings: dict[str, list[str]]) -> None:
    try:
        schedule = parse_schedule(settings, BERLIN)
    except ValueError:
        return
    assert any(schedule.week)


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "Asia/Kathmandu"])
WEEKS = st.lists(st.lists(ENTRIES, max_size=3, unique_by=lambda entry: entry.at), min_size=7, max_size=7).filter(any)
MOMENTS = st.integers(0, 3 * 366 * 24 * 60).map(lambda minutes: datetime(2025, 1, 20, tzinfo=UTC) + timedelta(minutes=minutes))


@given(WEEKS, ZONES, MOMENTS)
def test_past_and_future_of_the_schedule_agree(week: list[list[Entry]], zone: str, moment: datetime) -> None:
    schedule = Schedule(week, ZoneInfo(zone))
    current = schedule.in_force(moment)
    coming = schedule.next_change(moment)
    assert current is not None
    assert coming is not None
    assert current.at <= moment < coming.at
    assert schedule.in_force(coming.at - timedelta(seconds=1)) == current
    assert (schedule.in_force(coming.at) or coming).at == coming.at


CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),  # half an hour forward
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, 0, tzinfo=UTC)),  # half an hour back
    ("America/Santiago", datetime(2026, 9, 6, 4, 0, tzinfo=UTC)),  # midnight is skipped
    ("America/Santiago", datetime(2026, 4, 5, 3, 0, tzinfo=UTC)),  # back over midnight
]


@pytest.mark.parametrize(("zone_name", "change"), CHANGES)
@given(entry_at=st.builds(time, st.sampled_from([22, 23, 0, 1, 2, 3]), st.sampled_from([0, 15, 30, 45])))
def test_around_a_change_of_the_clocks_every_time_happens_once_when_first_reached(zone_name: str, change: datetime, entry_at: time) -> None:
    """Checked against a watch that is looked at every quarter of an hour and rings when the time of a day is first reached or passed."""
    zone = ZoneInfo(zone_name)
    schedule = Schedule([[Entry(entry_at, Preset.ECO)]] * 7, zone)
    begin = change - timedelta(hours=26)
    rung: dict[date, datetime] = {}
    for quarter in range(4 * 52):
        moment = begin + timedelta(minutes=15 * quarter)
        wall = moment.astimezone(zone).replace(tzinfo=None)
        for day in (wall.date(), wall.date() - timedelta(days=1)):
            if wall >= datetime.combine(day, entry_at):
                rung.setdefault(day, moment)
    expected = sorted(at for at in rung.values() if at > begin)
    assert [switch.at for switch in schedule.upcoming(begin) if switch.at <= moment] == expected
