"""Scale, offset, digits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.shaping import Shape, shape_for

SENSIBLE = st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda value: value == 0 or abs(value) > 1e-3)


@pytest.mark.parametrize(
    ("signal", "raw", "shown"),
    [
        (Signal.VOLTAGE, 1.23456789, 1.2346),
        (Signal.CURRENT, 12.5, 12.5),
        (Signal.TEMPERATURE, 21.567, 21.57),
        (Signal.TOTAL, 17, 17),
        (Signal.WINDOW, 17, 17),
        (Signal.STATE, True, True),
    ],
)
def test_without_wishes_every_signal_has_its_digits(signal: Signal, raw: float, shown: float) -> None:
    value = shape_for(signal).apply(raw)
    assert value == shown
    assert type(value) is type(shown)


def test_a_scaled_count_is_a_meter_reading() -> None:
    assert shape_for(Signal.TOTAL, scale=0.001).apply(1_234_567) == 1234.567


def test_counts_with_an_offset_or_digits_are_numbers() -> None:
    assert shape_for(Signal.TOTAL, offset=100.0).apply(5) == 105.0
    assert shape_for(Signal.TOTAL, decimals=0).apply(5) == 5.0


def test_a_switch_state_is_never_scaled() -> None:
    assert shape_for(Signal.STATE, scale=5.0, offset=1.0).apply(True) is True
    assert Shape(scale=5.0).apply(False) is False


def test_4_to_20_ma_become_bar() -> None:
    shape = shape_for(Signal.CURRENT, scale=10 / 16, offset=-2.5, decimals=2)
    assert [shape.apply(value) for value in (4.0, 12.0, 20.0)] == [0.0, 5.0, 10.0]


@pytest.mark.parametrize("value", [-0.0, -0.00001, -1e-300])
def test_zero_has_no_sign(value: float) -> None:
    shown = shape_for(Signal.VOLTAGE).apply(value)
    assert math.copysign(1.0, shown) == 1.0
    assert math.copysign(1.0, Shape().apply(-0.0)) == 1.0


def test_a_scale_of_0_is_refused() -> None:
    with pytest.raises(ValueError, match="scale of 0"):
        Shape(scale=0.0)


@given(SENSIBLE, SENSIBLE.filter(bool), SENSIBLE)
def test_the_inverse_gives_the_module_what_the_user_sees(value: float, scale: float, offset: float) -> None:
    shape = Shape(scale, offset)
    assert shape.apply(shape.inverse(value)) == pytest.approx(value, rel=1e-6, abs=1e-6)
