"""The bare link on loan, on a virtual clock, against a scripted module."""

from __future__ import annotations

import asyncio

import pytest

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Opcode, Reply, get_id
from lucid2mqtt.port.link import Link
from tests.unit.port.fake_module import OTHER, usual
from tests.unit.port.test_owner import SWITCH_ON, Bench, answers, now, on_bench, read


class Borrower:
    def __init__(self) -> None:
        self.heard = b""
        self.written = 0
        self.lost = ""

    def bytes_arrived(self, chunk: bytes) -> None:
        self.heard += chunk

    def all_written(self) -> None:
        self.written += 1

    def link_lost(self, reason: str) -> None:
        self.lost = reason


async def use(bench: Bench, borrower: Borrower, request: bytes = b"", for_s: float = 0.01) -> None:
    async with bench.owner.lend(borrower, who="lab") as link:
        link.write(request)
        await asyncio.sleep(for_s)


def test_the_borrower_has_the_bare_line_and_nobody_else_is_heard() -> None:
    async def scene(bench: Bench) -> None:
        borrower = Borrower()
        async with bench.owner.lend(borrower, who="lab") as link:
            link.write(read(1).encode() + b"\x77")
            await asyncio.sleep(0.01)
            outcome = await bench.fate(SWITCH_ON, turn=Turn.SAFETY)
            assert isinstance(outcome, LinkLost)
            assert not outcome.sent
            assert "lab has the module for itself" in str(outcome)
        assert borrower.heard == usual(read(1))
        assert bench.module.received.startswith(read(1).encode() + b"\x77")
        assert bench.module.asked(SWITCH_ON.opcode) == []

    on_bench(scene)


def test_the_running_transaction_is_finished_first_and_who_waits_is_told() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(0.1, usual(read(1)))])
        running, waiting = asyncio.create_task(bench.fate(read(1))), asyncio.create_task(bench.fate(read(2)))
        await asyncio.sleep(0.01)
        await use(bench, Borrower(), read(3).encode())
        assert answers(await running, 1)
        assert isinstance(await waiting, LinkLost)
        assert bench.module.log[:2] == [read(1), read(3)]

    on_bench(scene)


def test_a_line_in_quarantine_is_lent_when_it_is_in_step() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(0.4, usual(read(1)))])
        await bench.fate(read(1))
        borrower = Borrower()
        await use(bench, borrower, read(2).encode())
        assert borrower.heard == usual(read(2))

    on_bench(scene)


@pytest.mark.parametrize("left_behind", [b"", SWITCH_ON.encode()[:3], SWITCH_ON.encode()[:4], get_id().encode(), read(1).encode()])
def test_whatever_the_borrower_left_behind_the_next_answer_is_right_and_nothing_is_switched(left_behind: bytes) -> None:
    async def scene(bench: Bench) -> None:
        await use(bench, Borrower(), left_behind, for_s=0.0)
        for channel in (1, 2, 3):
            assert answers(await bench.ask(read(channel), deadline_s=10.0), channel)
        assert {request.data for request in bench.module.asked(Opcode.SET_IO)} <= {b"", b"\x00"}, "whatever completed it must not mean ON"

    on_bench(scene)


def test_a_late_answer_to_the_borrower_reaches_nobody() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(0.3, usual(read(9)))])
        borrower = Borrower()
        await use(bench, borrower, read(9).encode(), for_s=0.01)
        assert answers(await bench.ask(read(2), deadline_s=10.0), 2)
        assert borrower.heard == b""

    on_bench(scene)


def test_there_is_one_borrower_at_a_time() -> None:
    async def scene(bench: Bench) -> None:
        async with bench.owner.lend(Borrower(), who="lab"):
            with pytest.raises(LinkBusy, match="lab"):
                async with bench.owner.lend(Borrower(), who="other"):
                    pass
        await use(bench, Borrower())

    on_bench(scene)


def test_the_borrower_hears_of_the_end_of_the_line() -> None:
    async def scene(bench: Bench) -> None:
        borrower = Borrower()
        async with bench.owner.lend(borrower, who="lab"):
            bench.port.unplug()
            assert borrower.lost == "the device is gone"
            assert bench.owner.torn
        with pytest.raises(LinkLost):
            async with bench.owner.lend(borrower, who="lab"):
                pass

    on_bench(scene)


def test_who_waits_for_the_line_hears_of_its_end_too() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([])
        asyncio.get_running_loop().call_later(0.05, bench.port.unplug)
        running = asyncio.create_task(bench.fate(read(1)))
        await asyncio.sleep(0.01)
        with pytest.raises(LinkLost):
            await use(bench, Borrower())
        assert isinstance(await running, LinkLost)

    on_bench(scene)


def test_who_gives_up_waiting_leaves_the_line_as_it_was() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(0.2, usual(read(1)))])
        running = asyncio.create_task(bench.fate(read(1)))
        await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await use(bench, Borrower())
        begun = now()
        assert answers(await bench.ask(read(2)), 2)
        assert answers(await running, 1)
        assert now() - begun < 0.2
        assert bench.owner.counters.resynced == 0

    on_bench(scene)


def test_a_write_that_gets_stuck_is_the_borrowers_own_affair() -> None:
    async def scene(bench: Bench) -> None:
        borrower = Borrower()
        async with bench.owner.lend(borrower, who="lab") as link:
            assert bench.port.link is not None
            bench.port.link.accepts = 1
            assert not _write(link, read(1).encode())
            bench.port.link.unstick()
            assert borrower.written == 1
            await asyncio.sleep(0.01)
        assert borrower.heard == usual(read(1))

    on_bench(scene)


def _write(link: Link, request: bytes) -> bool:
    return link.write(request)


def test_another_module_after_the_loan_ends_the_line() -> None:
    async def scene(bench: Bench) -> None:
        async with bench.owner.lend(Borrower(), who="lab"):
            bench.module.identity = OTHER
        outcome = await bench.fate(read(1), deadline_s=10.0)
        assert isinstance(outcome, LinkLost)
        assert isinstance(bench.end, LinkLost)

    on_bench(scene)


def test_the_line_is_as_good_after_many_loans_as_before() -> None:
    async def scene(bench: Bench) -> None:
        for _ in range(5):
            await use(bench, Borrower(), read(1).encode())
            reply = await bench.ask(read(4), deadline_s=10.0)
            assert isinstance(reply, Reply)
            assert answers(reply, 4)

    on_bench(scene)
