from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.lucid.assumptions import (
    REPLY_TIME_S,
    SLOW_REPLY_TIME_S,
    judge,
    judge_refusal,
    reply_time_s,
)
from lucid2mqtt.lucid.families import FAMILIES, Family, ModuleType, module_type
from lucid2mqtt.lucid.frames import Request, calibrate_io, get_id, reset_parameter, set_io, set_parameter
from lucid2mqtt.lucid.values import ValueType
from tests.unit.lucid.samples import family


def of(name: str, type_code: int) -> ModuleType:
    return module_type(family(name), type_code)


COLD = of("RI4", 0x1000)  # -180..180 °C
HOT = of("RI8", 0x1011)  # 0..360 °C
VOLTS = of("AI4", 0x1001)  # 0..10 V
BIPOLAR = of("AI4", 0x1011)  # ±10 V
CURRENT = of("AI4", 0x1110)  # 0..20 mA


@pytest.mark.parametrize(
    ("module", "value", "quality"),
    [
        (COLD, 21.5, Quality.GOOD),
        (COLD, 179.99, Quality.GOOD),
        (COLD, 180.0, Quality.OPEN_SENSOR),
        (COLD, 3276.7, Quality.OPEN_SENSOR),
        (COLD, -179.99, Quality.GOOD),
        (COLD, -180.0, Quality.UNDER_RANGE),
        (COLD, -3276.8, Quality.UNDER_RANGE),
        (HOT, 180.0, Quality.GOOD),
        (HOT, 360.0, Quality.OPEN_SENSOR),
        (HOT, 0.1, Quality.GOOD),
        (HOT, 0.0, Quality.UNDER_RANGE),
        (of("RI4", 0x7777), 300.0, Quality.GOOD),
        (of("RI4", 0x7777), 3276.7, Quality.OPEN_SENSOR),
        (of("RI4", 0x7777), -3276.8, Quality.UNDER_RANGE),
        (VOLTS, 9.9993, Quality.GOOD),
        (VOLTS, 9.9994, Quality.OVER_RANGE),
        (VOLTS, 32.767, Quality.OVER_RANGE),
        (VOLTS, -0.1, Quality.GOOD),
        (VOLTS, -0.11, Quality.UNDER_RANGE),
        (BIPOLAR, -10.0, Quality.GOOD),
        (BIPOLAR, -10.3, Quality.UNDER_RANGE),
        (BIPOLAR, 10.0, Quality.OVER_RANGE),
        (CURRENT, 19.9, Quality.GOOD),
        (CURRENT, 20.0, Quality.OVER_RANGE),
        (of("AI4", 0x7777), 31.0, Quality.GOOD),
        (of("AI4", 0x7777), 32.767, Quality.OVER_RANGE),
        (of("AI4", 0x7777), -2147.483648, Quality.OVER_RANGE),
        (of("AO4", 0x1001), 10.0, Quality.GOOD),
        (of("DO4", 0x1000), True, Quality.GOOD),
        (of("DI4", 0x1000), 65535, Quality.GOOD),
    ],
)
def test_a_value_is_judged_by_the_range_of_its_module(module: ModuleType, value: float, quality: Quality) -> None:
    found, sentence = judge(module, 0, value)
    assert found is quality
    assert bool(sentence) is (quality is not Quality.GOOD)


def test_the_fault_of_a_sensor_is_told_in_words_of_the_house() -> None:
    assert judge(COLD, 2, 180.0)[1] == "the reading is at the upper end (180 °C): sensor missing, a wire open or loose, or too hot"
    assert judge(COLD, 2, -180.0)[1] == "the reading is at the lower end (-180 °C): sensor or wires shorted, or too cold"
    assert judge(CURRENT, 2, 21.0)[1] == "the signal is at or above the upper end of the input (20 mA)"


@given(st.sampled_from(list(FAMILIES.values())), st.integers(0, 0xFFFF), st.floats(allow_nan=False), st.data())
def test_every_value_of_every_module_can_be_judged(chosen: Family, type_code: int, value: float, data: st.DataObject) -> None:
    channel = data.draw(st.sampled_from(chosen.channels))
    quality, sentence = judge(module_type(chosen, type_code), channel, value)
    assert (quality is Quality.GOOD) is (sentence == "")


def test_a_channel_nobody_has_is_not_judged() -> None:
    with pytest.raises(KeyError):
        judge(COLD, 4, 20.0)


def test_a_refused_read_of_one_sensor_is_an_open_sensor() -> None:
    assert judge_refusal(COLD, 0, 0xD0)[0] is Quality.OPEN_SENSOR
    quality, sentence = judge_refusal(VOLTS, 0, 0xD0)
    assert quality is Quality.REFUSED
    assert sentence.endswith("the module could not carry out the command (status 0xD0)")


@pytest.mark.parametrize(
    ("request_", "time_s"),
    [
        (get_id(), REPLY_TIME_S),
        (set_io(0, ValueType.DI1, b"\x01"), REPLY_TIME_S),
        (set_parameter(0, 0x1100, b"\x01"), REPLY_TIME_S),
        (set_parameter(0, 0x1100, b"\x01", persistent=True), SLOW_REPLY_TIME_S),
        (reset_parameter(0, 0x1100, persistent=True), SLOW_REPLY_TIME_S),
        (calibrate_io(0), SLOW_REPLY_TIME_S),
    ],
    ids=str,
)
def test_only_what_writes_memory_or_calibrates_may_take_long(request_: Request, time_s: float) -> None:
    assert reply_time_s(request_) == time_s
    assert reply_time_s(request_, 5.0) == 5.0
