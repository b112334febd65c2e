from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.failure import (
    ActuatorWatch,
    Excitation,
    Failsafe,
    FailureOptions,
    LoopBreak,
    LossStage,
    RiseAtZeroDuty,
    SensorLoss,
    StuckWatch,
)
from lucid2mqtt.control.tuning import CAUTIOUS_ROOM

HOUR = 3600.0
ROOM = replace(CAUTIOUS_ROOM, rate_k_per_s=4.6 / HOUR, dead_time_s=600.0, holding_duty=0.4)
VESSEL = replace(CAUTIOUS_ROOM, rate_k_per_s=0.3, dead_time_s=20.0, holding_duty=0.3)


def stage_after(loss: SensorLoss, seconds: float, dead_time_s: float = 600.0, **facts: bool) -> LossStage:
    known = {"is_known": False, "is_stuck": False, "has_history": True, **facts}
    loss.stage(0.0, dead_time_s=dead_time_s, **known)
    return loss.stage(seconds, dead_time_s=dead_time_s, **known)


@pytest.mark.parametrize(
    ("seconds", "dead_time_s", "expected"),
    [
        (60.0, 600.0, LossStage.GLITCH),
        (601.0, 600.0, LossStage.DEGRADED),
        (4 * HOUR - 1, 600.0, LossStage.DEGRADED),
        (4 * HOUR, 600.0, LossStage.FAILED),
        (599.0, 20.0, LossStage.GLITCH),
        (1999.0, 20.0, LossStage.DEGRADED),
        (2001.0, 20.0, LossStage.FAILED),
    ],
)
def test_the_stages_of_a_lost_sensor_scale_with_the_plant(seconds: float, dead_time_s: float, expected: LossStage) -> None:
    assert stage_after(SensorLoss(FailureOptions()), seconds, dead_time_s) is expected


def test_who_drives_it_learns_when_the_stage_ends() -> None:
    loss = SensorLoss(FailureOptions(glitch_s=60.0, failed_after_s=600.0))
    assert loss.next_stage_s(0.0, 600.0) == math.inf
    assert stage_after(loss, 10.0) is LossStage.GLITCH
    assert loss.next_stage_s(10.0, 600.0) == 50.0
    assert loss.next_stage_s(60.0, 600.0) == 540.0
    assert loss.next_stage_s(600.0, 600.0) == math.inf


def test_a_stuck_sensor_or_no_history_is_failed_at_once() -> None:
    assert stage_after(SensorLoss(FailureOptions()), 1.0, is_stuck=True) is LossStage.FAILED
    assert stage_after(SensorLoss(FailureOptions()), 1.0, has_history=False) is LossStage.FAILED


def test_failsafe_off_gives_no_heat_in_any_stage() -> None:
    loss = SensorLoss(FailureOptions(failsafe=Failsafe.OFF, frost_duty=0.1))
    assert [loss.duty(stage, 0.5) for stage in LossStage] == [0.0] * 4


@given(learned=st.floats(0.0, 1.0), frost=st.floats(0.0, 0.1))
def test_no_stage_gives_more_than_was_learned(learned: float, frost: float) -> None:
    loss = SensorLoss(FailureOptions(frost_duty=frost))
    assert all(loss.duty(stage, learned) <= learned for stage in LossStage)
    assert loss.duty(LossStage.FAILED, learned) <= 0.1


def test_a_frost_duty_that_could_heat_is_refused() -> None:
    with pytest.raises(ValueError, match="frost_duty"):
        FailureOptions(frost_duty=0.2)


def drive_stuck(duty: float, hours: float, model: object = ROOM) -> float | None:
    """After how many hours a reading that stands still is called stuck."""
    assert model in (ROOM, VESSEL)
    plant = ROOM if model is ROOM else VESSEL
    excitation, watch = Excitation(0.4), StuckWatch()
    step_s = plant.dead_time_s / 30
    for k in range(round(hours * HOUR / step_s)):
        excitation.step(duty, step_s, plant)
        if watch.step(k * step_s, 0.0, expected_k=excitation.shown_k, model=plant):
            return k * step_s / HOUR
    return None


