from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import COMFORTABLE, Inactive, OutputReads, Retrigger, SecondOne
from tests.unit.sim.talk import peek, prompt_module, put, read, write

MODE, FLAGS, CYCLE, DUTY, DELAY, HOLD, VALUE = 0x1100, 0x1101, 0x1110, 0x1111, 0x1112, 0x1113, 0x1000
ON_OFF, DUTY_CYCLE, REFLECT = 0x08, 0x0A, 0x01
RETRIGGER, CANCEL, INVERTED = 1, 2, 4


def on_off(flags: int = 0, *, delay_ms: int = 20, hold_ms: int = 1000, **quirks: Any) -> VirtualModule:  # Any: as in prompt_module
    module = prompt_module("DO4", **quirks)
    put(module, 0, MODE, ON_OFF, 1, 0.0)
    put(module, 0, FLAGS, flags, 1, 0.0)
    put(module, 0, DELAY, delay_ms * 1000, 4, 0.0)
    put(module, 0, HOLD, hold_ms * 1000, 4, 0.0)
    return module


def duty_cycle(cycle_us: int, duty: int) -> VirtualModule:
    module = prompt_module("DO4")
    put(module, 0, MODE, DUTY_CYCLE, 1, 0.0)
    put(module, 0, CYCLE, cycle_us, 4, 0.0)
    put(module, 0, DUTY, duty, 2, 0.0)
    return module


def changes(module: VirtualModule, until: float) -> list[tuple[float, bool | float]]:
    module.advance(until)
    return [(round(at, 6), state) for at, state in module.journal.outputs(0)]


def test_reflect_follows_at_once() -> None:
    module = prompt_module("DO4")
    write(module, 0, 1, 1.0)
    assert read(module, 0, ValueType.DI1, 1.0) is True
    write(module, 0, 0, 2.0)
    assert changes(module, 3.0) == [(1.0, True), (2.0, False)]


def test_inverted_means_that_one_is_physically_off() -> None:
    module = prompt_module("DO4")
    put(module, 0, FLAGS, INVERTED, 1, 1.0)
    assert module.output(0, 1.0) is True
    write(module, 0, 1, 2.0)
    assert read(module, 0, ValueType.DI1, 2.0) is True
    assert module.output(0, 2.0) is False


def test_an_on_off_run_waits_the_delay_and_ends_after_the_hold() -> None:
    module = on_off()
    write(module, 0, 1, 1.0)
    assert changes(module, 10.0) == [(1.02, True), (2.02, False)]


def test_without_flags_neither_one_nor_zero_reaches_a_run() -> None:
    module = on_off()
    write(module, 0, 1, 1.0)
    write(module, 0, 1, 1.5)
    write(module, 0, 0, 1.6)
    assert changes(module, 10.0) == [(1.02, True), (2.02, False)]


def test_a_retrigger_restarts_the_delay_and_leaves_a_gap() -> None:
    module = on_off(RETRIGGER)
    write(module, 0, 1, 1.0)
    write(module, 0, 1, 1.5)
    assert changes(module, 10.0) == [(1.02, True), (1.5, False), (1.52, True), (2.52, False)]


def test_a_retrigger_extends_the_hold_without_a_gap_on_kinder_hardware() -> None:
    module = on_off(RETRIGGER, retrigger=Retrigger.EXTENDS_HOLD)
    write(module, 0, 1, 1.0)
    write(module, 0, 1, 1.01)  # still in the delay: nothing to extend
    write(module, 0, 1, 1.5)
    assert changes(module, 10.0) == [(1.02, True), (2.5, False)]


def test_a_retrigger_may_be_ignored_altogether() -> None:
    module = on_off(RETRIGGER, retrigger=Retrigger.IGNORED)
    write(module, 0, 1, 1.0)
    write(module, 0, 1, 1.5)
    assert changes(module, 10.0) == [(1.02, True), (2.02, False)]


