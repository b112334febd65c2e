from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.control.limiter import Limiter, LimiterKind, LimiterOptions, OnTimeGuard, OnTimeOptions
from lucid2mqtt.control.plants import LIGHT_ROOM, VESSEL, Plant, PlantSpec
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.errors import RequestRejected

OPTIONS = LimiterOptions(limit_c=30.0)
samples = st.one_of(st.none(), st.builds(Sample, st.one_of(st.none(), st.floats(), st.floats(-20.0, 60.0)), st.floats(0.0, 100.0)))


def test_reaching_the_limit_trips_and_cooling_down_alone_does_not_open_the_latch() -> None:
    limiter = Limiter(OPTIONS)
    assert limiter.step(0.0, Sample(29.9))
    assert not limiter.step(1.0, Sample(30.0))
    assert not limiter.step(2.0, Sample(15.0))
    assert "reached the limit" in limiter.trip


@given(st.lists(st.tuples(st.floats(0.0, 100.0), samples), max_size=60))
def test_a_latched_trip_never_opens_by_itself(course: list[tuple[float, Sample | None]]) -> None:
    limiter, now = Limiter(OPTIONS), 0.0
    limiter.step(0.0, Sample(31.0))
    for elapsed_s, sample in course:
        now += elapsed_s
        assert limiter.step(now, sample) is False
        assert limiter.trip


@given(st.lists(samples, max_size=40))
def test_heat_is_never_allowed_on_a_sample_that_cannot_be_believed(course: list[Sample | None]) -> None:
    limiter = Limiter(OPTIONS)
    for now, sample in enumerate(course):
        allowed = limiter.step(float(now), sample)
        is_good = sample is not None and sample.value is not None and math.isfinite(sample.value) and sample.age_s <= OPTIONS.stale_s
        assert is_good or not allowed


def test_reset_is_refused_until_it_is_cool_enough_and_then_opens_the_latch() -> None:
    limiter = Limiter(OPTIONS)
    limiter.step(0.0, Sample(31.0))
    limiter.step(1.0, Sample(28.5))
    with pytest.raises(RequestRejected, match="still reads") as refusal:
        limiter.reset()
    assert "28 °C" in refusal.value.remedy
    limiter.step(2.0, Sample(27.9))
    limiter.reset()
    assert limiter.step(3.0, Sample(27.9))


def test_a_broken_sensor_withholds_heat_at_once_and_trips_when_it_lasts() -> None:
    limiter = Limiter(OPTIONS)
    assert not limiter.step(0.0, Sample(None, reason="open"))
    assert not limiter.trip
    assert limiter.step(5.0, Sample(20.0))
    limiter.step(10.0, None)
    assert not limiter.step(70.0, None)
    assert "no reading" in limiter.trip
    with pytest.raises(RequestRejected, match="no reading"):
        limiter.reset()


def test_a_monitor_gives_heat_back_below_the_hysteresis() -> None:
    limiter = Limiter(LimiterOptions(limit_c=30.0, kind=LimiterKind.MONITOR))
    assert not limiter.step(0.0, Sample(30.1))
    assert not limiter.step(1.0, Sample(28.5))
    assert limiter.step(2.0, Sample(27.9))
    assert not limiter.trip


def test_the_latch_survives_a_restart() -> None:
    limiter = Limiter(OPTIONS)
    limiter.step(0.0, Sample(31.0))
    again = Limiter(OPTIONS)
    again.restore(limiter.saved())
    assert not again.step(0.0, Sample(20.0))
    assert again.trip == limiter.trip


def test_with_a_lead_heat_is_withheld_before_the_limit_and_without_a_trip() -> None:
    limiter = Limiter(LimiterOptions(limit_c=30.0, lead_s=60.0))
    allowed = [limiter.step(float(t), Sample(20.0 + 0.1 * t)) for t in range(90)]
    assert not allowed[-1]
    assert not limiter.trip
    assert limiter.step(200.0, Sample(25.0))


@pytest.mark.parametrize(("spec", "limit_c", "margin_k"), [(LIGHT_ROOM, 25.0, 0.5), (VESSEL, 70.0, 3.0)])
def test_full_power_is_caught_near_the_limit(spec: PlantSpec, limit_c: float, margin_k: float) -> None:
    limiter, plant = Limiter(LimiterOptions(limit_c=limit_c)), Plant(spec, start_c=limit_c - 4.0, outdoor_c=5.0)
    peak_c = 0.0
    for k in range(3000):
        heat = 1.0 if limiter.step(k * spec.step_s, Sample(plant.read())) else 0.0
        plant.step(heat, outdoor_c=5.0)
        peak_c = max(peak_c, plant.body_c)
    assert limiter.trip
    assert peak_c <= limit_c + margin_k


def test_options_that_cannot_protect_are_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        LimiterOptions(limit_c=900.0)


def test_heat_without_a_break_is_told_after_the_time_allowed() -> None:
    guard = OnTimeGuard(OnTimeOptions(longest_on_s=600.0))
    told = [guard.step(60.0 * k, is_on=True) for k in range(12)]
    assert not any(told[:10])
    assert "without a break" in told[11]
    assert guard.step(720.0, is_on=False) == ""


def test_the_daily_mean_bounds_the_duty() -> None:
    guard = OnTimeGuard(OnTimeOptions(most_duty=0.3))
    assert guard.ceiling == 1.0
    for k in range(600):
        guard.step(60.0 * k, is_on=True)
    assert guard.ceiling == 0.3
