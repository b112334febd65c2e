"""Totals against the pulses there really were."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.counter import COUNTER_SPAN, FASTEST_HZ, PulseCount

RAW = st.integers(0, COUNTER_SPAN - 1)


def test_the_first_reading_begins_with_the_modules_own_count() -> None:
    assert PulseCount().after(1234, elapsed_s=None) == PulseCount(1234, 1234)


def test_a_counter_that_wraps_goes_on() -> None:
    assert PulseCount(100, 65_530).after(10, elapsed_s=1.0).total == 116


def test_a_fall_that_no_pulse_train_can_explain_is_a_restart() -> None:
    assert PulseCount(100, 30_000).after(10, elapsed_s=1.0).total == 110


def test_after_an_interruption_a_fall_is_a_restart() -> None:
    assert PulseCount(100, 65_530).after(10, elapsed_s=None).total == 110


def test_pulses_counted_while_nobody_read_are_not_lost() -> None:
    assert PulseCount(100, 500).after(800, elapsed_s=None).total == 400


def test_full_scale_twice_is_stuck_until_it_moves() -> None:
    once = PulseCount(0, 65_000).after(65_535, elapsed_s=1.0)
    twice = once.after(65_535, elapsed_s=1.0)
    assert (once.stuck, twice.stuck) == (False, True)
    assert twice.total == once.total
    moved = twice.after(4, elapsed_s=1.0)
    assert (moved.stuck, moved.total) == (False, once.total + 5)


def test_a_counter_that_resets_adds_what_it_gives() -> None:
    count = PulseCount().after_window(5, elapsed_s=None).after_window(0, elapsed_s=1.0).after_window(7, elapsed_s=1.0)
    assert count.total == 12


def test_a_counter_said_to_reset_that_does_not_adds_its_full_scale_once() -> None:
    count = PulseCount().after_window(65_535, elapsed_s=None)
    for _ in range(100):
        count = count.after_window(65_535, elapsed_s=1.0)
    assert count == PulseCount(65_535, 65_535, stuck=True)


def test_full_scale_that_was_possible_in_the_time_is_counted() -> None:
    count = PulseCount(0, 65_535).after_window(65_535, elapsed_s=3600.0)
    assert (count.total, count.stuck) == (65_535, True)


@given(RAW, RAW, st.none() | st.floats(0, 100))
def test_a_total_never_falls_and_never_grows_by_more_than_the_counter_can_show(before: int, now: int, elapsed_s: float | None) -> None:
    for step in (PulseCount(1_000, before).after, PulseCount(1_000, before).after_window):
        assert 1_000 <= step(now, elapsed_s=elapsed_s).total <= 1_000 + COUNTER_SPAN


@dataclass(frozen=True)
class Beat:
    """One second or less of a meter's life, then it is read."""

    share: float  # of the fastest rate
    elapsed_s: float
    restarted: bool


BEATS = st.lists(st.builds(Beat, st.floats(0, 1), st.floats(0.01, 10), st.booleans()), max_size=60)


@given(RAW, BEATS)
def test_wraps_cost_nothing_and_restarts_told_by_the_link_cost_only_what_was_not_read(first: int, beats: list[Beat]) -> None:
    count = PulseCount().after(first, elapsed_s=None)
    raw, true = first, first
    for beat in beats:
        pulses = int(beat.share * FASTEST_HZ * beat.elapsed_s)
        raw = pulses if beat.restarted else (raw + pulses) % COUNTER_SPAN
        true += pulses
        before = count
        count = count.after(raw, elapsed_s=None if beat.restarted else beat.elapsed_s)
        if beat.restarted and raw >= (before.raw or 0):
            assert count.total <= true
            true = count.total  # a restart hidden by a larger count loses pulses; it cannot be seen
        assert count.total == true


@given(RAW, st.floats(0.01, 10), st.integers(0, 100))
def test_a_restart_nobody_told_never_adds_more_than_was_possible(before: int, elapsed_s: float, pulses: int) -> None:
    gained = PulseCount(0, before).after(min(pulses, before), elapsed_s=elapsed_s).total
    assert gained <= FASTEST_HZ * (elapsed_s + 0.1) or gained == min(pulses, before)


@given(st.lists(st.integers(0, 65_534)))
def test_windows_add_up(windows: list[int]) -> None:
    count = PulseCount()
    for window in windows:
        count = count.after_window(window, elapsed_s=1.0)
    assert count.total == sum(windows)
