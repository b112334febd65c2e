"""How channels are named and described."""

from __future__ import annotations

import pytest

from lucid2mqtt.domain.channel import Contact, Signal
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual

RI4 = identity("RI4", 0x1000, 591921152)


def test_a_relay_an_output_and_inputs_have_their_nouns() -> None:
    async def main() -> None:
        relays = ScriptedModule(identity("DO4", 0x1100, 1))
        mixed = ScriptedModule(identity("DI4DO4", 0x4000, 2))
        async with living(Household(), relays, mixed) as home:
            assert home.described["do4-1"].channels[0].label == "Relay 0"
            assert home.described["do4-1"].channels[0].contact is Contact.RELAY
            labels = [channel.label for channel in home.described["di4do4-2"].channels]
            assert labels == ["Input 0", "Input 1", "Input 2", "Input 3", "Output 4", "Output 5", "Output 6", "Output 7"]

    run_virtual(main())


def test_two_channels_of_one_name_stay_apart() -> None:
    async def main() -> None:
        options = ModuleOptions(
            serial=591921152, channels={0: ChannelOptions(name="1"), 2: ChannelOptions(name="x"), 3: ChannelOptions(name="X")}
        )
        async with living(Household([options]), ScriptedModule(RI4)) as home:
            slugs = [channel.ref.channel for channel in home.described["ri4-591921152"].channels]
            assert slugs == ["1", "channel-1", "x", "channel-3"]

    run_virtual(main())


def test_counting_inputs_are_counters() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("DI4", 0x1001, 3))
        module.parameters |= {(0, 0x1100): b"\x20", (0, 0x1101): b"\x01", (1, 0x1100): b"\x20", (2, 0x1100): b"\x10"}
        async with living(Household(), module) as home:
            channels = home.described["di4-3"].channels
            assert [channel.signal for channel in channels] == [Signal.TOTAL, Signal.WINDOW, Signal.EDGE, Signal.STATE]
            assert [channel.label for channel in channels] == ["Counter 0", "Counter 1", "Edge 2", "Input 3"]
            assert home.value("di4-3/0") == 0
            assert home.board.latest(ref("di4-3/3")) is not None

    run_virtual(main())


@pytest.mark.parametrize(
    ("family", "type_code", "unit", "decimals", "limits"),
    [
        ("AO4", 0x1001, "V", 4, (0.0, 10.0)),
        ("AO4", 0x1010, "V", 4, (-5.0, 5.0)),
        ("AO4", 0x1101, "mA", 4, (4.0, 20.0)),
        ("AO4", 0x1FFF, "V", 4, (None, None)),
        ("AI4", 0x1110, "mA", 4, (None, None)),
        ("RI4", 0x1000, "°C", 2, (None, None)),
        ("DO4", 0x1000, "", None, (None, None)),
    ],
)
def test_channels_are_described_by_their_type(
    family: str, type_code: int, unit: str, decimals: int | None, limits: tuple[float | None, float | None]
) -> None:
    async def main() -> None:
        async with living(Household(), ScriptedModule(identity(family, type_code, 1))) as home:
            channel = home.described[f"{family.lower()}-1"].channels[0]
            assert (channel.unit, channel.decimals, (channel.minimum, channel.maximum)) == (unit, decimals, limits)
            assert (channel.step is not None) is (family == "AO4")

    run_virtual(main())


def test_a_falling_scale_swaps_the_limits() -> None:
    async def main() -> None:
        options = ModuleOptions(serial=1, name="lab", channels={0: ChannelOptions(scale=-10.0, offset=100.0, unit="%", decimals=1)})
        module = ScriptedModule(identity("AO4", 0x1001, 1))
        async with living(Household([options]), module) as home:
            channel = home.described["lab"].channels[0]
            assert (channel.minimum, channel.maximum, channel.step) == (0.0, 100.0, 0.1)
            await home.order("lab/0", 100.0)
            assert module.switched == [0.0]

    run_virtual(main())
