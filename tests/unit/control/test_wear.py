from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.wear import DAYS_KEPT, RelayCounter, RelayWear

DAY_S = 86_400.0


def worn(days: int, per_day: int) -> RelayWear:
    wear = RelayWear()
    for _ in range(days):
        for _ in range(per_day):
            wear = wear.after(DAY_S / per_day / 2, 1).after(DAY_S / per_day / 2)
    return wear


def test_closures_are_counted_per_day_and_in_all() -> None:
    wear = worn(3, 90).after(1000.0, 5)
    assert (wear.total, wear.days, wear.today) == (275, (90, 90, 90), 5)


def test_only_the_last_thirty_days_are_kept() -> None:
    wear = worn(40, 2)
    assert wear.days == (2,) * DAYS_KEPT
    assert wear.total == 80


def test_days_without_a_closure_count_as_such() -> None:
    wear = worn(2, 10).after(3 * DAY_S + 60.0, 1)
    assert wear.days == (10, 10, 0, 0, 0)
    assert wear.today == 1
    assert wear.today_s == pytest.approx(60.0)


@pytest.mark.parametrize("elapsed_s", [1e3 * DAY_S, 1e12])
def test_a_very_long_time_leaves_thirty_empty_days(elapsed_s: float) -> None:
    assert worn(2, 10).after(elapsed_s).days == (0,) * DAYS_KEPT


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert worn(2, 10).after(-1e9, 1).total == 21
    assert worn(2, 10).after(-1e9).days == (10, 10)


def test_the_forecast_is_what_is_left_at_the_mean_rate() -> None:
    wear = worn(30, 95)
    assert wear.per_day == 95
    assert wear.days_left() == pytest.approx((100_000 - 30 * 95) / 95)


def test_before_the_first_day_is_over_and_without_closures_there_is_no_forecast() -> None:
    assert RelayWear().after(3600.0, 50).days_left() is None
    assert RelayWear().after(5 * DAY_S).days_left() is None


def test_the_owner_is_warned_from_eighty_percent_on() -> None:
    wear = RelayWear(total=79_999, days=(100,) * 30)
    assert wear.warning() is None
    assert wear.after(1.0, 1).warning() == (
        "relay has closed 80000 times of 100000 it is rated for, about 200 days left at the present rate; plan its replacement"
    )
    assert RelayWear(total=40_000).warning(rated=50_000) is not None


def test_a_relay_beyond_its_rated_life_has_no_day_left() -> None:
    wear = RelayWear(total=100_001)
    assert wear.days_left() == 0.0
    assert "about 0 days left" in (wear.warning() or "")


def test_the_counter_counts_what_closes() -> None:
    counter = RelayCounter(RelayWear(), 100.0)
    states = [False, True, True, False, True, False, False]
    for step, is_closed in enumerate(states):
        wear = counter.note(100.0 + step, is_closed=is_closed)
    assert (wear.total, wear.today_s) == (2, 6.0)


def test_a_relay_found_closed_has_not_closed_just_now() -> None:
    counter = RelayCounter(RelayWear(), 0.0)
    assert counter.note(1.0, is_closed=True).total == 0


def test_a_relay_that_closed_while_it_could_not_be_seen_is_counted_once() -> None:
    counter = RelayCounter(RelayWear(), 0.0)
    counter.note(1.0, is_closed=False)
    counter.note(2.0, is_closed=None)
    assert counter.note(3.0, is_closed=True).total == 1


def test_time_that_goes_back_is_not_counted_twice() -> None:
    counter = RelayCounter(RelayWear(), 0.0)
    counter.note(50.0, is_closed=False)
    counter.note(20.0, is_closed=False)
    assert counter.note(60.0, is_closed=False).today_s == 60.0


@given(st.lists(st.tuples(st.floats(-1e5, 3 * DAY_S), st.integers(0, 3)), max_size=60))
def test_nothing_is_lost_and_a_restart_changes_nothing(steps: list[tuple[float, int]]) -> None:
    wear = RelayWear()
    for elapsed_s, closures in steps:
        wear = wear.after(elapsed_s, closures)
        wear = RelayWear.from_saved(json.loads(json.dumps(wear.saved())))
    assert wear.total == sum(closures for _, closures in steps)
    assert 0 <= wear.today_s < DAY_S
    assert len(wear.days) <= DAYS_KEPT
    assert sum(wear.days) + wear.today <= wear.total


@pytest.mark.parametrize("change", [{"total": -1}, {"total": 1.5}, {"days": "12"}, {"days": [1, -1]}, {"today": None}, {"today_s": 1e9}])
def test_a_spoilt_document_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="saved field"):
        RelayWear.from_saved({**RelayWear().saved(), **change})
