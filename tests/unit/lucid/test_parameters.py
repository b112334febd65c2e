from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.errors import GarbledReply
from lucid2mqtt.lucid.families import FAMILIES, Family
from lucid2mqtt.lucid.parameters import AnalogMode, InputMode, OutputMode, Parameter, find_parameter, parameters_of
from tests.unit.lucid.samples import family

EVERY = [
    pytest.param(parameter, id=f"{found.name}-{parameter.name}")
    for found in (family(name) for name in ("DI4", "DO4", "DI4DO4", "AI4", "AO4", "RI4"))
    for block in found.blocks
    for parameter in parameters_of(found, block.first).values()
]
every_parameter = pytest.mark.parametrize("parameter", EVERY)


def named(name: str, parameter: str, channel: int = 0) -> Parameter:
    return find_parameter(family(name), channel, parameter)


def addresses(name: str, channel: int) -> dict[str, int]:
    return {parameter.name: parameter.address for parameter in parameters_of(family(name), channel).values()}


def test_digital_inputs_have_their_published_addresses() -> None:
    assert addresses("DI16", 15) == {
        "inDiValue": 0x1000,
        "inDiMode": 0x1100,
        "inDiFlags": 0x1101,
        "inDiAddCounter": 0x1101,
        "inDiResetCounterOnRead": 0x1101,
        "inDiInverted": 0x1101,
        "inDiScanTime": 0x1111,
        "inDiCountTime": 0x1112,
    }


def test_digital_outputs_have_their_published_addresses() -> None:
    assert addresses("DO6", 5) == {
        "outDiValue": 0x1000,
        "outDiMode": 0x1100,
        "outDiFlags": 0x1101,
        "outDiCanRetrigger": 0x1101,
        "outDiCanCancel": 0x1101,
        "outDiInverted": 0x1101,
        "outDiCycleTime": 0x1110,
        "outDiDutyCycle": 0x1111,
        "outDiOnDelay": 0x1112,
        "outDiOnHold": 0x1113,
    }


def test_the_mixed_module_has_an_address_block_for_each_side() -> None:
    assert addresses("DI4DO4", 3) == {
        "inDi0Value": 0x1400,
        "inDi0Mode": 0x1500,
        "inDi0Flags": 0x1501,
        "inDi0AddCounter": 0x1501,
        "inDi0ResetCounterOnRead": 0x1501,
        "inDi0Inverted": 0x1501,
        "inDi0ScanTime": 0x1511,
        "inDi0CountTime": 0x1512,
    }
    assert addresses("DI4DO4", 4) == {
        "outDi1Value": 0x1800,
        "outDi1Mode": 0x1900,
        "outDi1Flags": 0x1901,
        "outDi1CanRetrigger": 0x1901,
        "outDi1CanCancel": 0x1901,
        "outDi1Inverted": 0x1901,
        "outDi1CycleTime": 0x1910,
        "outDi1DutyCycle": 0x1911,
        "outDi1OnDelay": 0x1912,
        "outDi1OnHold": 0x1913,
    }


def test_analog_channels_have_their_published_addresses() -> None:
    common = {"Value": 0x1000, "Mode": 0x1100, "Flags": 0x1101}
    own = {
        "AI8": ("inAn", {"ScanTime": 0x1111, "NrSamples": 0x1112, "Offset": 0x1120}),
        "AO8": ("outAn", {"RefreshInterval": 0x1111, "SetupTime": 0x1112, "RefreshTime": 0x1113, "Offset": 0x1120}),
        "RI8": ("inRt", {"ScanInterval": 0x1111, "SetupTime": 0x1112, "NrSamples": 0x1113, "Offset": 0x1120}),
    }
    for name, (prefix, parameters) in own.items():
        assert addresses(name, 7) == {prefix + suffix: address for suffix, address in {**common, **parameters}.items()}


