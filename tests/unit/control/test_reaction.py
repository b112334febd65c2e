from __future__ import annotations

import pytest

from lucid2mqtt.control.reaction import ReactionCurve


def test_slope_and_dead_time_of_a_delayed_ramp() -> None:
    curve = ReactionCurve(started_at=100.0, start_c=18.0, distance_k=3.0)
    for k in range(400):
        curve.feed(100.0 + 10 * k, 18.0 + max(0.0, 10 * k - 600) * 0.001)
    assert curve.slope_k_per_s == pytest.approx(0.001, rel=0.05)
    assert curve.dead_time_s == pytest.approx(600.0, rel=0.05)


def test_nothing_is_known_before_it_rose_far_enough() -> None:
    curve = ReactionCurve(started_at=0.0, start_c=18.0, distance_k=3.0)
    for k in range(100):
        curve.feed(10.0 * k, 18.0 + 0.004 * k)
    assert not curve.is_known
    assert curve.first_level_s == pytest.approx(250.0, abs=10)
    assert curve.stalled_s(2000.0) > 1000.0


def test_a_fall_before_the_rise_does_not_count_as_one() -> None:
    curve = ReactionCurve(started_at=0.0, start_c=20.0, distance_k=1.0)
    for k in range(300):
        curve.feed(10.0 * k, 20.0 - 0.005 * min(k, 100) + 0.01 * max(0, k - 100))
    assert curve.slope_k_per_s == pytest.approx(0.001, rel=0.1)
