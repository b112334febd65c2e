from __future__ import annotations

from dataclasses import replace

import pytest

from lucid2mqtt.control.alarms import AlarmBoard, AlarmName
from lucid2mqtt.control.senses import Perception, Senses
from lucid2mqtt.control.sensing import Fusion, Sample, SensingOptions
from lucid2mqtt.control.tuning import CAUTIOUS_ROOM

MODEL = replace(CAUTIOUS_ROOM, dead_time_s=600.0)


class Watched:
    def __init__(self, count: int, fusion: Fusion = Fusion.PRIMARY_FALLBACK) -> None:
        self.senses = Senses(SensingOptions(fusion=fusion), count, sample_s=10.0)
        self.alarms = AlarmBoard()
        self.now = 0.0

    def step(self, *values: float | None, expected_k: float = 0.0, times: int = 1, is_measured: bool = True) -> Perception:
        for _ in range(times):
            seen = self.senses.step(
                self.now,
                [Sample(value) for value in values],
                expected_k=expected_k,
                model=MODEL,
                is_measured=is_measured,
                alarms=self.alarms,
            )
            self.alarms.settle()
            self.now += 10.0
        return seen


def test_a_lost_primary_is_replaced_without_a_jump() -> None:
    watched = Watched(2)
    before = watched.step(21.0, 21.8, times=50)
    after = watched.step(None, 21.8)
    assert after.filtered_c == pytest.approx(before.filtered_c, abs=0.001)
    assert "sensor 1" in after.fault


def test_a_missing_sample_is_a_missing_sensor() -> None:
    assert Watched(2).step(21.0).fault == "sensor 2: no reading"


def test_a_stuck_sensor_is_left_out_while_the_other_moves() -> None:
    watched = Watched(2)
    watched.step(20.0, 20.0)
    for k in range(300):
        seen = watched.step(20.0, 20.0 + 0.01 * k, expected_k=0.01 * k)
    assert AlarmName.SENSOR_STUCK in watched.alarms
    assert seen.raw_c is not None
    assert seen.raw_c > 22.0
    assert not seen.is_stuck


def test_the_only_sensor_stuck_is_no_temperature_at_all() -> None:
    watched = Watched(1)
    watched.step(20.0)
    for k in range(300):
        seen = watched.step(20.0, expected_k=0.01 * k)
    assert seen == Perception(None, None, True, "sensor 1 has not moved although the heater should have moved it")


def test_an_unknown_plant_is_given_much_more_time_before_its_sensor_is_called_stuck() -> None:
    watched = Watched(1)
    for k in range(300):
        seen = watched.step(20.0, expected_k=0.01 * k, is_measured=False)
    assert not seen.is_stuck


def test_an_outlier_of_three_is_voted_out() -> None:
    watched = Watched(3, Fusion.MEAN)
    watched.step(21.0, 21.2, 20.8, times=5)
    assert watched.step(21.0, 21.2, 26.0, times=400).raw_c == 21.1
    assert AlarmName.SENSORS_DISAGREE in watched.alarms


def test_a_fast_plant_may_move_fast_once_it_is_known() -> None:
    vessel = replace(MODEL, rate_k_per_s=0.3, dead_time_s=20.0)
    senses = Senses(SensingOptions(), 1, sample_s=1.0)
    for second in range(30):
        seen = senses.step(float(second), [Sample(40.0 + second)], expected_k=0.0, model=vessel, is_measured=True, alarms=AlarmBoard())
        assert seen.raw_c == 40.0 + second
