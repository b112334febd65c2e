"""What the wire says becomes a reading."""

from __future__ import annotations

import asyncio

import pytest

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from tests.unit.engine.scripted import Household, ScriptedModule, identity, living, ref
from tests.virtual_clock import run_virtual


@pytest.mark.parametrize(
    ("family", "type_code", "raw", "quality"),
    [
        ("RI4", 0x1000, 21.5, Quality.GOOD),
        ("RI4", 0x1000, 180.0, Quality.OPEN_SENSOR),
        ("RI4", 0x1000, -180.0, Quality.UNDER_RANGE),
        ("AI4", 0x1001, 5.0, Quality.GOOD),
        ("AI4", 0x1001, 10.0, Quality.OVER_RANGE),
        ("AI4", 0x1001, -5.0, Quality.UNDER_RANGE),
        ("AO4", 0x1001, 10.0, Quality.GOOD),
    ],
)
def test_a_value_that_cannot_be_a_measurement_has_a_reason_instead(family: str, type_code: int, raw: float, quality: Quality) -> None:
    async def main() -> None:
        module = ScriptedModule(identity(family, type_code, 1))
        module.values[0] = raw
        async with living(Household(), module) as home:
            latest = home.board.latest(ref(f"{family.lower()}-1/0"))
            assert latest is not None
            assert latest.quality is quality
            assert (latest.value is None) is bool(latest.reason) is (quality is not Quality.GOOD)

    run_virtual(main())


@pytest.mark.parametrize(
    ("raw", "quality"), [(2.0, Quality.UNDER_RANGE), (2.5, Quality.GOOD), (7.5, Quality.GOOD), (8.0, Quality.OVER_RANGE)]
)
def test_the_users_own_limits_are_in_the_users_unit(raw: float, quality: Quality) -> None:
    async def main() -> None:
        options = ModuleOptions(serial=1, name="lab", channels={0: ChannelOptions(scale=10, unit="bar", valid_min=25.0, valid_max=75.0)})
        module = ScriptedModule(identity("AI4", 0x1001, 1))
        module.values[0] = raw
        async with living(Household([options]), module) as home:
            assert home.quality("lab/0") is quality

    run_virtual(main())


def test_a_read_back_within_a_step_of_the_converter_is_what_was_ordered() -> None:
    async def main() -> None:
        module = ScriptedModule(identity("AO4", 0x1001, 1))
        module.values[0] = 5.0
        options = ModuleOptions(serial=1, name="lab", channels={0: ChannelOptions(start=5.002)})
        async with living(Household([options]), module):
            await asyncio.sleep(1)
            assert module.switched == []

    run_virtual(main())
