"""What is read and what is changed before the first reading."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.arrival import may_change_state
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions, ParameterSetting
from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.lucid.frames import Opcode, Reply, Request, get_io, get_parameter, reset_parameter, set_parameter
from lucid2mqtt.lucid.readers import RequestReader
from lucid2mqtt.lucid.values import ValueType
from tests.unit.engine.scripted import REFUSED, Household, ScriptedModule, identity, living
from tests.virtual_clock import run_virtual

MODE, VALUE, FLAGS = 0x1100, 0x1000, 0x1101


def writes_of(module: ScriptedModule) -> list[tuple[int, int, bytes]]:
    """Channel, address and data of every SetParam."""
    return [
        (each.selector[0], int.from_bytes(each.data[:2], "little"), each.data[2:])
        for each in module.writes
        if each.opcode == Opcode.SET_PARAM
    ]


def with_parameters(**settings: ParameterSetting) -> Household:
    return Household([ModuleOptions(serial=1, name="lab", parameters={0: settings})])


def test_parameters_that_are_right_are_left_alone() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("RI4", 0x1000, 1))
        module.parameters[0, 0x1112] = (50).to_bytes(2, "little")
        async with living(with_parameters(inRtSetupTime=ParameterSetting(50)), module):
            assert module.writes == []

    run_virtual(main())


@pytest.mark.parametrize("persistent", [True, False])
def test_a_parameter_that_differs_is_set_read_back_and_told(persistent: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        module = ScriptedModule(identity("RI4", 0x1000, 1))
        module.parameters[0, 0x1112] = (10).to_bytes(2, "little")
        async with living(with_parameters(inrtsetuptime=ParameterSetting("50", persistent)), module):
            assert writes_of(module) == [(0, 0x1112, (50).to_bytes(2, "little"))]
            assert module.writes[0].persistent is persistent

    run_virtual(main())
    kept = "persistent" if persistent else "volatile"
    assert f"parameter inRtSetupTime of channel 0: 10 -> 50 ({kept}), the module says 50" in caplog.text


def test_one_bit_of_the_flags_leaves_the_others() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DI4", 0x1000, 1))
        module.parameters[0, FLAGS] = b"\x04"
        async with living(with_parameters(inDiAddCounter=ParameterSetting(value=True)), module):
            assert writes_of(module) == [(0, FLAGS, b"\x05")]

    run_virtual(main())


@pytest.mark.parametrize(
    ("name", "value"),
    [("noSuchName", 1), ("inRtSetupTime", "soon"), ("inRtSetupTime", 1 << 20), ("inRtValue", 5)],
)
def test_a_setting_that_cannot_be_is_told_and_skipped(name: str, value: str | float, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = ScriptedModule(identity("RI4", 0x1000, 1))
        module.parameters[0, 0x1112] = b"\0\0"
        async with living(with_parameters(**{name: ParameterSetting(value)}), module) as home:
            assert module.writes == []
            assert home.quality("lab/0") is Quality.GOOD

    run_virtual(main())
    assert name in caplog.text


def test_a_channel_the_module_does_not_have_is_told_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        options = ModuleOptions(parameters={9: {"inRtSetupTime": ParameterSetting(5)}})
        async with living(Household([options]), ScriptedModule(identity("RI4", 0x1000, 1))) as home:
            assert home.events == [("online", "ri4-1")]

    run_virtual(main())
    assert "channel 9" in caplog.text


def test_a_module_that_does_not_take_what_it_was_told_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = ScriptedModule(identity("RI4", 0x1000, 1))
        module.parameters[0, 0x1112] = b"\x0a\0"
        module.fault = lambda request: Reply(0) if request.opcode == Opcode.SET_PARAM else None
        async with living(with_parameters(inRtSetupTime=ParameterSetting(50)), module):
            pass

    run_virtual(main())
    assert any(record.levelno == logging.WARNING and "10 -> 50" in record.message for record in caplog.records)


@pytest.mark.parametrize("answer", [REFUSED, Reply(0, b""), Reply(0, b"\1\2\3")])
def test_a_module_that_does_not_tell_its_modes_works_all_the_same(answer: Reply) -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DI4", 0x1000, 1))
        module.values[0] = 1
        module.fault = lambda request: answer if request.opcode == Opcode.GET_PARAM else None
        async with living(Household(), module) as home:
            assert home.value("di4-1/0") is True
            assert module.writes == []

    run_virtual(main())


def test_sleeping_inputs_are_woken_volatile() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("AI4", 0x1001, 1))
        module.parameters |= {(number, MODE): b"\x00" for number in range(4)}
        async with living(Household([ModuleOptions(channels={3: ChannelOptions(enabled=False)})]), module) as home:
            assert writes_of(module) == [(number, MODE, b"\x01") for number in range(3)]
            assert not any(request.persistent for request in module.writes)
            assert home.readings == [], "what it shows before its first scan is no measurement"
            await asyncio.sleep(3)
            assert home.quality("ai4-1/0") is Quality.GOOD

    run_virtual(main())


def test_a_sleeping_relay_is_set_to_0_before_it_is_woken() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DI4DO4", 0x4000, 1))
        module.parameters[5, 0x1900] = b"\x00"
        async with living(Household(), module):
            assert writes_of(module) == [(5, 0x1800, b"\x00"), (5, 0x1900, b"\x01")]
            assert module.switched == []

    run_virtual(main())


def test_a_relay_woken_by_a_declared_mode_is_set_to_0_first_too() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DO4", 0x1000, 1))
        module.parameters[0, MODE] = b"\x00"
        async with living(with_parameters(outDiMode=ParameterSetting("dutyCycle")), module):
            assert writes_of(module) == [(0, VALUE, b"\x00"), (0, MODE, b"\x0a")]

    run_virtual(main())


@pytest.mark.parametrize(("type_code", "lowest"), [(0x1001, 0.0), (0x1011, 0.0), (0x1101, 4.0)])
def test_a_sleeping_analog_output_is_set_nearest_to_0_before_it_is_woken(type_code: int, lowest: float) -> None:
    async def main() -> None:
        module = ScriptedModule(identity("AO4", type_code, 1))
        module.values[0] = 9.0
        module.parameters[0, MODE] = b"\x00"
        async with living(Household(), module):
            addresses = [address for _, address, _ in writes_of(module)]
            assert addresses == ([MODE] if type_code == 0x1011 else [VALUE, MODE]), "0 of a ± range may be its lower end"
            assert module.writes[0].opcode == module.writes[-1].opcode == Opcode.SET_IO
            assert module.switched == [lowest, lowest]

    run_virtual(main())


def test_a_channel_that_cannot_be_woken_is_not_written_again_and_again() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DO4", 0x1000, 1))
        module.parameters[0, MODE] = b"\x00"

        module.fault = lambda request: REFUSED if request.opcode == Opcode.SET_PARAM else None
        async with living(Household(), module, settle_s=10.0) as home:
            assert len(module.writes) == 1
            assert home.quality("do4-1/0") is Quality.INACTIVE

    run_virtual(main())


def test_flags_that_cannot_be_read_make_a_window_of_a_counter(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DI4", 0x1000, 1))
        module.parameters[0, MODE] = b"\x20"
        module.fault = lambda request: REFUSED if request.opcode == Opcode.GET_PARAM and request.data == b"\x01\x11" else None
        async with living(Household(), module) as home:
            assert home.described["di4-1"].channels[0].signal == "window"

    run_virtual(main())
    assert "does not tell how it counts" in caplog.text


def test_an_unknown_input_mode_is_read_as_a_state() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DI4", 0x1000, 1))
        module.parameters[0, MODE] = b"\x30"
        async with living(Household(), module) as home:
            assert home.described["di4-1"].channels[0].signal == "state"

    run_virtual(main())


def test_an_input_woken_by_a_declared_mode_gets_its_time_too() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("RI4", 0x1000, 1))
        module.parameters[0, MODE] = b"\x00"
        async with living(with_parameters(inRtMode=ParameterSetting("standard")), module, settle_s=1.0) as home:
            assert {reading.channel.channel for reading in home.readings} == {"1", "2", "3"}
            await asyncio.sleep(3)
            assert home.quality("lab/0") is Quality.GOOD

    run_virtual(main())


@pytest.mark.parametrize(
    ("family", "request_", "may"),
    [
        ("DI4", set_parameter(0, MODE, b"\x20"), True),
        ("DI4", set_parameter(0, FLAGS, b"\x02", persistent=True), True),
        ("DI4", reset_parameter(0, MODE), True),
        ("DI4", set_parameter(0, VALUE, b"\x00"), False),
        ("DI4", get_parameter(0, MODE), False),
        ("DI4", get_io(0, ValueType.DI1), False),
        ("DI4", set_parameter(63, MODE, b"\x20"), False),  # no module has that channel
        ("DO4", set_parameter(3, MODE, b"\x0a"), True),
        ("DO4", set_parameter(3, 0x1110, bytes(4)), False),
        ("RI4", set_parameter(0, MODE, b"\x00"), True),
        ("RI4", Request(0x77), True),
    ],
)
def test_it_is_known_which_requests_of_others_change_how_a_channel_works(family: str, request_: Request, may: bool) -> None:
    known = next(each for each in FAMILIES.values() if each.name == family)
    assert may_change_state(request_, known) is may


@given(st.binary(max_size=70), st.sampled_from(sorted(FAMILIES)))
def test_whatever_is_asked_of_whatever_module_can_be_judged(data: bytes, class_code: int) -> None:
    for request in RequestReader().feed(b"\xa0\x00\x00" + bytes((len(data),)) + data):
        assert may_change_state(request, FAMILIES[class_code]) in (True, False)
