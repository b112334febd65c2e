from __future__ import annotations

import math

import pytest

from lucid2mqtt.control.feedforward import FeedForwardOptions, feed_forward, fresh_outdoor_c
from lucid2mqtt.control.sensing import Sample


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (Sample(-5.0, age_s=100.0), -5.0),
        (Sample(-5.0, age_s=10_801.0), None),
        (Sample(-5.0, age_s=-1.0), None),
        (Sample(math.nan), None),
        (Sample(99.0), None),
        (Sample(None), None),
        (None, None),
    ],
)
def test_only_a_fresh_and_possible_outdoor_reading_counts(sample: Sample | None, expected: float | None) -> None:
    assert fresh_outdoor_c(FeedForwardOptions(), sample) == expected


def test_the_duty_follows_the_difference_and_stays_between_0_and_1() -> None:
    assert feed_forward(0.02, 21.0, 1.0) == pytest.approx(0.4)
    assert feed_forward(0.02, 21.0, 30.0) == 0.0
    assert feed_forward(0.02, 21.0, -60.0) == 1.0
    assert feed_forward(0.05, -24.0, -32.0) == pytest.approx(0.4)  # cooling, mirrored