def test_a_second_one_after_the_run_needs_a_zero_first() -> None:
    module = on_off()
    write(module, 0, 1, 1.0)
    write(module, 0, 1, 5.0)
    assert len(changes(module, 10.0)) == 2
    write(module, 0, 0, 10.0)
    write(module, 0, 1, 11.0)
    assert changes(module, 20.0)[2:] == [(11.02, True), (12.02, False)]


def test_a_second_one_after_the_run_triggers_on_kinder_hardware() -> None:
    module = on_off(second_one=SecondOne.TRIGGERS)
    write(module, 0, 1, 1.0)
    write(module, 0, 1, 5.0)
    assert len(changes(module, 10.0)) == 4


def test_cancel_switches_off_one_step_later_or_at_once() -> None:
    late, prompt = on_off(CANCEL), on_off(CANCEL, cancel_latency_s=0.0)
    for module in (late, prompt):
        write(module, 0, 1, 1.0)
        write(module, 0, 0, 1.5)
    assert changes(late, 10.0)[-1] == (1.51, False)
    assert changes(prompt, 10.0)[-1] == (1.5, False)


def test_cancel_in_the_delay_means_it_never_goes_on() -> None:
    module = on_off(CANCEL, delay_ms=500)
    write(module, 0, 1, 1.0)
    write(module, 0, 0, 1.2)
    assert changes(module, 10.0) == []


def test_an_on_delay_of_zero_is_refused_or_skipped() -> None:
    assert put(prompt_module("DO4"), 0, DELAY, 0, 4, 0.0) == 0xB6
    module = on_off(on_delay_zero_accepted=True)
    assert put(module, 0, DELAY, 0, 4, 0.0) == 0
    write(module, 0, 1, 1.0)
    assert changes(module, 10.0) == [(1.0, True), (2.0, False)]


def test_get_io_shows_what_was_written_or_what_the_timer_does() -> None:
    for quirk, shown in ((OutputReads.WRITTEN, True), (OutputReads.TIMED, False)):
        module = on_off(output_reads=quirk)
        write(module, 0, 1, 1.0)
        assert module.output(0, 5.0) is False
        assert read(module, 0, ValueType.DI1, 5.0) is shown


def test_a_dead_man_recipe_keeps_a_heater_on_and_lets_it_drop_when_the_host_dies() -> None:
    module = on_off(RETRIGGER | CANCEL, delay_ms=20, hold_ms=15_000)
    for refresh in range(1, 60, 5):
        write(module, 0, 1, float(refresh))
    assert module.on_seconds(0, 56.0) > 54.5
    assert module.output(0, 71.0) is True
    assert module.output(0, 71.03) is False


def test_a_persisted_one_starts_a_run_at_power_on_unless_the_hardware_is_kinder() -> None:
    for starts in (True, False):
        module = prompt_module("DO4", persisted_one_starts=starts)
        put(module, 0, VALUE, 1, 1, 0.0, persistent=True)
        put(module, 0, MODE, ON_OFF, 1, 0.0, persistent=True)
        module.power_cycle(10.0)
        assert module.output(0, 11.5) is starts
        assert module.output(0, 12.5) is False


def test_the_persisted_value_is_restored_in_reflect_mode_and_set_io_persists_nothing() -> None:
    module = prompt_module("DO4")
    put(module, 0, VALUE, 1, 1, 0.0, persistent=True)
    write(module, 0, 0, 1.0)
    write(module, 1, 1, 1.0)
    module.power_cycle(2.0)
    assert module.output(0, 2.0) is True
    assert module.output(1, 2.0) is False


def test_a_duty_cycle_runs_by_itself_for_ever() -> None:
    module = duty_cycle(1_000_000, 300)
    write(module, 0, 1, 1.0)
    assert changes(module, 2.5) == [(1.0, True), (1.3, False), (2.0, True), (2.3, False)]
    assert module.on_seconds(0, 101.0) == pytest.approx(30.0)
    write(module, 0, 0, 101.1)
    assert module.output(0, 200.0) is False


