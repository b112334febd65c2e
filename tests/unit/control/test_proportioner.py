from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.proportioner import Proportioner, PulseOptions

duties = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 1.0, math.nan, -3.0, 7.0]))
pulse_options = st.builds(PulseOptions, cycle_s=st.floats(10.0, 4000.0), min_on_s=st.floats(0.0, 600.0), min_off_s=st.floats(0.0, 600.0))


def run(proportioner: Proportioner, duty: float, seconds: int, *, begin: int = 0) -> list[bool]:
    return [proportioner.step(float(now), duty) for now in range(begin, begin + seconds)]


def spans(states: list[bool]) -> list[tuple[bool, int]]:
    found: list[tuple[bool, int]] = []
    for state in states:
        if found and found[-1][0] is state:
            found[-1] = (state, found[-1][1] + 1)
        else:
            found.append((state, 1))
    return found


@given(options=pulse_options, steps=st.lists(st.tuples(duties, st.floats(0.1, 300.0)), min_size=1, max_size=60))
def test_minimum_times_are_never_violated_whatever_is_demanded(options: PulseOptions, steps: list[tuple[float, float]]) -> None:
    proportioner = Proportioner(options)
    now, was_on, since = 0.0, False, 0.0
    for duty, elapsed_s in steps:
        is_on = proportioner.step(now, duty)
        if is_on is not was_on:
            assert now - since >= (options.min_on_s if was_on else options.min_off_s) - 1e-6
            was_on, since = is_on, now
        now += elapsed_s


@given(
    options=pulse_options,
    course=st.lists(st.tuples(st.floats(0.05, 0.95), st.integers(200, 3000)), min_size=1, max_size=6),
)
def test_heat_given_equals_heat_demanded_within_a_pulse(options: PulseOptions, course: list[tuple[float, int]]) -> None:
    proportioner = Proportioner(options)
    now, demanded_s, given_s = 0.0, 0.0, 0.0
    for duty, steps in course:
        for _ in range(steps):
            given_s += 5.0 * proportioner.step(now, duty)
            demanded_s += 5.0 * duty
            now += 5.0
    assert abs(demanded_s - given_s) <= options.cycle_s + options.min_on_s + options.min_off_s + 5.0


def test_pulses_come_once_per_cycle_at_a_steady_duty() -> None:
    states = run(Proportioner(PulseOptions(cycle_s=600.0, min_on_s=60.0, min_off_s=60.0)), 0.3, 6 * 3600)
    closures = sum(b and not a for a, b in pairwise(states))
    assert 35 <= closures <= 36
    assert {length for state, length in spans(states)[2:-1] if state} <= {180, 181}  # the first pulse makes up for the first wait


def test_a_duty_too_small_for_the_cycle_moves_the_pulses_apart_instead_of_getting_lost() -> None:
    states = run(Proportioner(PulseOptions(cycle_s=600.0, min_on_s=60.0, min_off_s=60.0)), 0.02, 24 * 3600)
    assert sum(states) == pytest.approx(0.02 * 86400, abs=60)
    assert min(length for state, length in spans(states) if state) >= 60


def test_off_for_the_minimum_off_time_at_first_since_nobody_knows_when_it_was_opened() -> None:
    states = run(Proportioner(PulseOptions(cycle_s=600.0, min_off_s=90.0)), 1.0, 200)
    assert states.index(True) == 90


def test_full_and_no_duty_are_carried_out_at_once_within_the_minimum_times() -> None:
    proportioner = Proportioner(PulseOptions(cycle_s=600.0, min_on_s=60.0, min_off_s=60.0))
    run(proportioner, 0.5, 3600)
    states = run(proportioner, 1.0, 120, begin=3600)
    assert all(states[60:])
    assert not any(run(proportioner, 0.0, 120, begin=3720)[60:])


def test_a_cut_opens_the_relay_inside_its_minimum_on_time_and_owes_nothing() -> None:
    proportioner = Proportioner(PulseOptions(cycle_s=600.0, min_on_s=300.0))
    assert proportioner.step(0.0, 1.0)
    proportioner.cut(10.0)
    assert not proportioner.is_on
    assert proportioner.owed_s == 0.0


def test_a_relay_held_off_from_outside_does_not_catch_up_for_hours() -> None:
    proportioner = Proportioner(PulseOptions(cycle_s=600.0, min_off_s=1e9))
    run(proportioner, 0.5, 20_000)
    assert proportioner.owed_s <= 600.0 + 1e9
    proportioner.retime(PulseOptions(cycle_s=600.0, min_off_s=10.0))
    proportioner.step(20_001.0, 0.5)
    assert proportioner.owed_s <= 610.0


@given(duty=st.floats(0.01, 0.99), options=pulse_options)
def test_the_announced_switch_is_the_one_that_happens(duty: float, options: PulseOptions) -> None:
    proportioner, now = Proportioner(options), 0.0
    proportioner.step(now, duty)
    for _ in range(20):
        wait_s = proportioner.next_switch_s(now)
        before = proportioner.is_on
        if wait_s > 1.0:
            assert proportioner.step(now + wait_s / 2, duty) is before
            wait_s = proportioner.next_switch_s(now + wait_s / 2) + wait_s / 2
        now += wait_s + 1e-3
        proportioner.step(now, duty)


def test_no_switch_is_announced_where_none_will_come() -> None:
    proportioner = Proportioner(PulseOptions(cycle_s=600.0))
    proportioner.step(0.0, 0.0)
    assert proportioner.next_switch_s(0.0) == math.inf


def test_a_clock_that_goes_back_gives_no_heat() -> None:
    proportioner = Proportioner(PulseOptions(cycle_s=600.0))
    proportioner.step(1000.0, 0.5)
    owed_s = proportioner.owed_s
    proportioner.step(500.0, 0.5)
    assert proportioner.owed_s == owed_s


@pytest.mark.parametrize("times", [{"cycle_s": 0.0}, {"cycle_s": math.nan}, {"cycle_s": 10.0, "min_on_s": -1.0}])
def test_impossible_times_are_refused(times: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cycle"):
        PulseOptions(**times)
