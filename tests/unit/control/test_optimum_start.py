from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.optimum_start import OptimumStart, Rise, WarmUpModel, next_rise
from lucid2mqtt.control.presets import Preset, PresetOptions
from lucid2mqtt.control.schedule import Switch

SIX = datetime(2026, 11, 23, 6, tzinfo=UTC)
RISE = Rise(SIX, 21.0)
PLAIN = WarmUpModel(rate_k_per_s=2.0 / 3600, delay_s=600.0)  # 2 K/h after 10 min
LOSING = WarmUpModel(rate_k_per_s=2.0 / 3600, delay_s=600.0, loss_per_s=0.05 / 3600)
TICK_S = 60.0


def drive(start: OptimumStart, *, room_c: float, k_per_h: float, outdoor_c: float | None = None) -> tuple[float | None, float]:
    """Lives through the night before six o'clock; when heating began and how warm it was at six, both as told by a room without losses."""
    wall = SIX - timedelta(hours=8)
    now = 0.0
    began_s = None
    at_six_c = math.nan
    while wall < SIX + timedelta(hours=4):
        wants = start.update(now, wall, RISE if wall < SIX else None, room_c, outdoor_c)
        if wants is not None and began_s is None:
            began_s = (SIX - wall).total_seconds()
        if wall == SIX:
            at_six_c = room_c
        if (wants is not None or wall >= SIX) and room_c < RISE.target_c:
            room_c += k_per_h * TICK_S / 3600
        now += TICK_S
        wall += timedelta(seconds=TICK_S)
    return began_s, at_six_c


def test_without_losses_the_warm_up_is_delay_and_rise() -> None:
    assert PLAIN.warm_up_s(18.0, 21.0) == pytest.approx(600 + 1.5 * 3600)
    assert PLAIN.warm_up_s(21.0, 21.0) == 0.0


def test_losses_make_it_longer_and_the_colder_it_is_outside_the_more() -> None:
    mild, cold = LOSING.warm_up_s(18.0, 21.0, 10.0), LOSING.warm_up_s(18.0, 21.0, -10.0)
    assert PLAIN.warm_up_s(18.0, 21.0) < mild < cold
    assert LOSING.warm_up_s(18.0, 21.0) == PLAIN.warm_up_s(18.0, 21.0)


def test_losses_agree_with_a_room_stepped_second_by_second() -> None:
    room_c, seconds = 18.0, 0
    while room_c < 21.0:
        room_c += 2.0 / 3600 - 0.05 / 3600 * (room_c - 0.0)
        seconds += 1
    assert LOSING.warm_up_s(18.0, 21.0, 0.0) == pytest.approx(600 + seconds, rel=1e-3)


def test_a_target_beyond_the_power_of_the_heater_is_begun_at_the_longest_lead() -> None:
    assert LOSING.warm_up_s(18.0, 21.0, -20.0) == math.inf
    assert OptimumStart(LOSING, longest_lead_s=7200).lead_s(18.0, 21.0, -20.0) == 7200


@pytest.mark.parametrize(
    ("rate", "delay_s", "loss"), [(0.0, 0.0, None), (-1.0, 0.0, None), (1.0, -1.0, None), (1.0, 0.0, -0.1), (math.nan, 0.0, None)]
)
def test_a_senseless_model_is_refused(rate: float, delay_s: float, loss: float | None) -> None:
    with pytest.raises(ValueError, match="is no model"):
        WarmUpModel(rate_k_per_s=rate, delay_s=delay_s, loss_per_s=loss)


@given(st.floats(-50, 60), st.floats(5, 35), st.one_of(st.none(), st.floats(-50, 60)))
def test_the_lead_is_always_between_nothing_and_the_longest(room_c: float, target_c: float, outdoor_c: float | None) -> None:
    assert 0.0 <= OptimumStart(LOSING).lead_s(room_c, target_c, outdoor_c) <= 6 * 3600


def test_heating_begins_in_time_and_the_room_is_warm_when_it_should_be() -> None:
    began_s, at_six_c = drive(OptimumStart(WarmUpModel(rate_k_per_s=2.0 / 3600, delay_s=0.0)), room_c=18.0, k_per_h=2.0)
    assert began_s == pytest.approx(1.5 * 3600, abs=TICK_S)
    assert at_six_c == pytest.approx(21.0, abs=0.1)


def test_once_begun_heating_lasts_until_the_switching_time() -> None:
    start = OptimumStart(PLAIN)
    assert start.update(0.0, SIX - timedelta(minutes=50), RISE, 19.5) == 21.0
    assert start.update(60.0, SIX - timedelta(minutes=49), RISE, 21.2) == 21.0
    assert start.update(120.0, SIX - timedelta(minutes=48), RISE, None) == 21.0
    assert start.update(3600.0, SIX, None, 21.2) is None


