import pytest

from lucid2mqtt.lucid.frames import Request, calibrate_io, get_io, get_io_group, reset_parameter, set_io_group, set_parameter
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.quirks import STATUSES, Fault, Inactive
from tests.unit.sim.talk import ask, peek, prompt_module, put, read, write


@pytest.mark.parametrize(
    ("family", "wire", "status"),
    [
        ("AI4", "01000000", 0xA0),  # unknown command
        ("AI4", "46091d00", 0xB8),  # no channel 9
        ("AI4", "46007f00", 0xB4),  # no such value type
        ("AI4", "46004000", 0xB4),  # a temperature of an analog input
        ("AI4", "46002300", 0xB4),  # a current of a voltage module
        ("AI4", "46001d0100", 0xB0),  # a read with data
        ("AI4", "a20000020112", 0xBA),  # no parameter 0x1201
        ("AI4", "a200000111", 0xB0),  # half an address
        ("AI4", "a20001021111", 0xB4),  # GetParam has no options
        ("AI4", "a000000400100100", 0xBA),  # a read-only parameter
        ("AI4", "a000020300110100", 0xB4),  # an option of SetParam nobody knows
        ("AI4", "a0000103001101", 0xB0),  # default with a value
        ("AI4", "a000000400110100", 0xB0),  # a mode of two bytes
        ("AI4", "a0000003001102", 0xB6),  # no mode 2
        ("AI4", "48001d00", 0xB2),  # an empty mask
        ("AI4", "488080801d00", 0xB2),  # a fourth mask byte announced
        ("AI4", "4880011d00", 0xB8),  # channel 7 of four
        ("AI4", "40001d0400000000", 0xB8),  # an input written
        ("AO4", "40001d024b4c", 0xB0),  # half a value
        ("AO4", "c0010000", 0xB2),  # GetId of a channel
        ("AO4", "c000000100", 0xB0),  # GetId with data
        ("DO4", "4000000102", 0xB6),  # neither on nor off
        ("DO4", "4203000101", 0xB0),  # one value for two channels
        ("DO4", "52000000", 0xA0),  # nothing to calibrate
        ("AO4", "52001000", 0xB4),  # open-terminal calibration is for RTD inputs
    ],
)
def test_a_fault_is_refused_with_its_status_and_no_data(family: str, wire: str, status: int) -> None:
    module = prompt_module(family)
    module.receive(bytes.fromhex(wire), 0.0)
    assert module.replies_due(0.0) == bytes((status, 0))


def test_the_table_of_status_codes_is_a_quirk() -> None:
    module = prompt_module("AI4", statuses={**STATUSES, Fault.NO_CHANNEL: 0xFF})
    assert ask(module, get_io(9, ValueType.VOS4), 0.0).status == 0xFF


def test_an_empty_mask_gets_an_empty_reply_from_a_comfortable_module() -> None:
    module = prompt_module("DI4", empty_mask_answered=True)
    assert ask(module, Request(0x48, b"\x00", 0), 0.0).encode() == b"\x00\x00"


def test_a_group_read_gives_the_channels_ascending_over_three_mask_bytes() -> None:
    module = prompt_module("DO16")
    write(module, 14, 1, 0.0)
    assert ask(module, get_io_group((0, 7, 14), ValueType.DI1), 0.0).data == bytes((0, 0, 1))


def test_a_refused_group_write_may_have_been_carried_out_in_part() -> None:
    module = prompt_module("DI4DO4")
    raws = {4: b"\x01", 5: b"\x02", 6: b"\x01"}
    assert ask(module, set_io_group(raws, ValueType.DI1), 0.0).status == 0xB6
    assert [module.output(channel, 0.0) for channel in (4, 5, 6)] == [True, False, False]


def test_an_atomic_module_carries_out_a_group_write_whole_or_not_at_all() -> None:
    module = prompt_module("DI4DO4", group_write_is_atomic=True)
    assert ask(module, set_io_group({4: b"\x01", 5: b"\x02"}, ValueType.DI1), 0.0).status == 0xB6
    assert module.output(4, 0.0) is False


def test_the_default_flag_works_in_both_layers() -> None:
    module = prompt_module("DO4")
    put(module, 0, 0x1111, 750, 2, 0.0, persistent=True)
    assert ask(module, reset_parameter(0, 0x1111), 0.0).ok
    assert peek(module, 0, 0x1111, 0.0) == 500
    module.power_cycle(1.0)
    assert peek(module, 0, 0x1111, 1.0) == 750
    assert ask(module, reset_parameter(0, 0x1111, persistent=True), 1.0).ok
    module.power_cycle(2.0)
    assert peek(module, 0, 0x1111, 2.0) == 500


def test_flags_are_one_byte_to_read_change_and_write_back() -> None:
    module = prompt_module("DO4")
    for flags in (1, 3, 7):
        assert put(module, 0, 0x1101, flags, 1, 0.0) == 0
        assert peek(module, 0, 0x1101, 0.0) == flags
    assert put(module, 0, 0x1101, 8, 1, 0.0) == 0xB6


def test_a_di4do4_keeps_inputs_and_outputs_in_blocks_of_their_own() -> None:
    module = prompt_module("DI4DO4")
    assert put(module, 0, 0x1500, 0x20, 1, 0.0) == 0
    assert put(module, 4, 0x1900, 0x08, 1, 0.0) == 0
    assert put(module, 4, 0x1500, 0x01, 1, 0.0) == 0xBA
    assert put(module, 0, 0x1100, 0x01, 1, 0.0) == 0xBA


def test_calibration_is_carried_out_where_there_is_something_to_calibrate() -> None:
    assert ask(prompt_module("RI4"), calibrate_io(0, 0x10, persistent=True), 0.0).ok
    assert ask(prompt_module("AO4"), calibrate_io(0, persistent=True), 0.0).ok


def test_an_inactive_input_reads_zero_or_refuses() -> None:
    assert read(prompt_module("RI4", commissioned=False), 0, ValueType.TMS2, 0.0) == 0.0
    refusing = prompt_module("RI4", commissioned=False, inactive_read=Inactive.REFUSES)
    assert ask(refusing, get_io(0, ValueType.TMS2), 0.0).status == 0xD0


def test_setting_a_parameter_at_the_end_of_a_manuals_range_is_refused_unless_ends_count() -> None:
    assert put(prompt_module("DO4"), 0, 0x1112, 10_000, 4, 0.0) == 0xB6
    assert put(prompt_module("DO4"), 0, 0x1112, 20_000, 4, 0.0) == 0
    assert put(prompt_module("DO4", limits_exclude_ends=False), 0, 0x1112, 10_000, 4, 0.0) == 0


def test_an_offset_is_signed() -> None:
    module = prompt_module("AI4")
    assert ask(module, set_parameter(0, 0x1120, b"\xfb\xff"), 0.0).ok
    assert peek(module, 0, 0x1120, 0.0) == 0xFFFB