def test_published_defaults_are_known() -> None:
    defaults = {found.values[0].name: found.values[0].default for found in EVERY}  # type: ignore[union-attr]
    assert {name: default for name, default in defaults.items() if default is not None} == {
        "inDiResetCounterOnRead": False,
        "outDiValue": 0,
        "outDiCycleTime": 1_000_000,
        "outDiDutyCycle": 500,
        "outDiOnDelay": 1_000_000,
        "outDiOnHold": 1_000_000,
        "inDi0ResetCounterOnRead": False,
        "outDi1Value": 0,
        "outDi1CycleTime": 1_000_000,
        "outDi1DutyCycle": 500,
        "outDi1OnDelay": 1_000_000,
        "outDi1OnHold": 1_000_000,
    }


@pytest.mark.parametrize("name", ["outDiMode", "OUTDIMODE", "outdimode", " outDiMode "])
def test_a_parameter_is_found_in_any_capitals(name: str) -> None:
    assert named("DO4", name).name == "outDiMode"


@pytest.mark.parametrize("name", ["", "outDi", "inDi0Mode", "inRtTempComp"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"channel 0 of a DO4 has no parameter .*outDiOnHold"):
        named("DO4", name)


def test_a_channel_the_family_does_not_have_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        parameters_of(family("DO4"), 4)


@pytest.mark.parametrize(
    ("name", "parameter", "channel", "codes"),
    [
        ("DI4", "inDiMode", 0, {"inactive": 0, "Reflect": 1, "risingedge": 0x10, "fallingEdge": 0x11, "COUNT": 0x20}),
        ("DO4", "outDiMode", 0, {"inactive": 0, "reflect": 1, "onOff": 8, "onoff": 8, "dutycycle": 0x0A, "dutyCycle": 0x0A}),
        ("DI4DO4", "outDi1Mode", 4, {"onOff": 8}),
        ("AI4", "inAnMode", 0, {"inactive": 0, "Standard": 1}),
        ("AO4", "outAnMode", 0, {"standard": 1}),
        ("RI4", "inRtMode", 0, {"standard": 1}),
    ],
)
def test_modes_are_written_by_name_in_any_capitals_or_by_number(name: str, parameter: str, channel: int, codes: dict[str, int]) -> None:
    found = named(name, parameter, channel)
    for word, code in codes.items():
        assert found.encode(word) == found.encode(code) == found.encode(f"0x{code:02x}") == bytes([code])
        assert str(found.decode(bytes([code]))).casefold() == word.casefold()


def test_the_mode_numbers_are_the_published_ones() -> None:
    assert [mode.value for mode in InputMode] == [0x00, 0x01, 0x10, 0x11, 0x20]
    assert [mode.value for mode in OutputMode] == [0x00, 0x01, 0x08, 0x0A]
    assert [mode.value for mode in AnalogMode] == [0, 1]


def test_a_mode_nobody_published_can_be_read_and_not_written() -> None:
    mode = named("DI4", "inDiMode")
    assert mode.decode(b"\x30") == 0x30
    with pytest.raises(ValueError, match="inDiMode cannot be 48; allowed: inactive, reflect, risingEdge, fallingEdge, count"):
        mode.encode(0x30)


@pytest.mark.parametrize(
    ("parameter", "value", "present", "after"),
    [
        ("outDiCanCancel", "on", 0x00, 0x02),
        ("outDiCanRetrigger", True, 0x02, 0x03),
        ("outDiInverted", "ON", 0x03, 0x07),
        ("outDiInverted", 0, 0xFF, 0xFB),
        ("outDiCanRetrigger", "off", 0xFF, 0xFE),
        ("outDiCanCancel", False, 0x00, 0x00),
    ],
)
def test_a_bit_changes_only_itself(parameter: str, value: str | bool, present: int, after: int) -> None:
    found = named("DO4", parameter)
    written = found.encode(value, bytes([present]))
    assert written == bytes([after])
    assert found.decode(written) is (str(value).casefold() in {"on", "true"})


def test_a_bit_is_never_written_blind() -> None:
    with pytest.raises(TypeError, match="read its flags byte first"):
        named("DI4", "inDiInverted").encode("on")
    with pytest.raises(GarbledReply):
        named("DI4", "inDiInverted").encode("on", b"")


@pytest.mark.parametrize("value", ["maybe", "2", 2, math.nan, ""])
def test_a_bit_is_on_or_off(value: str | float) -> None:
    with pytest.raises(ValueError, match="allowed: on, off"):
        named("DI4", "inDiInverted").encode(value, b"\x00")


@pytest.mark.parametrize("value", [1, "1", True, "on", "true"])
def test_the_value_of_a_digital_output_is_a_state(value: str | bool) -> None:
    assert named("DO4", "outDiValue").encode(value) == b"\x01"


@pytest.mark.parametrize(
    ("name", "parameter", "value", "allowed"),
    [
        ("DO4", "outDiOnHold", 9_999, "10000..3600000000 us"),
        ("DO4", "outDiOnDelay", 0, "10000..3600000000 us"),
        ("DO4", "outDiDutyCycle", 1001, "0..1000 1/1000"),
        ("DO4", "outDiValue", 2, "0, 1"),
        ("DO4", "outDiMode", "pwm", "inactive, reflect, onOff, dutyCycle"),
        ("DI4", "inDiScanTime", "1000001", "100..1000000 us"),
        ("DI4", "inDiCountTime", 999, "1000..3600000000 us"),
        ("AI4", "inAnOffset", -32769, "-32768..32767 mV"),
        ("AI4", "inAnNrSamples", 65536, "0..65535"),
        ("AO4", "outAnRefreshInterval", 100_001, "1000..100000 us"),
        ("RI4", "inRtSetupTime", 2.5, "0..65535 ms"),
        ("RI4", "inRtSetupTime", "fast", "0..65535 ms"),
        ("RI4", "inRtSetupTime", "0x", "0..65535 ms"),
        ("RI4", "inRtSetupTime", True, "0..65535 ms"),
        ("RI4", "inRtOffset", math.inf, "-32768..32767 0.1 °C"),
        ("RI4", "inRtOffset", math.nan, "-32768..32767 0.1 °C"),
        ("RI4", "inRtOffset", 10**400, "-32768..32767 0.1 °C"),
        ("RI4", "inRtFlags", 256, "0..255"),
    ],
)
def test_a_refusal_names_what_is_allowed(name: str, parameter: str, value: str | float, allowed: str) -> None:
    with pytest.raises(ValueError, match=f"^{parameter} cannot be ") as refusal:
        named(name, parameter).encode(value)
    assert str(refusal.value).endswith(f"; allowed: {allowed}")


@pytest.mark.parametrize(("name", "parameter"), [("DI4", "inDiValue"), ("AI4", "inAnValue"), ("RI4", "inRtValue")])
def test_what_an_input_measures_can_only_be_read(name: str, parameter: str) -> None:
    with pytest.raises(ValueError, match="can only be read"):
        named(name, parameter).encode(1)


@every_parameter
@given(data=st.data())
def test_what_was_written_is_read_back(parameter: Parameter, data: st.DataObject) -> None:
    if parameter.read_only:
        return
    codes = st.sampled_from(sorted(parameter.names)) if parameter.names else st.integers(parameter.minimum, parameter.maximum)
    value = data.draw(codes)
    wire = parameter.encode(value, bytes(parameter.width))
    assert len(wire) == parameter.width
    assert parameter.decode(wire) == parameter.names.get(value, value)
    assert parameter.encode(str(value), bytes(parameter.width)) == wire


@every_parameter
@given(data=st.binary(max_size=6))
def test_any_bytes_are_a_value_or_a_garbled_reply(parameter: Parameter, data: bytes) -> None:
    if len(data) == parameter.width:
        assert isinstance(parameter.decode(data), bool | int | str)
    else:
        with pytest.raises(GarbledReply, match=parameter.name):
            parameter.decode(data)


@given(st.sampled_from(list(FAMILIES.values())), st.data())
def test_every_channel_has_its_parameters_under_their_own_names(chosen: Family, data: st.DataObject) -> None:
    channel = data.draw(st.sampled_from(chosen.channels))
    parameters = parameters_of(chosen, channel)
    assert any(name.endswith("Mode") for name in parameters)
    for name, parameter in parameters.items():
        assert parameter.name == name
        assert name.startswith("out" if chosen.block_of(channel).kind.is_output else "in")
        assert find_parameter(chosen, channel, name.upper()) is parameter
