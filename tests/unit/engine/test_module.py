"""Transactions on a module that is there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.arrival import ChannelState
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.fitting import Fitting
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.engine.tally import TallyBook
from lucid2mqtt.errors import DeviceRefused, GarbledReply
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.families import describe
from lucid2mqtt.lucid.frames import Reply, get_io_group
from tests.unit.engine.scripted import REFUSED, ScriptedModule, identity
from tests.virtual_clock import run_virtual

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Lab:
    """One analog module in service, without a house."""

    def __init__(self) -> None:
        self.line = ScriptedModule(identity("AI4", 0x1001, 1))
        self.board = Board()
        self.heard: list[Reading] = []
        self.board.subscribe(self.heard.extend)
        module_type = describe(self.line.identity)
        fitting = Fitting(self.line.identity, module_type, "lab", "Lab", ModuleOptions(), TallyBook(StateStore(None)))
        module, points = fitting.fit({number: ChannelState(1) for number in range(4)})
        self.live = LiveModule(module, points, module_type=module_type, line=self.line, board=self.board, now=lambda: NOON)
        self.points = points


def test_a_reading_is_on_the_board_before_the_caller_has_it() -> None:
    async def main() -> None:
        lab = Lab()
        lab.line.values[1] = 2.5
        reading = await lab.live.read(lab.points[1], turn=Turn.COMMAND, client="test")
        assert lab.heard == [reading]
        assert (reading.value, reading.unit, reading.taken_at) == (2.5, "V", NOON)
        assert lab.line.log[-1][2:] == (Turn.COMMAND, "test")

    run_virtual(main())


def test_a_refusal_is_a_reading_unless_asked_otherwise() -> None:
    async def main() -> None:
        lab = Lab()
        lab.line.fault = lambda _: REFUSED
        with pytest.raises(DeviceRefused):
            await lab.live.read_strictly(lab.points[0], turn=Turn.SHARED, client="test")
        assert lab.heard == []
        reading = await lab.live.read(lab.points[0], turn=Turn.SHARED, client="test")
        assert reading.quality is Quality.REFUSED
        assert "0xD0" in reading.reason
        assert lab.heard == [reading]

    run_virtual(main())


def test_a_group_is_one_batch() -> None:
    async def main() -> None:
        lab = Lab()
        batches: list[int] = []
        lab.board.subscribe(lambda batch: batches.append(len(batch)))
        request = get_io_group(range(4), lab.points[0].value_type)
        await lab.live.read_group(lab.points, request, client="poll")
        assert batches == [4]
        lab.line.fault = lambda _: Reply(0, bytes(8))
        with pytest.raises(GarbledReply, match="2 values for 4 channels"):
            await lab.live.read_group(lab.points, request, client="poll")

    run_virtual(main())


def test_what_was_under_way_when_the_module_left_changes_nothing() -> None:
    async def main() -> None:
        lab = Lab()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lab.live.read(lab.points[0], turn=Turn.SHARED, client="test"))
            await asyncio.sleep(0)
            lab.live.leave("unplugged")
        assert [reading.quality for reading in lab.heard] == [Quality.LINK_LOST] * 4
        assert {reading.reason for reading in lab.heard} == {"unplugged"}

    run_virtual(main())
