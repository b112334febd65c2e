from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.window import Cause, WindowOptions, WindowState, WindowWatch

TICK_S = 10.0


def contact(watch: WindowWatch, begin: float, end: float, *, is_open: bool | None) -> WindowState:
    now = begin
    while now <= end:
        watch.update(now, contact_open=is_open)
        now += TICK_S
    return watch.state


def room(watch: WindowWatch, begin: float, end: float, celsius: Callable[[float], float | None]) -> WindowState:
    now = begin
    while now <= end:
        watch.update(now, room_c=celsius(now))
        now += TICK_S
    return watch.state


def falling(k_per_h: float, begin: float = 0.0, start_c: float = 21.0) -> Callable[[float], float]:
    return lambda now: start_c + k_per_h * (now - begin) / 3600


def coarse(celsius: Callable[[float], float]) -> Callable[[float], float]:
    return lambda now: round(celsius(now), 1)


def test_an_open_contact_pauses_heating_after_its_delay() -> None:
    watch = WindowWatch(WindowOptions())
    assert contact(watch, 0, 20, is_open=True) is WindowState.CLOSED
    assert contact(watch, 30, 30, is_open=True) is WindowState.OPEN
    assert watch.pauses_heating


def test_a_bouncing_contact_opens_and_closes_nothing() -> None:
    watch = WindowWatch(WindowOptions())
    for now in range(0, 600, 10):
        assert watch.update(float(now), contact_open=bool(now // 10 % 2)) is WindowState.CLOSED
    contact(watch, 600, 640, is_open=True)
    for now in range(650, 1200, 10):
        assert watch.update(float(now), contact_open=bool(now // 10 % 2)) is WindowState.OPEN


def test_a_closed_contact_ends_the_pause_after_its_delay() -> None:
    watch = WindowWatch(WindowOptions(close_delay_s=60))
    contact(watch, 0, 100, is_open=True)
    assert contact(watch, 110, 160, is_open=False) is WindowState.OPEN
    assert contact(watch, 170, 170, is_open=False) is WindowState.CLOSED


def test_a_forgotten_window_gives_an_alarm_and_heating_goes_on() -> None:
    watch = WindowWatch(WindowOptions())
    assert contact(watch, 0, 30 + 1790, is_open=True) is WindowState.OPEN
    assert contact(watch, 1830, 1830, is_open=True) is WindowState.FORGOTTEN
    assert not watch.pauses_heating
    assert watch.alarm == "window open for more than 30 min by contact: heating goes on; close it, or check the contact"
    assert contact(watch, 1840, 9000, is_open=True) is WindowState.FORGOTTEN
    assert contact(watch, 9010, 9040, is_open=False) is WindowState.CLOSED
    assert watch.alarm is None


def test_a_contact_that_goes_silent_is_bounded_by_the_longest_pause() -> None:
    watch = WindowWatch(WindowOptions())
    contact(watch, 0, 100, is_open=True)
    assert contact(watch, 110, 1820, is_open=None) is WindowState.OPEN
    assert contact(watch, 1830, 3000, is_open=None) is WindowState.FORGOTTEN


@pytest.mark.parametrize("k_per_h", [-3.3, -6.0, -20.0])
def test_a_fast_fall_for_five_minutes_is_an_open_window(k_per_h: float) -> None:
    watch = WindowWatch(WindowOptions())
    assert room(watch, 0, 250, falling(k_per_h)) is WindowState.CLOSED
    assert room(watch, 260, 320, falling(k_per_h)) is WindowState.OPEN


@pytest.mark.parametrize("k_per_h", [-2.7, -1.0, 0.0, 2.0])
def test_a_slow_fall_is_none(k_per_h: float) -> None:
    assert room(WindowWatch(WindowOptions()), 0, 7200, falling(k_per_h)) is WindowState.CLOSED


def test_a_fall_is_seen_through_a_resolution_of_a_tenth() -> None:
    assert room(WindowWatch(WindowOptions()), 0, 600, coarse(falling(-8.0))) is WindowState.OPEN
    assert room(WindowWatch(WindowOptions()), 0, 7200, coarse(falling(-1.0))) is WindowState.CLOSED


@given(st.floats(0, 1200), st.floats(0.1, 5.0))
def test_a_step_as_of_another_sensor_taking_over_is_no_window(step_at: float, step_k: float) -> None:
    watch = WindowWatch(WindowOptions())
    states = {watch.update(float(now), room_c=21.0 - (step_k if now >= step_at else 0.0)) for now in range(0, 1500, 10)}
    assert states == {WindowState.CLOSED}


def test_a_fall_that_ends_is_a_window_that_was_closed() -> None:
    watch = WindowWatch(WindowOptions())
    room(watch, 0, 400, falling(-10.0))
    assert watch.pauses_heating
    assert room(watch, 410, 600, falling(+1.0, 400, 19.9)) is WindowState.OPEN
    assert room(watch, 610, 720, falling(+1.0, 400, 19.9)) is WindowState.CLOSED


def test_a_fall_that_goes_on_becomes_an_alarm() -> None:
    watch = WindowWatch(WindowOptions())
    assert room(watch, 0, 2300, falling(-4.0)) is WindowState.FORGOTTEN
    assert "falling temperature" in (watch.alarm or "")


def test_readings_that_are_missing_tell_no_fall() -> None:
    assert room(WindowWatch(WindowOptions()), 0, 3600, lambda now: None) is WindowState.CLOSED
    after_a_gap = WindowWatch(WindowOptions())
    room(after_a_gap, 0, 100, falling(-10.0))
    assert room(after_a_gap, 1000, 1200, falling(-10.0)) is WindowState.CLOSED


def test_a_contact_that_says_closed_outweighs_a_fall() -> None:
    watch = WindowWatch(WindowOptions())
    for now in range(0, 1200, 10):
        watch.update(float(now), contact_open=False, room_c=falling(-10.0)(now))
    assert watch.state is WindowState.CLOSED


def test_the_fall_can_be_left_out() -> None:
    assert room(WindowWatch(WindowOptions(slope_k_per_h=None)), 0, 1200, falling(-20.0)) is WindowState.CLOSED


def test_fast_sampling_keeps_memory_bounded() -> None:
    watch = WindowWatch(WindowOptions())
    for tick in range(10_000):
        watch.update(tick * 0.1, room_c=21.0)
    assert len(watch._samples) <= 61


@pytest.mark.parametrize("fields", [{"slope_k_per_h": 3.0}, {"open_delay_s": -1.0}, {"longest_pause_s": 0.0}, {"slope_span_s": 0.0}])
def test_options_that_cannot_be_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"slope_k_per_h|delays"):
        WindowOptions(**fields)


def test_a_restart_neither_forgets_nor_prolongs_the_pause() -> None:
    watch = WindowWatch(WindowOptions())
    contact(watch, 0, 1030, is_open=True)
    restarted = WindowWatch(WindowOptions())
    restarted.restore(json.loads(json.dumps(watch.saved(1030))), 5.0)
    assert restarted.pauses_heating
    assert contact(restarted, 5, 795, is_open=True) is WindowState.OPEN
    assert contact(restarted, 805, 805, is_open=True) is WindowState.FORGOTTEN


@pytest.mark.parametrize("change", [{"state": "ajar"}, {"cause": 5}, {"open_s": -1}, {"open_s": None}])
def test_a_spoilt_document_is_refused_and_changes_nothing(change: dict[str, object]) -> None:
    watch = WindowWatch(WindowOptions())
    with pytest.raises(ValueError, match=r"."):
        watch.restore({"state": "open", "cause": Cause.FALL.value, "open_s": 1.0, **change}, 0.0)
    assert watch.state is WindowState.CLOSED
