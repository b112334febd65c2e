from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.channel import ChannelKind, Contact
from lucid2mqtt.lucid.families import FAMILIES, Family, ModuleType, UnknownFamily, describe, module_type
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import ValueType
from tests.unit.lucid.samples import family

FAMILY = st.sampled_from(list(FAMILIES.values()))


def identity(class_code: int, type_code: int) -> Identity:
    return Identity(22, 3, class_code, type_code, 4711)


def of(name: str, type_code: int) -> ModuleType:
    return module_type(family(name), type_code)


def test_the_table_holds_every_published_class() -> None:
    assert {found.name: (code, len(found.channels)) for code, found in FAMILIES.items()} == {
        "DI4": (0x0000, 4),
        "DI8": (0x0010, 8),
        "DI16": (0x0030, 16),
        "AI4": (0x0100, 4),
        "AI8": (0x0110, 8),
        "RI4": (0x0A00, 4),
        "RI8": (0x0A10, 8),
        "DO4": (0x1000, 4),
        "DO8": (0x1010, 8),
        "DO6": (0x1020, 6),
        "DO16": (0x1030, 16),
        "AO4": (0x1100, 4),
        "AO8": (0x1110, 8),
        "DI4DO4": (0x4000, 8),
    }


@given(FAMILY)
def test_every_channel_belongs_to_exactly_one_block(chosen: Family) -> None:
    for channel in chosen.channels:
        assert [block for block in chosen.blocks if channel in block.channels] == [chosen.block_of(channel)]
    for stranger in (-1, len(chosen.channels), 255):
        with pytest.raises(KeyError):
            chosen.block_of(stranger)


def test_the_mixed_module_has_inputs_below_outputs() -> None:
    kinds = [family("DI4DO4").block_of(channel).kind for channel in range(8)]
    assert kinds == [ChannelKind.DIGITAL_INPUT] * 4 + [ChannelKind.DIGITAL_OUTPUT] * 4


@pytest.mark.parametrize(
    ("name", "type_code", "text", "minimum", "maximum", "unit"),
    [
        ("AI4", 0x1000, "0..5 V", 0, 5, "V"),
        ("AI8", 0x1005, "0..24 V", 0, 24, "V"),
        ("AI4", 0x1012, "±12 V", -12, 12, "V"),
        ("AI4", 0x1110, "0..20 mA", 0, 20, "mA"),
        ("AO4", 0x1001, "0..10 V", 0, 10, "V"),
        ("AO8", 0x1015, "±24 V", -24, 24, "V"),
        ("AO4", 0x1100, "0..20 mA", 0, 20, "mA"),
        ("AO4", 0x1101, "4..20 mA", 4, 20, "mA"),
        ("RI4", 0x1000, "Pt1000, -180..180 °C", -180, 180, "°C"),
        ("RI8", 0x1011, "Pt100, 0..360 °C", 0, 360, "°C"),
    ],
)
def test_a_type_code_gives_the_range(name: str, type_code: int, text: str, minimum: float, maximum: float, unit: str) -> None:
    found = of(name, type_code)
    assert (found.text, found.minimum, found.maximum, found.unit, found.contact) == (text, minimum, maximum, unit, None)


@pytest.mark.parametrize(
    ("name", "type_code", "text", "contact"),
    [
        ("DI16", 0x1005, "24 V inputs", None),
        ("DO4", 0x1000, "solid-state outputs, 24 V", Contact.SOLID_STATE),
        ("DO8", 0x1100, "changeover relays", Contact.RELAY),
        ("DO6", 0x1200, "open-collector outputs", Contact.OPEN_COLLECTOR),
        ("DI4DO4", 0x4001, "10 V inputs, solid-state outputs", Contact.SOLID_STATE),
    ],
)
def test_a_type_code_gives_the_contact(name: str, type_code: int, text: str, contact: Contact | None) -> None:
    found = of(name, type_code)
    assert (found.text, found.contact, found.minimum, found.maximum, found.unit) == (text, contact, None, None, "")


def test_the_same_type_code_means_another_thing_in_another_family() -> None:
    assert len({of(name, 0x1000).text for name in ("DI4", "AI4", "RI4", "DO4")}) == 4


@given(FAMILY, st.integers(0, 0xFFFF))
def test_an_unknown_type_only_loses_its_range(chosen: Family, type_code: int) -> None:
    found = describe(identity(chosen.class_code, type_code))
    assert found.family is chosen
    assert all(found.read_types(channel) for channel in chosen.channels)
    if found.text.startswith("unknown"):
        assert found.text == f"unknown type 0x{type_code:04X}"
        assert (found.minimum, found.maximum, found.contact) == (None, None, None)


@given(st.integers(0, 0xFFFF).filter(lambda code: code not in FAMILIES))
def test_an_unknown_class_is_refused_by_name(class_code: int) -> None:
    with pytest.raises(UnknownFamily, match=f"0x{class_code:04X}.*4711"):
        describe(identity(class_code, 0x1000))


@pytest.mark.parametrize(
    ("name", "type_code", "channel", "types"),
    [
        ("DI4", 0x1000, 0, (ValueType.DI1,)),
        ("DO8", 0x1100, 7, (ValueType.DI1,)),
        ("DI4DO4", 0x4000, 4, (ValueType.DI1,)),
        ("AI4", 0x1001, 0, (ValueType.VOS4, ValueType.VOS2)),
        ("AI4", 0x1110, 0, (ValueType.CUS4,)),
        ("AI4", 0xFFFF, 0, (ValueType.VOS4, ValueType.VOS2)),
        ("AO4", 0x1100, 0, (ValueType.CUS4,)),
        ("AO4", 0x1001, 3, (ValueType.VOS4, ValueType.VOS2)),
        ("RI8", 0x1000, 7, (ValueType.TMS4, ValueType.TMS2)),
        ("RI8", 0xFFFF, 7, (ValueType.TMS4, ValueType.TMS2)),
    ],
)
def test_a_channel_is_read_as_the_best_type_first(name: str, type_code: int, channel: int, types: tuple[ValueType, ...]) -> None:
    found = of(name, type_code)
    assert found.read_types(channel) == types
    if found.family.block_of(channel).kind.is_output:
        assert found.write_type(channel) is types[0]
    else:
        with pytest.raises(ValueError, match=f"channel {channel} of a {name} is an input"):
            found.write_type(channel)
