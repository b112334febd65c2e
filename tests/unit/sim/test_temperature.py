import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.frames import get_io, get_io_group
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.channel import SensorFault
from lucid2mqtt.sim.quirks import BrokenSensor, FineTemperature
from lucid2mqtt.sim.temperature import resistance_ohm
from tests.unit.sim.talk import ask, peek, prompt_module, put, read

MODE, INTERVAL, OFFSET, VALUE = 0x1100, 0x1111, 0x1120, 0x1000


@pytest.mark.parametrize(("celsius", "ohm"), [(0.0, 100.0), (100.0, 138.51), (180.0, 168.48), (-100.0, 60.26)])
def test_platinum_follows_the_standard(celsius: float, ohm: float) -> None:
    assert resistance_ohm(celsius, 100.0) == pytest.approx(ohm, abs=0.01)


@given(st.floats(-179.0, 179.0))
def test_a_sensor_reads_its_temperature_in_tenths(celsius: float) -> None:
    module = prompt_module("RI4")
    module.drive(0, celsius, 0.5)
    assert read(module, 0, ValueType.TMS2, 10.0) == pytest.approx(celsius, abs=0.2)


def test_a_sensor_is_seen_once_a_round_of_half_a_second_each() -> None:
    module = prompt_module("RI4", temperature_noise_c=0.0)
    for channel in range(4):
        module.drive(channel, 50.0, 0.1)
    values = [[read(module, channel, ValueType.TMS2, now) for channel in range(4)] for now in (0.4, 0.6, 1.1, 1.6, 2.1)]
    assert values == [[20, 20, 20, 20], [50, 20, 20, 20], [50, 50, 20, 20], [50, 50, 50, 20], [50, 50, 50, 50]]


def test_inactive_sensors_make_the_round_shorter() -> None:
    module = prompt_module("RI4", temperature_noise_c=0.0)
    for channel in (1, 2, 3):
        put(module, channel, MODE, 0, 1, 0.0)
    module.drive(0, 50.0, 0.9)
    assert read(module, 0, ValueType.TMS2, 1.1) == 50.0


def test_a_channel_just_made_active_reads_zero_until_its_turn() -> None:
    module = prompt_module("RI4", commissioned=False)
    put(module, 0, MODE, 1, 1, 10.0)
    assert read(module, 0, ValueType.TMS2, 10.0) == 0.0
    assert read(module, 0, ValueType.TMS2, 13.0) == pytest.approx(20.0, abs=0.2)


@pytest.mark.parametrize(
    ("quirk", "opened", "shorted"),
    [
        (BrokenSensor.RANGE_END, 180.0, -180.0),
        (BrokenSensor.BEYOND, 230.0, -230.0),
        (BrokenSensor.EXTREME_NUMBER, 3276.7, -3276.8),
    ],
)
def test_a_broken_sensor_reads_as_the_quirk_says(quirk: BrokenSensor, opened: float, shorted: float) -> None:
    module = prompt_module("RI4", open_sensor=quirk, shorted_sensor=quirk)
    module.drive(0, SensorFault.OPEN, 0.1)
    module.drive(1, SensorFault.SHORTED, 0.1)
    assert read(module, 0, ValueType.TMS2, 10.0) == opened
    assert read(module, 1, ValueType.TMS2, 10.0) == shorted
    assert read(module, 0, ValueType.RMU2, 10.0) == 6553.5
    assert peek(module, 1, VALUE, 10.0) == 0


def test_a_refused_sensor_takes_the_whole_group_with_it() -> None:
    module = prompt_module("RI4", open_sensor=BrokenSensor.REFUSED)
    module.drive(3, SensorFault.OPEN, 0.1)
    assert ask(module, get_io_group(range(4), ValueType.TMS2), 10.0).status == 0xD0
    assert ask(module, get_io_group(range(3), ValueType.TMS2), 10.0).ok


def test_a_sensor_beyond_the_range_reads_as_its_end() -> None:
    module = prompt_module("RI4", type_code=0x1001)
    module.drive(0, -5.0, 0.1)
    module.drive(1, 400.0, 0.1)
    assert read(module, 0, ValueType.TMS2, 10.0) == 0.0
    assert read(module, 1, ValueType.TMS2, 10.0) == 360.0


def test_hundredths_are_refused_coarse_or_fine() -> None:
    assert ask(prompt_module("RI4"), get_io(0, ValueType.TMS4), 1.0).status == 0xB4
    shown = {}
    for quirk in (FineTemperature.COARSE, FineTemperature.FINER):
        module = prompt_module("RI4", fine_temperature=quirk, temperature_noise_c=0.0)
        module.drive(0, 21.57, 0.1)
        shown[quirk] = read(module, 0, ValueType.TMS4, 10.0)
    assert shown == {FineTemperature.COARSE: 21.6, FineTemperature.FINER: 21.57}


@pytest.mark.parametrize(("type_code", "ohm"), [(0x1000, 1000.0), (0x1010, 100.0)])
def test_resistance_is_that_of_the_sensor(type_code: int, ohm: float) -> None:
    module = prompt_module("RI4", type_code=type_code, temperature_noise_c=0.0)
    module.drive(0, 0.0, 0.1)
    assert read(module, 0, ValueType.RMU2, 10.0) == ohm


def test_an_offset_moves_the_reading_in_tenths() -> None:
    module = prompt_module("RI4", temperature_noise_c=0.0)
    put(module, 0, OFFSET, -3, 2, 0.0)
    assert read(module, 0, ValueType.TMS2, 10.0) == 19.7


def test_a_shorter_interval_is_kept_but_never_below_the_setup_time() -> None:
    module = prompt_module("RI4", temperature_noise_c=0.0)
    for channel in range(4):
        put(module, channel, INTERVAL, 1, 2, 0.0)
    module.drive(0, 30.0, 1.0)
    assert read(module, 0, ValueType.TMS2, 1.3) == 30.0
