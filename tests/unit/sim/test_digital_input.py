from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.frames import get_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Overflow
from tests.unit.sim.talk import ask, peek, prompt_module, put, read

MODE, FLAGS, SCAN, COUNT_TIME, VALUE = 0x1100, 0x1101, 0x1111, 0x1112, 0x1000
RISING, FALLING, COUNT = 0x10, 0x11, 0x20
ADD, RESET, INVERTED = 1, 2, 4


def inputs(
    mode: int = 1, flags: int = 0, *, scan_us: int = 10_000, count_us: int = 1_000_000, **quirks: Any
) -> VirtualModule:  # Any: as in prompt_module
    module = prompt_module("DI4", **quirks)
    put(module, 0, MODE, mode, 1, 0.0)
    put(module, 0, FLAGS, flags, 1, 0.0)
    put(module, 0, SCAN, scan_us, 4, 0.0)
    put(module, 0, COUNT_TIME, count_us, 4, 0.0)
    return module


def pulses(module: VirtualModule, count: int, begin: float, period: float = 0.1) -> None:
    for place in range(count):
        module.drive(0, signal=True, at=begin + place * period)
        module.drive(0, signal=False, at=begin + (place + 0.5) * period)


def level(module: VirtualModule, now: float) -> bool:
    return bool(read(module, 0, ValueType.DI1, now))


def count(module: VirtualModule, now: float) -> int:
    return int(read(module, 0, ValueType.CNT2, now))


def test_a_level_is_seen_one_scan_time_late() -> None:
    module = inputs()
    module.drive(0, signal=True, at=1.0)
    assert level(module, 1.009) is False
    assert level(module, 1.011) is True
    assert peek(module, 0, VALUE, 1.011) == 1


def test_a_pulse_shorter_than_the_scan_time_is_lost() -> None:
    module = inputs(RISING)
    module.drive(0, signal=True, at=1.0)
    module.drive(0, signal=False, at=1.009)
    assert level(module, 2.0) is False


def test_bouncing_starts_the_scan_time_again() -> None:
    module = inputs()
    for bounce in range(5):
        module.drive(0, signal=bounce % 2 == 0, at=1.0 + bounce * 0.005)
    assert level(module, 1.029) is False
    assert level(module, 1.031) is True


def test_a_longer_scan_time_caps_the_count() -> None:
    module = inputs(COUNT, ADD, scan_us=60_000)
    pulses(module, 10, 1.0)
    assert count(module, 5.0) == 0


def test_inverted_turns_the_logical_level() -> None:
    assert level(inputs(flags=INVERTED), 1.0) is True


@pytest.mark.parametrize(("mode", "signals"), [(RISING, [True]), (FALLING, [True, False])])
def test_an_edge_is_latched_until_it_is_read(mode: int, signals: list[bool]) -> None:
    module = inputs(mode)
    for place, signal in enumerate(signals):
        module.drive(0, signal=signal, at=1.0 + place)
    assert level(module, 5.0) is True
    assert level(module, 5.0) is False


def test_the_other_edge_is_not_latched() -> None:
    module = inputs(FALLING)
    module.drive(0, signal=True, at=1.0)
    assert level(module, 5.0) is False


def test_an_edge_may_stay_latched_when_read() -> None:
    module = inputs(RISING, edge_read_clears=False)
    module.drive(0, signal=True, at=1.0)
    assert level(module, 5.0) is True
    assert level(module, 6.0) is True


def test_without_add_counter_the_value_is_the_count_of_the_last_whole_window() -> None:
    module = inputs(COUNT)
    pulses(module, 7, 0.1)
    assert count(module, 0.95) == 0
    assert count(module, 1.5) == 7
    assert count(module, 2.5) == 0


def test_add_counter_adds_windows_up_when_they_end() -> None:
    module = inputs(COUNT, ADD)
    pulses(module, 15, 0.1)
    assert count(module, 0.95) == 0
    assert count(module, 1.5) == 9
    assert count(module, 60.0) == 15


def test_add_counter_may_count_at_once() -> None:
    module = inputs(COUNT, ADD, added_at_window_end=False)
    pulses(module, 15, 0.1)
    assert count(module, 0.59) == 5
    assert count(module, 60.0) == 15


def test_reset_on_read_gives_every_pulse_to_one_reader_only() -> None:
    module = inputs(COUNT, ADD | RESET)
    pulses(module, 5, 0.1)
    assert count(module, 2.0) == 5
    assert count(module, 2.0) == 0
    pulses(module, 3, 2.1)
    assert count(module, 4.0) == 3


@pytest.mark.parametrize(("overflow", "shown"), [(Overflow.SATURATES, 65_535), (Overflow.WRAPS, 4)])
def test_the_counter_saturates_or_wraps_at_sixteen_bits(overflow: Overflow, shown: int) -> None:
    module = inputs(COUNT, ADD, scan_us=200, counter_overflow=overflow)
    pulses(module, 65_540, 0.1, period=0.001)
    assert count(module, 70.0) == shown


def test_value_types_follow_the_mode() -> None:
    assert ask(inputs(COUNT), get_io(0, ValueType.DI1), 0.0).status == 0xB4
    assert ask(inputs(), get_io(0, ValueType.CNT2), 0.0).status == 0xB4
    kind = inputs(COUNT, ADD, any_type_in_any_mode=True)
    pulses(kind, 2, 0.1)
    assert level(kind, 2.0) is True


def test_a_mode_change_forgets_counts_and_edges() -> None:
    module = inputs(COUNT, ADD)
    pulses(module, 5, 0.1)
    assert count(module, 2.0) == 5
    put(module, 0, MODE, RISING, 1, 2.0)
    put(module, 0, MODE, COUNT, 1, 2.0)
    assert count(module, 4.0) == 0


def test_signals_laid_out_ahead_come_when_their_time_has_come() -> None:
    module = inputs()
    module.drive(0, signal=True, at=100.0)
    assert level(module, 99.0) is False
    assert level(module, 100.5) is True


def test_power_on_takes_the_level_as_it_is() -> None:
    module = prompt_module("DI4")
    module.drive(0, signal=True, at=1.0)
    module.power_cycle(2.0)
    assert level(module, 2.0) is True


@given(st.lists(st.floats(0.001, 0.5), max_size=60))
def test_no_count_is_lost_or_invented_by_when_one_looks(pauses: list[float]) -> None:
    looked, unseen = inputs(COUNT, ADD, scan_us=200), inputs(COUNT, ADD, scan_us=200)
    pulses(looked, 100, 0.1)
    pulses(unseen, 100, 0.1)
    now = 0.0
    for pause in pauses:
        now += pause
        count(looked, now)
    assert count(looked, now + 30.0) == count(unseen, now + 30.0) == 100