def test_a_second_one_does_not_restart_a_duty_cycle() -> None:
    module = duty_cycle(1_000_000, 300)
    write(module, 0, 1, 1.0)
    write(module, 0, 1, 1.5)
    assert changes(module, 2.1)[-1] == (2.0, True)


@pytest.mark.parametrize(("duty", "state"), [(5, False), (995, True), (0, False), (1000, True)])
def test_a_phase_shorter_than_ten_milliseconds_is_skipped(duty: int, state: bool) -> None:
    module = duty_cycle(1_000_000, duty)
    write(module, 0, 1, 1.0)
    assert [module.output(0, 1.0 + tenth / 100) for tenth in range(300)] == [state] * 300


def test_duty_and_cycle_count_in_steps_of_ten_milliseconds() -> None:
    module = duty_cycle(1_000_000, 985)
    write(module, 0, 1, 0.0)
    assert changes(module, 1.5) == [(0.0, True), (0.98, False), (1.0, True)]


def test_changing_the_mode_ends_a_run_and_shows_what_was_written() -> None:
    module = on_off()
    write(module, 0, 1, 1.0)
    put(module, 0, MODE, REFLECT, 1, 5.0)
    assert module.output(0, 5.0) is True, "reflect shows the 1 of long ago"
    put(module, 0, MODE, ON_OFF, 1, 6.0)
    assert module.output(0, 60.0) is False, "a mode alone starts no run"
    put(module, 0, MODE, DUTY_CYCLE, 1, 61.0)
    assert module.output(0, 61.1) is True


def test_setting_the_mode_it_has_changes_nothing() -> None:
    module = on_off()
    write(module, 0, 1, 1.0)
    put(module, 0, MODE, ON_OFF, 1, 1.5)
    assert changes(module, 10.0) == [(1.02, True), (2.02, False)]


def test_an_inactive_output_takes_the_write_and_does_nothing() -> None:
    module = prompt_module("DO4", commissioned=False)
    assert write(module, 0, 1, 0.0) == 0
    assert module.output(0, 1.0) is False
    assert read(module, 0, ValueType.DI1, 1.0) is False
    assert write(prompt_module("DO4", commissioned=False, inactive_write=Inactive.REFUSES), 0, 1, 0.0) == 0xD0


def test_writing_the_value_parameter_moves_the_output_or_not() -> None:
    for acts in (True, False):
        module = prompt_module("DO4", value_parameter_acts=acts)
        put(module, 0, VALUE, 1, 1, 0.0)
        assert module.output(0, 0.0) is acts


def test_the_value_parameter_need_not_show_what_was_written() -> None:
    for follows in (True, False):
        module = prompt_module("DO4", value_parameter_follows=follows)
        write(module, 0, 1, 0.0)
        assert peek(module, 0, VALUE, 0.0) == follows


def test_a_comfortable_module_takes_the_recipe_as_it_is_written() -> None:
    module = VirtualModule("DO4", serial=1, commissioned=True, quirks=COMFORTABLE)
    module.receive(bytes.fromhex("a0000003001108 a0000006121110270000 a0000006131180969800 a0000003011103 4000000101"), 0.0)
    assert module.replies_due(1.0) == bytes(10)
    assert module.output(0, 5.0) is True
    assert module.output(0, 10.1) is False


@given(st.lists(st.tuples(st.sampled_from([0.005, 0.4, 3.0]), st.sampled_from([0, 1])), max_size=30), st.integers(0, 7))
def test_a_silent_host_always_finds_an_on_off_output_off_after_delay_and_hold(writes: list[tuple[float, int]], flags: int) -> None:
    module, now = on_off(flags & ~INVERTED), 0.0
    for pause, value in writes:
        now += pause
        assert write(module, 0, value, now) == 0
    assert module.output(0, now + 1.03) is False
    times = [at for at, _ in module.journal.outputs(0)]
    assert times == sorted(times)


def test_values_other_than_zero_and_one_are_refused() -> None:
    module = prompt_module("DO4")
    module.receive(bytes.fromhex("4000000102"), 0.0)
    assert module.replies_due(0.0)[0] == 0xB6
