from __future__ import annotations

import math

import pytest

from lucid2mqtt.control.saved import Saved


def test_fields_come_back_with_their_types() -> None:
    saved = Saved({"n": 3, "t": "x", "f": True, "c": [1, 2], "i": "2026-11-23T06:00:00+00:00", "nothing": None})
    assert saved.number("n") == 3.0
    assert saved.count("n") == 3
    assert saved.text("t") == "x"
    assert saved.flag("f") is True
    assert saved.counts("c") == (1, 2)
    assert str(saved.optional_instant("i")) == "2026-11-23 06:00:00+00:00"
    assert [saved.optional_number("nothing"), saved.optional_flag("missing"), saved.optional_instant("missing")] == [None] * 3


@pytest.mark.parametrize("value", [None, "3", True, math.nan, math.inf, -1, 11, 10**400, [3]])
def test_a_wrong_number_is_named(value: object) -> None:
    with pytest.raises(ValueError, match="saved field 'n' should be a number from 0 to 10, not"):
        Saved({"n": value}).number("n", minimum=0, maximum=10)


@pytest.mark.parametrize("value", [None, 3.0, -3, True, "3"])
def test_a_wrong_count_is_named(value: object) -> None:
    with pytest.raises(ValueError, match="'n' should be a whole number"):
        Saved({"n": value}).count("n")


@pytest.mark.parametrize("value", [None, 3, [1, -1], [True], [1.5], "12"])
def test_wrong_counts_are_named(value: object) -> None:
    with pytest.raises(ValueError, match="'n' should be a list of whole numbers"):
        Saved({"n": value}).counts("n")


@pytest.mark.parametrize("value", ["", "2026-11-23T06:00:00", 5])
def test_a_wrong_instant_is_named(value: object) -> None:
    with pytest.raises(ValueError, match="saved field 'n' should be"):
        Saved({"n": value}).optional_instant("n")


def test_a_message_stays_short_whatever_was_saved() -> None:
    with pytest.raises(ValueError, match="'n'") as refusal:
        Saved({"n": "x" * 10_000}).number("n")
    assert len(str(refusal.value)) < 200
