"""What counts as a number in a text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.numbers import plain_number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_comes_back(number: float) -> None:
    assert plain_number(repr(number)) == number


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "1_0", "٢١", "1,5", "0x10", "1 2"])
def test_what_people_do_not_write_as_a_number_is_none(text: str) -> None:
    assert plain_number(text) is None


@given(st.text(max_size=30))
def test_any_text_gives_a_finite_number_or_none(text: str) -> None:
    number = plain_number(text)
    assert number is None or math.isfinite(number)
