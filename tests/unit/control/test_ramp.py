from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.ramp import Ramp, RampRates

RATES = RampRates(up=0.1, down=0.05, tail_s=20.0)


def test_without_rates_the_setpoint_is_there_at_once() -> None:
    ramp = Ramp(None)
    ramp.begin(18.0)
    assert ramp.step(21.0, 1.0) == 21.0


@given(start=st.floats(0.0, 100.0), target=st.floats(0.0, 100.0), elapsed_s=st.floats(0.1, 30.0))
def test_the_ramp_never_overshoots_never_exceeds_its_rate_and_arrives(start: float, target: float, elapsed_s: float) -> None:
    ramp, at_c = Ramp(RATES), start
    ramp.begin(start)
    for _ in range(100_000):
        before, at_c = at_c, ramp.step(target, elapsed_s)
        assert min(before, target) - 1e-9 <= at_c <= max(before, target) + 1e-9
        if abs(before - target) >= 0.01:
            assert abs(at_c - before) <= 0.1 * elapsed_s + 1e-9
        if at_c == target:
            return
    pytest.fail("never arrived")


def test_the_last_stretch_is_slower_so_that_the_sensor_can_catch_up() -> None:
    ramp = Ramp(RATES)
    ramp.begin(20.0)
    moves, at_c = [], 20.0
    for _ in range(200):
        moves.append(ramp.step(30.0, 1.0) - at_c)
        at_c += moves[-1]
    assert moves[0] == pytest.approx(0.1)
    assert moves[120] < 0.05


def test_a_ramp_switched_off_on_its_way_jumps_to_the_end() -> None:
    ramp = Ramp(RATES)
    ramp.begin(20.0)
    ramp.step(30.0, 1.0)
    ramp.change(None)
    assert ramp.step(30.0, 1.0) == 30.0
