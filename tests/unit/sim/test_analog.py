import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.frames import get_io, set_io
from lucid2mqtt.lucid.values import ValueType, encode
from lucid2mqtt.sim.module import VirtualModule
from tests.unit.sim.talk import ask, peek, prompt_module, put, read, write

STEP_IN, STEP_OUT = 10 / 2**14, 10 / 2**12
MODE, SAMPLES, OFFSET, VALUE = 0x1100, 0x1112, 0x1120, 0x1000


def readings(module: VirtualModule, count: int = 200) -> list[float]:
    return [float(read(module, 0, ValueType.VOS4, 1.0 + place)) for place in range(count)]


def test_an_open_terminal_reads_a_few_millivolts() -> None:
    assert 0.001 < statistics.mean(readings(prompt_module("AI4"))) < 0.005


def test_one_conversion_is_a_whole_number_of_fourteen_bit_steps() -> None:
    module = prompt_module("AI4")
    module.drive(0, 3.21, 0.5)
    assert all(abs(reading / STEP_IN - round(reading / STEP_IN)) < 0.01 for reading in readings(module))


def test_averaging_makes_the_noise_smaller() -> None:
    one, many = prompt_module("AI4"), prompt_module("AI4")
    put(many, 0, SAMPLES, 16, 2, 0.0)
    for module in (one, many):
        module.drive(0, 3.21, 0.5)
    assert statistics.stdev(readings(many)) < statistics.stdev(readings(one)) / 2


def test_the_scanned_value_is_served_until_the_next_scan() -> None:
    module = prompt_module("AI4", analog_conversion_s=0.1)
    first = read(module, 0, ValueType.VOS4, 10.01)
    module.drive(0, 5.0, 10.02)
    assert read(module, 0, ValueType.VOS4, 10.03) == first
    assert read(module, 0, ValueType.VOS4, 10.6) == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize(("type_code", "signal", "shown"), [(0x1001, 12.0, 10.0), (0x1001, -1.0, 0.0), (0x1011, -99.0, -10.0)])
def test_a_signal_outside_the_range_reads_as_the_range_end(type_code: int, signal: float, shown: float) -> None:
    module = prompt_module("AI4", type_code=type_code)
    module.drive(0, signal, 0.5)
    assert read(module, 0, ValueType.VOS4, 2.0) == pytest.approx(shown, abs=2 * STEP_IN)


def test_a_current_type_speaks_milliamperes_and_no_volts() -> None:
    module = prompt_module("AI4", type_code=0x1110)
    module.drive(0, 12.5, 0.5)
    assert read(module, 0, ValueType.CUS4, 2.0) == pytest.approx(12.5, abs=0.01)
    assert ask(module, get_io(0, ValueType.VOS4), 2.0).status == 0xB4


def test_both_voltages_and_the_raw_code_agree() -> None:
    module = prompt_module("AI4", analog_noise_v=0.0)
    module.drive(0, 5.0, 0.5)
    assert read(module, 0, ValueType.VOS2, 2.0) == pytest.approx(read(module, 0, ValueType.VOS4, 2.0), abs=0.0006)
    assert read(module, 0, ValueType.ANU2, 2.0) * STEP_IN == pytest.approx(5.0, abs=0.005)
    assert peek(module, 0, VALUE, 2.0) == read(module, 0, ValueType.ANU2, 2.0)


def test_an_offset_moves_the_reading_in_millivolts() -> None:
    module = prompt_module("AI4", analog_noise_v=0.0)
    before = read(module, 0, ValueType.VOS4, 2.0)
    put(module, 0, OFFSET, -100, 2, 2.0)
    assert read(module, 0, ValueType.VOS4, 2.0) == pytest.approx(before - 0.1)


def test_a_short_voltage_stops_at_the_end_of_its_number() -> None:
    module = prompt_module("AI4", type_code=0x1005)
    module.drive(0, 24.0, 0.5)
    put(module, 0, OFFSET, 32_000, 2, 0.5)
    assert read(module, 0, ValueType.VOS2, 2.0) == 32.767


def test_an_analog_output_puts_out_the_nearest_of_4096_steps_and_says_so() -> None:
    module = prompt_module("AO4")
    assert write(module, 0, 3.3, 0.0, ValueType.VOS4) == 0
    out = module.output(0, 0.0)
    assert out == pytest.approx(3.3, abs=STEP_OUT / 2)
    assert out != 3.3
    assert read(module, 0, ValueType.VOS4, 0.0) == pytest.approx(out, abs=1e-6)


def test_a_kinder_analog_output_reads_back_what_was_written() -> None:
    module = prompt_module("AO4", analog_output_reads_written=True)
    write(module, 0, 3.3, 0.0, ValueType.VOS4)
    assert read(module, 0, ValueType.VOS4, 0.0) == 3.3


@pytest.mark.parametrize(
    ("type_code", "value_type", "value", "taken"),
    [
        (0x1001, ValueType.VOS4, 10.0, True),
        (0x1001, ValueType.VOS4, 10.001, False),
        (0x1001, ValueType.VOS4, -0.001, False),
        (0x1012, ValueType.VOS2, -12.0, True),
        (0x1101, ValueType.CUS4, 3.9, False),
        (0x1101, ValueType.CUS4, 4.0, True),
        (0x1001, ValueType.ANU2, 4095, True),
        (0x1001, ValueType.ANU2, 4096, False),
    ],
)
def test_an_analog_output_takes_its_range_and_refuses_the_rest(type_code: int, value_type: ValueType, value: float, taken: bool) -> None:
    module = prompt_module("AO4", type_code=type_code)
    before = module.output(0, 0.0)
    status = ask(module, set_io(0, value_type, encode(value_type, value)), 0.0).status
    assert status == (0 if taken else 0xB6)
    assert taken or module.output(0, 0.0) == before


def test_an_analog_output_comes_back_with_the_persisted_raw_value() -> None:
    module = prompt_module("AO4")
    put(module, 0, VALUE, 2048, 2, 0.0, persistent=True)
    assert module.output(0, 0.0) == 5.0
    write(module, 0, 1.0, 1.0, ValueType.VOS4)
    module.power_off(2.0)
    assert module.output(0, 2.0) == 0.0
    module.power_on(3.0)
    assert module.output(0, 3.0) == 5.0


def test_a_bipolar_output_never_set_gives_no_voltage() -> None:
    assert prompt_module("AO4", type_code=0x1011).output(0, 1.0) == 0.0


def test_an_inactive_analog_output_gives_nothing() -> None:
    module = prompt_module("AO4")
    write(module, 0, 5.0, 0.0, ValueType.VOS4)
    put(module, 0, MODE, 0, 1, 1.0)
    assert module.output(0, 1.0) == 0.0
    write(module, 0, 7.0, 2.0, ValueType.VOS4)
    put(module, 0, MODE, 1, 1, 3.0)
    assert module.output(0, 3.0) == 5.0, "a write to an inactive channel does nothing"


@given(st.floats(0.0, 10.0))
def test_what_goes_out_of_one_module_comes_in_at_another(volts: float) -> None:
    out, back = prompt_module("AO4"), prompt_module("AI4")
    write(out, 0, volts, 0.0, ValueType.VOS4)
    back.drive(0, float(out.output(0, 0.0)), 0.5)
    assert read(back, 0, ValueType.VOS4, 2.0) == pytest.approx(volts, abs=0.01)