def test_a_reading_that_stands_still_while_the_heater_works_is_stuck() -> None:
    after_h = drive_stuck(1.0, 3.0)
    assert after_h is not None
    assert after_h < 0.8


def test_a_reading_that_stands_still_at_rest_is_not_stuck() -> None:
    assert drive_stuck(0.4, 48.0) is None


def test_a_heater_that_has_long_been_at_full_power_proves_nothing() -> None:
    excitation, watch = Excitation(1.0), StuckWatch()
    for k in range(5000):
        excitation.step(1.0, 30.0, ROOM)
        assert not watch.step(k * 30.0, 0.0, expected_k=excitation.shown_k, model=ROOM)


def test_a_stuck_vessel_is_noticed_within_minutes_and_movement_clears_it() -> None:
    after_h = drive_stuck(0.8, 1.0, VESSEL)
    assert after_h is not None
    assert after_h * 60 <= 2.0
    watch = StuckWatch()
    watch.step(0.0, 0.0, expected_k=0.0, model=VESSEL)
    assert watch.step(100.0, 0.0, expected_k=50.0, model=VESSEL)
    assert not watch.step(101.0, 101.0, expected_k=50.0, model=VESSEL)


def loop(rise_k_per_h: float, *, duty: float = 1.0, usual: float = 0.4, hours: float = 3.0) -> str:
    watch, told = LoopBreak(FailureOptions()), ""
    for k in range(round(hours * 120)):
        told = watch.step(k * 30.0, duty=duty, measured_c=18.0 + rise_k_per_h * k / 120, usual_duty=usual, model=ROOM)
    return told


def test_full_duty_without_a_rise_is_a_broken_loop() -> None:
    assert "check heater" in loop(0.0)
    assert loop(2.0) == ""


def test_a_heater_too_weak_for_the_cold_is_no_broken_loop() -> None:
    assert loop(-0.2, usual=0.85) == ""
    assert loop(0.0, duty=0.8) == ""


def test_a_loop_that_works_again_is_told_no_more() -> None:
    watch = LoopBreak(FailureOptions())
    for k in range(360):
        told = watch.step(k * 30.0, duty=1.0, measured_c=18.0, usual_duty=0.3, model=ROOM)
    assert told
    assert watch.step(20_000.0, duty=1.0, measured_c=19.5, usual_duty=0.3, model=ROOM) == ""
    assert watch.step(20_030.0, duty=0.2, measured_c=19.5, usual_duty=0.3, model=ROOM) == ""


def rising(k_per_h: float, *, is_on: bool = False) -> list[str]:
    watch = RiseAtZeroDuty()
    return [watch.step(k * 30.0, is_on=is_on, measured_c=20.0 + k_per_h * k / 120, model=ROOM) for k in range(600)]


def test_nearly_full_heat_with_the_relay_open_is_told() -> None:
    told = rising(2.5)
    assert "welded" in told[-1]
    assert not any(told[:60])


def test_sun_and_heat_that_was_ordered_are_no_welded_contact() -> None:
    assert not any(rising(0.6))
    assert not any(rising(2.5, is_on=True))


def test_a_read_back_that_differs_for_longer_than_the_grace_time_is_told() -> None:
    watch = ActuatorWatch(FailureOptions(mismatch_s=10.0))
    assert watch.mismatch(0.0, (True, False), (True, True)) == ""
    assert watch.mismatch(9.0, (True, False), (True, True)) == ""
    assert "heater 2 reads back on" in watch.mismatch(10.0, (True, False), (True, True))
    assert watch.mismatch(11.0, (True, False), (True, None)) == ""
    assert watch.mismatch(12.0, (True,), ()) == ""
