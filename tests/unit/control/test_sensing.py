from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.sensing import Disagreement, Fusion, InputFilter, Sample, SensingOptions, SensorWatch, fuse

OPTIONS = SensingOptions()
RATE = 5.0 / 60.0


def judged(watch: SensorWatch, now: float, sample: Sample) -> float | None:
    return watch.judge(now, sample, rate_k_per_s=RATE)


@pytest.mark.parametrize(
    ("sample", "word"),
    [
        (Sample(None), "no reading"),
        (Sample(None, reason="sensor open"), "sensor open"),
        (Sample(math.nan), "not a number"),
        (Sample(850.0), "outside"),
        (Sample(21.0, age_s=61.0), "no new reading"),
        (Sample(21.0, age_s=-1.0), "no new reading"),
    ],
)
def test_an_implausible_sample_is_not_believed_and_says_why(sample: Sample, word: str) -> None:
    watch = SensorWatch(OPTIONS)
    assert judged(watch, 0.0, sample) is None
    assert word in watch.fault


def test_a_jump_is_not_believed_until_it_is_possible() -> None:
    watch = SensorWatch(OPTIONS)
    assert judged(watch, 0.0, Sample(21.0)) == 21.0
    assert judged(watch, 1.0, Sample(25.0)) is None
    assert "jumped" in watch.fault
    believed = [judged(watch, float(now), Sample(25.0)) for now in range(2, 60)]
    assert believed[-1] == 25.0


def test_three_new_readings_are_needed_after_a_fault_and_one_seen_three_times_is_one() -> None:
    watch = SensorWatch(OPTIONS)
    judged(watch, 0.0, Sample(None))
    assert [judged(watch, 10.0 + i, Sample(21.0, age_s=float(i))) for i in range(4)] == [None] * 4
    assert judged(watch, 20.0, Sample(21.0)) is None
    assert judged(watch, 30.0, Sample(21.1)) == 21.1
    assert watch.fault == ""


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=50))
def test_nothing_that_is_not_finite_and_in_range_is_ever_believed(values: list[float | None]) -> None:
    watch = SensorWatch(OPTIONS)
    for now, value in enumerate(values):
        believed = judged(watch, float(now), Sample(value))
        assert believed is None or -30.0 <= believed <= 120.0


def test_sensors_that_differ_for_long_disagree_and_the_lonely_one_is_voted_out() -> None:
    judge = Disagreement(OPTIONS)
    assert judge.judge(0.0, [21.0, 21.2, 26.0]) == ("", frozenset())
    assert judge.judge(899.0, [21.0, 21.2, 26.0]) == ("", frozenset())
    why, outliers = judge.judge(900.0, [21.0, 21.2, 26.0])
    assert "5.0 K" in why
    assert outliers == {2}
    assert judge.judge(901.0, [21.0, 21.2, 21.1]) == ("", frozenset())


def test_two_sensors_that_disagree_are_told_but_neither_is_voted_out() -> None:
    judge = Disagreement(OPTIONS)
    judge.judge(0.0, [21.0, 26.0])
    why, outliers = judge.judge(1000.0, [21.0, 26.0])
    assert why
    assert not outliers


@pytest.mark.parametrize(
    ("fusion", "values", "expected"),
    [
        (Fusion.PRIMARY_FALLBACK, [20.0, 22.0], (20.0, {0})),
        (Fusion.PRIMARY_FALLBACK, [None, 22.0], (22.0, {1})),
        (Fusion.MEAN, [20.0, None, 22.0], (21.0, {0, 2})),
        (Fusion.MEDIAN, [20.0, 21.0, 40.0], (21.0, {0, 1, 2})),
    ],
)
def test_fusion(fusion: Fusion, values: list[float | None], expected: tuple[float, set[int]]) -> None:
    assert fuse(fusion, values) == (expected[0], frozenset(expected[1]))


def test_without_a_believed_sensor_there_is_no_temperature() -> None:
    assert fuse(Fusion.MEDIAN, [None, None]) is None


@given(first=st.floats(-20.0, 80.0), second=st.floats(-20.0, 80.0))
def test_a_change_of_source_does_not_move_the_filtered_temperature(first: float, second: float) -> None:
    filtered = InputFilter()
    for now in range(100):
        filtered.step(float(now), first, frozenset({0}), tau_s=10.0, dead_time_s=600.0)
    before = filtered.value
    after = filtered.step(100.0, second, frozenset({1}), tau_s=10.0, dead_time_s=600.0)
    assert before is not None
    assert abs(after - before) <= abs(first - second) * 1e-3 + 1e-9


def test_the_difference_of_a_new_source_is_let_in_slowly_and_wholly() -> None:
    filtered = InputFilter()
    filtered.step(0.0, 20.0, frozenset({0}), tau_s=10.0, dead_time_s=60.0)
    values = [filtered.step(10.0 * k, 21.0, frozenset({1}), tau_s=10.0, dead_time_s=60.0) for k in range(1, 300)]
    assert all(b - a < 0.1 for a, b in zip([20.0, *values], values, strict=False))
    assert values[-1] == pytest.approx(21.0, abs=0.01)


def test_after_silence_the_next_reading_counts_as_it_is() -> None:
    filtered = InputFilter()
    filtered.step(0.0, 20.0, frozenset({0}), tau_s=100.0, dead_time_s=60.0)
    filtered.forget()
    assert filtered.step(1.0, 15.0, frozenset({0}), tau_s=100.0, dead_time_s=60.0) == 15.0