@pytest.mark.parametrize("room_c", [20.9, 22.0, None])
def test_a_warm_room_and_one_nobody_knows_are_not_heated_early(room_c: float | None) -> None:
    assert OptimumStart(PLAIN).update(0.0, SIX - timedelta(seconds=1), RISE, room_c) is None


def test_without_a_model_nothing_begins_early() -> None:
    assert OptimumStart(None).update(0.0, SIX - timedelta(seconds=1), RISE, 10.0) is None


def test_a_schedule_that_was_changed_ends_the_early_heating() -> None:
    start = OptimumStart(PLAIN)
    assert start.update(0.0, SIX - timedelta(minutes=30), RISE, 19.0) == 21.0
    assert start.update(60.0, SIX - timedelta(minutes=29), Rise(SIX + timedelta(hours=9), 21.0), 19.0) is None


def test_a_clock_that_jumps_back_ends_the_early_heating() -> None:
    start = OptimumStart(PLAIN)
    yesterday = SIX - timedelta(days=1)
    assert start.update(0.0, SIX - timedelta(minutes=30), RISE, 19.0) == 21.0
    assert start.update(60.0, yesterday - timedelta(hours=3), Rise(yesterday, 21.0), 19.0) is None


def test_a_warm_up_that_takes_longer_is_begun_earlier_night_by_night() -> None:
    start = OptimumStart(WarmUpModel(rate_k_per_s=2.0 / 3600, delay_s=0.0))
    leads = [drive(start, room_c=18.0, k_per_h=1.0)[0] or 0.0 for _ in range(12)]
    assert leads == sorted(leads)
    assert drive(start, room_c=18.0, k_per_h=1.0)[1] == pytest.approx(20.8, abs=0.2)
    assert 1.7 < start.factor < 2.0


def test_a_warm_up_that_takes_less_is_begun_later() -> None:
    start = OptimumStart(WarmUpModel(rate_k_per_s=1.0 / 3600, delay_s=0.0))
    for _ in range(8):
        drive(start, room_c=19.0, k_per_h=1.5)
    assert 0.55 < start.factor < 0.75


def test_the_factor_stays_within_bounds_whatever_happens() -> None:
    start = OptimumStart(WarmUpModel(rate_k_per_s=3.0 / 3600, delay_s=0.0))
    for _ in range(20):
        drive(start, room_c=18.0, k_per_h=0.0)
    assert start.factor <= 3.0
    for _ in range(20):
        drive(start, room_c=18.0, k_per_h=60.0)
    assert start.factor >= 0.5


def test_a_warm_up_that_was_disturbed_teaches_nothing() -> None:
    start = OptimumStart(PLAIN)
    assert start.update(0.0, SIX - timedelta(minutes=50), RISE, 19.5) == 21.0
    start.abandon()
    start.update(3000.0, SIX, None, 21.0)
    assert start.factor == 1.0


def test_a_small_rise_and_a_lead_that_was_cut_teach_nothing() -> None:
    small = OptimumStart(PLAIN)
    drive(small, room_c=20.7, k_per_h=20.0)
    cut = OptimumStart(PLAIN, longest_lead_s=600.0)
    drive(cut, room_c=15.0, k_per_h=20.0)
    assert (small.factor, cut.factor) == (1.0, 1.0)


def test_a_new_rise_is_not_held_up_by_one_that_is_still_watched() -> None:
    start = OptimumStart(PLAIN)
    start.update(0.0, SIX - timedelta(hours=2), RISE, 15.0)
    later = Rise(SIX + timedelta(hours=1), 22.0)
    assert start.update(7200.0, SIX, later, 16.0) == 22.0


def test_what_was_learned_survives_a_restart() -> None:
    start = OptimumStart(PLAIN)
    drive(start, room_c=18.0, k_per_h=1.0)
    restarted = OptimumStart(PLAIN)
    restarted.restore(start.saved())
    assert restarted.factor == start.factor > 1.0


@pytest.mark.parametrize("factor", [0.0, 100.0, "1", None])
def test_a_spoilt_document_is_refused_and_changes_nothing(factor: object) -> None:
    start = OptimumStart(PLAIN)
    with pytest.raises(ValueError, match="factor"):
        start.restore({"factor": factor})
    assert start.factor == 1.0


def test_the_next_rise_is_the_first_switch_that_wants_more() -> None:
    options = PresetOptions()
    coming = [Switch(SIX - timedelta(hours=1), Preset.ECO), Switch(SIX, Preset.COMFORT), Switch(SIX + timedelta(hours=1), 25.0)]
    assert next_rise(coming, options.target_of, above_c=18.0, before=SIX - timedelta(hours=2) + OptimumStart(PLAIN).horizon) == RISE
    assert next_rise(coming, options.target_of, above_c=18.0, before=SIX - timedelta(minutes=1)) is None
    assert next_rise(coming[:1], options.target_of, above_c=18.0, before=SIX) is None
