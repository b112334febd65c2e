"""The watch against the simulator: the two were written apart, from the same protocol page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lucid2mqtt.errors import LinkError
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import get_id
from lucid2mqtt.lucid.identity import parse_identity
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.watch import PortWatch
from lucid2mqtt.sim.bench import Bench
from lucid2mqtt.sim.faults import AnyFault, GarbageBeforeReply, HalfReply, LateReply, Replug, Silence, SwapNames, Unplug
from lucid2mqtt.sim.worlds import build_world
from tests.unit.port.household import Household

FOLDER = "modules"


@contextlib.asynccontextmanager
async def plugged_in(world: str, folder: Path) -> AsyncIterator[tuple[Bench, Household]]:
    household = Household()
    async with Bench(build_world(world), folder / FOLDER) as bench:
        options = PortOptions(patterns=(str(folder / FOLDER / "usb-*"),), scan_s=0.01, reply_timeout_s=0.1)
        running = asyncio.create_task(PortWatch(options, household, usb_ports=dict).run())
        try:
            await household.until(lambda events: len(events) == len(bench.plugged()))
            yield bench, household
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def serial_behind(household: Household, serial: int) -> int:
    reply = await household.lines[serial].transact(get_id(), turn=Turn.COMMAND, client="test")
    return parse_identity(reply.data).serial


async def test_one_module_of_every_family_is_found_and_answers(tmp_path: Path) -> None:
    async with plugged_in("all", tmp_path) as (bench, household):
        assert sorted(household.events) == sorted(f"+{module.serial}@{module.port}" for module in bench.plugged())
        for serial in household.lines:
            assert await serial_behind(household, serial) == serial


@pytest.mark.parametrize(
    "fault",
    [Silence(for_s=0.15), HalfReply(keep=5), LateReply(by_s=0.15), LateReply(by_s=0.7), GarbageBeforeReply(data="ff00")],
    ids=repr,
)
async def test_a_fault_on_the_line_costs_one_answer_and_never_gives_a_wrong_one(fault: AnyFault, tmp_path: Path) -> None:
    async with plugged_in("many:1:DO4", tmp_path) as (bench, household):
        (module,) = bench.plugged()
        bench.inject(module.name, fault)
        with pytest.raises(LinkError):
            await serial_behind(household, module.serial)
        assert [await serial_behind(household, module.serial) for _ in range(3)] == [module.serial] * 3
        assert len(household.events) == 1


async def test_a_module_that_comes_back_under_another_name_is_the_same_module(tmp_path: Path) -> None:
    async with plugged_in("many:1:DO4", tmp_path) as (bench, household):
        (module,) = bench.plugged()
        bench.inject(module.name, Unplug())
        await household.until(lambda events: events[1:] == [f"-{module.serial}"])
        bench.inject(module.name, Replug(name="usb-other"))
        await household.until(lambda events: events[2:] == [f"+{module.serial}@{tmp_path / FOLDER / 'usb-other'}"])
        assert await serial_behind(household, module.serial) == module.serial


async def test_modules_that_swapped_names_are_told_apart(tmp_path: Path) -> None:
    async with plugged_in("many:2:DO4", tmp_path) as (bench, household):
        one, two = bench.plugged()
        bench.inject(one.name, SwapNames(other=two.name))
        await household.until(lambda events: len(events) == 6)
        assert set(household.events[-2:]) == {f"+{one.serial}@{two.port}", f"+{two.serial}@{one.port}"}
        for module in (one, two):
            assert await serial_behind(household, module.serial) == module.serial
