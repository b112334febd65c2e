"""Totals over restarts of the agent and of the module."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.engine.tally import SAVE_WITHIN_S
from tests.unit.engine.scripted import Household, InlineExecutor, ScriptedModule, identity, living
from tests.virtual_clock import run_virtual

MODE, FLAGS = 0x1100, 0x1101


def meter(flags: int = 0x01, mode: int = 0x20) -> ScriptedModule:
    module = ScriptedModule(identity("DI4", 0x1000, 1))
    module.parameters |= {(0, MODE): bytes((mode,)), (0, FLAGS): bytes((flags,))}
    return module


def kept_in(directory: Path) -> StateStore:
    return StateStore(directory, writer=InlineExecutor())


def test_a_total_goes_on_over_a_restart_of_the_agent(tmp_path: Path) -> None:
    module = meter()

    async def first() -> None:
        store = kept_in(tmp_path)
        module.values[0] = 100
        async with living(Household(store=store), module) as home:
            module.values[0] = 150
            await asyncio.sleep(1.1)
            assert home.value("di4-1/0") == 150
            await store.close()

    async def second() -> None:
        module.values[0] = 170
        async with living(Household(store=kept_in(tmp_path)), module) as home:
            assert home.value("di4-1/0") == 170
            module.values[0] = 65_530
            await asyncio.sleep(40)
            module.values[0] = 4  # it wrapped
            await asyncio.sleep(1.1)
            assert home.value("di4-1/0") == 65_540

    run_virtual(first())
    run_virtual(second())


def test_a_module_that_lost_power_counts_on_from_its_0() -> None:
    async def main() -> None:
        module = meter()
        module.values[0] = 65_000
        async with living(Household(), module) as home:
            home.unplug(module)
            module.values[0] = 3
            home.plug(module)
            await asyncio.sleep(0.1)
            assert home.value("di4-1/0") == 65_003

    run_virtual(main())


def test_a_counter_that_resets_when_read_adds_up() -> None:
    async def main() -> None:
        module = meter(flags=0x03)
        module.clears = True
        module.values[0] = 5
        async with living(Household(), module) as home:
            for _ in range(3):
                module.values[0] = 7
                await asyncio.sleep(1.0)
            assert home.value("di4-1/0") == 26

    run_virtual(main())


def test_edges_are_counted() -> None:
    async def main() -> None:
        module = meter(mode=0x10)
        module.clears = True
        async with living(Household(), module) as home:
            for _ in range(3):
                module.values[0] = 1
                await asyncio.sleep(2.0)
            assert home.value("di4-1/0") == 3

    run_virtual(main())


def test_without_adding_up_a_count_is_that_of_the_last_window() -> None:
    async def main() -> None:
        module = meter(flags=0)
        async with living(Household(), module) as home:
            for count in (17, 4):
                module.values[0] = count
                await asyncio.sleep(1.1)
                assert home.value("di4-1/0") == count

    run_virtual(main())


def test_a_counter_stuck_at_full_scale_is_over_range_until_it_moves() -> None:
    async def main() -> None:
        module = meter()
        module.values[0] = 65_535
        async with living(Household(), module, settle_s=3.0) as home:
            assert home.quality("di4-1/0") is Quality.OVER_RANGE
            module.values[0] = 9
            await asyncio.sleep(1.1)
            assert home.value("di4-1/0") == 65_545

    run_virtual(main())


def test_a_scaled_counter_is_a_meter() -> None:
    async def main() -> None:
        module = meter()
        module.values[0] = 1_234
        options = ModuleOptions(channels={0: ChannelOptions(scale=0.001, offset=100.0, unit="kWh", device_class="energy")})
        async with living(Household([options]), module) as home:
            channel = home.described["di4-1"].channels[0]
            assert (channel.unit, channel.device_class, channel.decimals) == ("kWh", "energy", 6)
            assert home.value("di4-1/0") == 101.234

    run_virtual(main())


def test_totals_are_written_at_most_once_a_minute() -> None:
    async def main() -> None:
        writes: list[bytes] = []
        store = StateStore(Path("anywhere"), write=lambda _, content: writes.append(content), writer=InlineExecutor())
        module = meter()
        async with living(Household(store=store), module):
            for count in range(1, 301):
                module.values[0] = count
                await asyncio.sleep(1.0)
        assert len(writes) == pytest.approx(300 / SAVE_WITHIN_S, abs=1)
        assert json.loads(writes[0])["1/0/total"].keys() == {"total", "raw"}

    run_virtual(main())


@pytest.mark.parametrize(
    "entry", ["many", {"total": -1, "raw": 0}, {"total": 5, "raw": 70_000}, {"total": 5}, [1], {"total": "5", "raw": 5}]
)
def test_a_kept_total_that_makes_no_sense_begins_anew(tmp_path: Path, entry: object, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "counters.json").write_text(json.dumps({"1/0/total": entry}))

    async def main() -> None:
        module = meter()
        module.values[0] = 12
        async with living(Household(store=kept_in(tmp_path)), module) as home:
            assert home.value("di4-1/0") == 12

    run_virtual(main())
    assert "1/0/total" in caplog.text
