from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.law import Law
from lucid2mqtt.control.tuning import Gains

GAINS = Gains(kp=0.5, ki=0.5 / 3600.0, kd=100.0)
numbers = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf]))


def a_law(duty: float = 0.3, feed_forward: float = 0.0) -> Law:
    law = Law(GAINS, dead_time_s=600.0, longest_step_s=90.0)
    law.enter(duty, feed_forward=feed_forward)
    return law


@given(steps=st.lists(st.tuples(numbers, numbers, numbers, st.floats(-100.0, 1e5)), max_size=40))
def test_no_input_ever_poisons_the_law_or_drives_it_out_of_its_limits(steps: list[tuple[float, float, float, float]]) -> None:
    law = a_law()
    for target_c, measured_c, push, elapsed_s in steps:
        duty = law.step(elapsed_s=elapsed_s, target_c=target_c, measured_c=measured_c, feed_forward=push)
        assert 0.0 <= duty <= 1.0
        assert math.isfinite(law.integral)
    law.enter(0.4)
    assert math.isclose(law.step(elapsed_s=30.0, target_c=21.0, measured_c=21.0), 0.4, abs_tol=1e-9)


def test_a_reading_that_is_not_a_number_leaves_the_duty_standing() -> None:
    law = a_law(0.3)
    before = law.step(elapsed_s=30.0, target_c=21.0, measured_c=20.8)
    assert law.step(elapsed_s=30.0, target_c=21.0, measured_c=math.nan) == before
    assert law.step(elapsed_s=0.0, target_c=21.0, measured_c=15.0) == before


@given(
    duty=st.floats(0.0, 1.0),
    push=st.floats(0.0, 1.0),
    error_k=st.floats(-0.3, 0.3),
)
def test_entry_is_bumpless_from_any_duty(duty: float, push: float, error_k: float) -> None:
    law = Law(GAINS, dead_time_s=600.0, longest_step_s=90.0)
    law.enter(duty, feed_forward=push, error_k=error_k)
    first = law.step(elapsed_s=1e-6, target_c=21.0, measured_c=21.0 - error_k, feed_forward=push)
    # where the error alone asks for more than the limits leave, the integral cannot make up for it
    slack = max(0.0, abs(0.5 * error_k) - min(duty, 1.0 - duty))
    assert abs(first - duty) <= slack + 1e-6


def test_the_integral_does_not_grow_while_the_output_is_saturated() -> None:
    law = a_law(0.3)
    for _ in range(100):
        law.step(elapsed_s=30.0, target_c=25.0, measured_c=18.0)
    assert law.duty == 1.0
    assert math.isclose(law.integral, 0.3)


def test_the_integral_waits_while_the_setpoint_is_being_reached_anyway() -> None:
    law = a_law(0.3)
    measured_c = 19.6
    for _ in range(60):
        measured_c += 0.01
        law.step(elapsed_s=30.0, target_c=21.0, measured_c=measured_c)
    assert law.integral < 0.36  # integrated all the way it would be 0.58


def test_a_steady_offset_is_integrated_away() -> None:
    law = a_law(0.3)
    for _ in range(60):
        law.step(elapsed_s=60.0, target_c=21.0, measured_c=20.9)
    assert law.integral > 0.34


def test_a_feed_forward_can_be_undone_by_the_integral() -> None:
    law = a_law(0.6, feed_forward=0.6)
    for _ in range(2000):
        duty = law.step(elapsed_s=60.0, target_c=21.0, measured_c=21.1, feed_forward=0.6)
    assert duty < 0.1
    assert law.integral < -0.4


def test_losing_the_feed_forward_does_not_move_the_duty() -> None:
    law = a_law(0.5, feed_forward=0.4)
    before = law.step(elapsed_s=30.0, target_c=21.0, measured_c=21.0, feed_forward=0.4)
    law.exchange_feed_forward(0.0, before=0.4)
    after = law.step(elapsed_s=30.0, target_c=21.0, measured_c=21.0, feed_forward=0.0)
    assert math.isclose(before, after, abs_tol=1e-9)


def test_a_late_tick_integrates_once_and_not_in_one_jump() -> None:
    law = a_law(0.3)
    law.step(elapsed_s=1e6, target_c=21.0, measured_c=20.9)
    assert law.integral <= 0.3 + 0.1 * GAINS.ki * 90.0 + 1e-9


def test_other_gains_come_without_a_jump_of_the_integral() -> None:
    law = a_law(0.3)
    law.retune(Gains(2.0, 0.001, 0.0), dead_time_s=300.0, longest_step_s=90.0)
    assert math.isclose(law.step(elapsed_s=1.0, target_c=21.0, measured_c=21.0), 0.3, abs_tol=1e-6)
