from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.analog_drive import AnalogDrive, AnalogOptions


@given(duty=st.one_of(st.floats(), st.floats(0.0, 1.0)), least=st.floats(0.0, 0.4), most=st.floats(0.5, 1.0))
def test_the_output_never_leaves_its_limits(duty: float, least: float, most: float) -> None:
    volts = AnalogDrive(AnalogOptions(least_stroke=least, most_stroke=most)).step(duty)
    assert volts == 0.0 or 10 * least - 1e-9 <= volts <= 10 * most + 1e-9


def test_live_zero_and_reverse_action() -> None:
    drive = AnalogDrive(AnalogOptions(low=4.0, high=20.0))
    assert [drive.step(duty) for duty in (0.0, 0.5, 1.0)] == [4.0, 12.0, 20.0]
    assert AnalogDrive(AnalogOptions(low=10.0, high=0.0)).step(0.25) == 7.5
    assert drive.step(math.nan) == 4.0


def test_small_changes_wait_and_both_ends_are_always_reached() -> None:
    drive = AnalogDrive(AnalogOptions(dead_band=0.05))
    assert drive.step(0.50) == 5.0
    assert drive.step(0.53) == 5.0
    assert drive.step(0.56) == pytest.approx(5.6)
    assert drive.step(0.02) == pytest.approx(0.2)
    assert drive.step(0.0) == 0.0
    drive.step(0.98)
    assert drive.step(1.0) == 10.0


def test_a_characteristic_bends_the_stroke() -> None:
    drive = AnalogDrive(AnalogOptions(points=((0.0, 0.0), (0.5, 0.2), (1.0, 1.0)), least_stroke=0.1))
    assert drive.stroke_of(0.0) == 0.0
    assert drive.stroke_of(0.5) == pytest.approx(0.1 + 0.9 * 0.2)
    assert drive.stroke_of(0.75) == pytest.approx(0.1 + 0.9 * 0.6)


@pytest.mark.parametrize(
    "settings",
    [
        {"low": 5.0, "high": 5.0},
        {"low": math.nan},
        {"least_stroke": 0.9, "most_stroke": 0.5},
        {"dead_band": 1.0},
        {"points": ((0.0, 0.0), (0.9, 1.0))},
        {"points": ((0.0, 0.0), (0.5, 0.8), (0.7, 0.6), (1.0, 1.0))},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|begins"):
        AnalogOptions(**settings)  # type: ignore[arg-type]  # spoilt on purpose
