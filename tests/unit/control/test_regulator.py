from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.regulator import Direction, LawKind, Regulator, RegulatorOptions
from lucid2mqtt.control.tuned import Origin, Tuned
from lucid2mqtt.control.tuning import CAUTIOUS_ROOM, Rule

MODEL = replace(CAUTIOUS_ROOM, dead_time_s=600.0, loss_duty_per_k=0.02)
TUNED = Tuned(MODEL.gains(Rule.SIMC_PID), MODEL, Origin.AUTOTUNE)
FAST = Tuned(TUNED.gains, replace(MODEL, dead_time_s=20.0, rate_k_per_s=0.3), Origin.AUTOTUNE)


def a_regulator(direction: Direction = Direction.HEATING, tuned: Tuned = TUNED, **settings: object) -> Regulator:
    return Regulator(direction, RegulatorOptions(**settings), tuned)  # type: ignore[arg-type]  # by name


def hold(regulator: Regulator, *, error_k: float = 0.0, outdoor_c: float | None = 1.0, steps: int = 200, begin: float = 0.0) -> float:
    duty = 0.0
    for k in range(steps):
        duty = regulator.step(begin + 30.0 * k, target_c=21.0, measured_c=21.0 - error_k, outdoor_c=outdoor_c)
    return duty


def test_the_weather_alone_gives_the_first_duty() -> None:
    assert hold(a_regulator(), steps=1) == pytest.approx(0.4)
    assert hold(a_regulator(), steps=1, outdoor_c=None) == 0.0


def test_cooling_is_heating_in_a_mirror() -> None:
    cooling, heating = a_regulator(Direction.COOLING), a_regulator()
    for k in range(50):
        cool = cooling.step(30.0 * k, target_c=24.0, measured_c=24.0 + 0.01 * k, outdoor_c=34.0)
        heat = heating.step(30.0 * k, target_c=24.0, measured_c=24.0 - 0.01 * k, outdoor_c=14.0)
        assert cool == pytest.approx(heat)
    assert cool > 0.2


def test_between_two_periods_the_duty_stays() -> None:
    regulator = a_regulator()
    first = regulator.step(0.0, target_c=21.0, measured_c=20.9, outdoor_c=None)
    assert regulator.step(10.0, target_c=21.0, measured_c=10.0, outdoor_c=None) == first
    assert regulator.next_step_s(10.0) == pytest.approx(20.0)
    assert regulator.step(30.0, target_c=21.0, measured_c=10.0, outdoor_c=None) == 1.0


def test_another_target_does_not_wait_for_the_period() -> None:
    regulator = a_regulator()
    assert regulator.step(0.0, target_c=21.0, measured_c=16.0, outdoor_c=None) == 1.0
    assert regulator.step(0.4, target_c=12.0, measured_c=16.0, outdoor_c=None) == 0.0
    assert regulator.next_step_s(0.4) == pytest.approx(regulator.period_s)
    assert regulator.step(0.4, target_c=21.0, measured_c=16.0, outdoor_c=None) == 0.0, "no time has passed"
    assert regulator.step(0.5, target_c=21.0, measured_c=16.0, outdoor_c=None) == 1.0


@given(duty=st.floats(0.2, 0.8), error_k=st.floats(-0.1, 0.1))
def test_taking_over_from_manual_does_not_move_the_duty(duty: float, error_k: float) -> None:
    regulator = a_regulator()
    regulator.take_over(duty, target_c=21.0, measured_c=21.0 - error_k, outdoor_c=1.0)
    first = regulator.step(0.0, target_c=21.0, measured_c=21.0 - error_k, outdoor_c=1.0)
    assert first == pytest.approx(duty, abs=0.01)


def test_losing_and_regaining_the_outdoor_reading_does_not_move_the_duty() -> None:
    regulator = a_regulator()
    before = hold(regulator)
    without = hold(regulator, outdoor_c=None, steps=1, begin=6000.0)
    again = hold(regulator, steps=1, begin=6030.0)
    assert without == pytest.approx(before, abs=0.01)
    assert again == pytest.approx(before, abs=0.01)


def test_losing_the_outdoor_reading_while_something_else_drives_does_not_matter_either() -> None:
    regulator = a_regulator()
    before = hold(regulator)
    regulator.leave()
    assert hold(regulator, outdoor_c=None, steps=1, begin=9000.0) == pytest.approx(before, abs=0.01)


def test_what_was_learned_is_lowered_by_milder_weather_and_never_raised_by_cold() -> None:
    regulator = a_regulator()
    assert regulator.learned_duty(21.0, 1.0) == 0.0
    hold(regulator, steps=500)
    learned = regulator.learned_duty(21.0, 1.0)
    assert learned == pytest.approx(0.4, abs=0.02)
    assert regulator.learned_duty(21.0, 11.0) < learned - 0.04
    assert regulator.learned_duty(21.0, -20.0) == pytest.approx(learned)
    assert regulator.learned_duty(21.0, None) == pytest.approx(learned)


def test_a_restart_goes_on_with_the_integral_or_with_the_mean_after_a_long_outage() -> None:
    before = a_regulator()
    hold(before, steps=300)
    hold(before, error_k=0.1, steps=60, begin=9000.0)
    recent, late = a_regulator(), a_regulator()
    recent.restore(before.saved(), is_recent=True)
    late.restore(before.saved(), is_recent=False)
    recent_duty, late_duty = hold(recent, steps=1), hold(late, steps=1)
    assert recent_duty == pytest.approx(before.needed_duty, abs=0.01)
    assert 0.35 < late_duty < 0.5
    assert late_duty != pytest.approx(recent_duty, abs=1e-6)


def test_a_negative_integral_survives_a_restart() -> None:
    before, again = a_regulator(), a_regulator()
    hold(before, error_k=-0.1, steps=400)
    assert before.needed_duty < 0.3
    again.restore(before.saved(), is_recent=True)
    assert hold(again, steps=1) == pytest.approx(before.needed_duty, abs=0.01)


def test_on_off_has_a_hysteresis() -> None:
    regulator = a_regulator(law=LawKind.ON_OFF, hysteresis_k=0.5)
    course = [20.4, 20.8, 21.2, 21.6, 21.2, 20.8, 20.4]
    duties = [regulator.step(60.0 * k, target_c=21.0, measured_c=value, outdoor_c=None) for k, value in enumerate(course)]
    assert duties == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]


def test_a_fast_plant_gets_a_ramp_and_a_room_does_not() -> None:
    room, vessel, by_hand = a_regulator(), a_regulator(tuned=FAST), a_regulator(tuned=FAST, ramp_k_per_h=0.0)
    for regulator in (room, vessel, by_hand):
        regulator.step(0.0, target_c=50.0, measured_c=21.0, outdoor_c=None)
    assert room.setpoint_c == 50.0
    assert vessel.setpoint_c < 25.0
    assert by_hand.setpoint_c == 50.0


@pytest.mark.parametrize("settings", [{"hysteresis_k": 0.0}, {"sample_s": 0.0}, {"ramp_k_per_h": -1.0}, {"loss_duty_per_k": -1.0}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|cannot"):
        RegulatorOptions(**settings)  # type: ignore[arg-type]  # spoilt on purpose


def test_a_spoilt_document_is_refused() -> None:
    with pytest.raises(ValueError, match="integral"):
        a_regulator().restore({"integral": 5.0}, is_recent=True)
