"""The owner on a virtual clock, against a scripted module."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from lucid2mqtt.errors import GarbledReply, LinkLost, LucidError, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Opcode, Reply, Request, get_id, get_io, get_io_group, set_io, set_parameter
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.port.address import SerialAddress
from lucid2mqtt.port.job import Outcome
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.owner import PortOwner
from tests.unit.port.fake_module import OTHER, Answer, FakeModule, FakePort, usual
from tests.virtual_clock import VirtualClockLoop, run_virtual

SWITCH_ON = set_io(0, ValueType.DI1, b"\x01")
GIVEN_UP_S = 2.0
"""A module that is late by more than this may be declared gone; it must never be taken at its word by somebody else."""


def read(channel: int) -> Request:
    return get_io(channel, ValueType.VOS4)


class Bench:
    """An owner on a fake port, opened and served."""

    def __init__(self, port: FakePort, module: FakeModule, owner: PortOwner) -> None:
        self.port = port
        self.module = module
        self.owner = owner
        self.end: BaseException | None = None

    async def ask(self, request: Request, *, turn: Turn = Turn.SHARED, client: str = "test", deadline_s: float | None = None) -> Reply:
        deadline = None if deadline_s is None else now() + deadline_s
        return await self.owner.transact(request, turn=turn, client=client, deadline=deadline)

    async def fate(self, request: Request, **how: Any) -> Reply | LucidError:  # Any: passed through
        try:
            return await self.ask(request, **how)
        except LucidError as fault:
            return fault


def now() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def opened(module: FakeModule | None = None) -> AsyncIterator[Bench]:
    module = module or FakeModule()
    port = FakePort(module)
    owner = PortOwner(SerialAddress("/dev/fake"), PortOptions(), dial=port.dial)
    await owner.open(feed=True)
    module.log.clear()
    module.received = b""
    bench = Bench(port, module, owner)

    async def serve() -> None:
        try:
            await owner.serve()
        except Exception as end:  # noqa: BLE001  the test looks at it
            bench.end = end

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve())
        yield bench
        owner.close()
        await serving


def on_bench(scene: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with opened() as bench:
            await scene(bench)

    run_virtual(main())


def answers(outcome: Reply | LucidError, channel: int) -> bool:
    return isinstance(outcome, Reply) and outcome.data == bytes((channel, 0, 0, 0))


def test_an_idle_line_is_written_in_the_callers_stack() -> None:
    async def scene(bench: Bench) -> None:
        bench.owner.submit(read(1), turn=Turn.SHARED, client="a", done=lambda _: None)
        assert bench.module.log == [read(1)]

    on_bench(scene)


def test_the_answer_sends_the_next_request_before_its_asker_is_told() -> None:
    async def scene(bench: Bench) -> None:
        sent_when_told: list[int] = []
        for channel in (1, 2):
            bench.owner.submit(
                read(channel), turn=Turn.SHARED, client=str(channel), done=lambda _: sent_when_told.append(len(bench.module.log))
            )
        assert len(bench.module.log) == 1
        await asyncio.sleep(0.01)
        assert sent_when_told == [2, 2]

    on_bench(scene)


def test_a_reply_may_come_byte_by_byte() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(0.01 * place, bytes((byte,))) for place, byte in enumerate(usual(read(3)))])
        assert answers(await bench.ask(read(3)), 3)

    on_bench(scene)


def test_what_a_callback_raises_while_the_line_ends_is_not_lost() -> None:
    async def scene(bench: Bench) -> None:
        def broken(_: Outcome) -> None:
            raise ZeroDivisionError

        bench.module.answer = lambda _: []
        bench.owner.submit(read(1), turn=Turn.SHARED, client="a", done=broken)
        waiting = asyncio.create_task(bench.fate(read(2)))
        await asyncio.sleep(0.01)
        bench.port.unplug()
        assert isinstance(await waiting, LinkLost)
        await asyncio.sleep(0)
        assert isinstance(bench.end, ZeroDivisionError)

    on_bench(scene)


@pytest.mark.parametrize("delay_s", [0.26 + 0.15 * step for step in range(24)])
@pytest.mark.parametrize("slow", [read(1), SWITCH_ON, get_id(), get_io_group(range(4), ValueType.VOS4)], ids=str)
def test_a_late_answer_never_reaches_the_next_asker(delay_s: float, slow: Request) -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(delay_s, usual(slow))], opcode=slow.opcode)
        late = await bench.fate(slow)
        assert isinstance(late, ReplyTimeout)
        assert late.sent
        for channel in range(2, 7):
            outcome = await bench.fate(read(channel), deadline_s=10.0)
            assert answers(outcome, channel) or (delay_s > GIVEN_UP_S and isinstance(outcome, LinkLost))
        assert bench.module.log.count(slow) == 1 or slow == get_id()
        assert bench.owner.counters.timeouts == 1

    on_bench(scene)


def test_the_asker_hears_of_a_timeout_at_once_and_not_after_the_quarantine() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([])
        begun = now()
        assert isinstance(await bench.fate(read(1)), ReplyTimeout)
        assert now() - begun == pytest.approx(0.25, abs=0.001)

    on_bench(scene)


def test_nothing_is_sent_until_the_line_was_quiet_and_the_identity_is_right() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([])
        await bench.fate(read(1))
        timed_out = now()
        assert answers(await bench.ask(read(2)), 2)
        assert bench.module.log == [read(1), get_id(), read(2)]
        assert now() - timed_out == pytest.approx(0.5, abs=0.01)
        assert bench.owner.counters.resynced == 1

    on_bench(scene)


MISFITS: dict[str, Answer] = {
    "half": [(0.0, usual(read(1))[:3])],
    "nothing but the status": [(0.0, b"\x00")],
    "garbage before it": [(0.0, b"\x55\xaa"), (0.001, usual(read(1)))],
    "surplus after it": [(0.0, usual(read(1)) + b"\x00")],
    "twice": [(0.0, usual(read(1)) * 2)],
    "too short": [(0.0, b"\x00\x02\x01\x00")],
    "too long": [(0.0, b"\x00\x05\x01\x00\x00\x00\x00")],
    "an answer to a write": [(0.0, b"\x00\x00")],
}


@pytest.mark.parametrize("misfit", MISFITS.values(), ids=MISFITS.keys())
def test_an_answer_that_does_not_fit_is_nobodys_and_the_line_recovers(misfit: Answer) -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once(misfit)
        fault = await bench.fate(read(1))
        assert isinstance(fault, ReplyTimeout | GarbledReply)
        assert fault.sent
        for channel in (2, 3, 4):
            assert answers(await bench.fate(read(channel)), channel)

    on_bench(scene)


def test_an_identity_of_a_few_bytes_is_garbled() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(0.0, b"\x00\x02\x01\x02")], opcode=Opcode.GET_ID)
        assert isinstance(await bench.fate(get_id()), GarbledReply)
        assert answers(await bench.fate(read(2)), 2)

    on_bench(scene)


@pytest.mark.parametrize("refusal", [b"\xb8\x00", b"\xd0\x02\x01\x02"])
def test_an_error_status_is_an_answer_with_or_without_data(refusal: bytes) -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([(0.0, refusal)])
        assert await bench.ask(read(1)) == Reply(refusal[0], refusal[2:])
        assert bench.owner.counters.refused == 1
        assert answers(await bench.ask(read(2)), 2)

    on_bench(scene)


def test_a_write_without_answer_is_never_repeated() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([], opcode=Opcode.SET_IO)
        fault = await bench.fate(SWITCH_ON, turn=Turn.COMMAND)
        assert isinstance(fault, ReplyTimeout)
        await asyncio.sleep(60.0)
        assert answers(await bench.fate(read(2)), 2)
        assert bench.module.asked(Opcode.SET_IO) == [SWITCH_ON]

    on_bench(scene)


def test_a_hundred_callers_who_leave_poison_nobody() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda request: [(0.002, usual(request))]
        for _ in range(100):
            leaving = asyncio.create_task(bench.ask(read(1), client="leaving"))
            await asyncio.sleep(0.001)
            leaving.cancel()
            assert answers(await bench.ask(read(2), client="staying"), 2)
            with pytest.raises(asyncio.CancelledError):
                await leaving
        assert bench.owner.counters.transactions == 200
        assert bench.owner.counters.stray_bytes == 0

    on_bench(scene)


def test_a_caller_who_leaves_before_his_turn_is_never_sent() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda request: [(0.01, usual(request))]
        first = asyncio.create_task(bench.ask(read(1)))
        leaving = asyncio.create_task(bench.ask(SWITCH_ON, turn=Turn.COMMAND))
        await asyncio.sleep(0.001)
        leaving.cancel()
        await first
        assert answers(await bench.ask(read(2)), 2)
        assert bench.module.asked(Opcode.SET_IO) == []

    on_bench(scene)


def test_a_flood_of_two_clients_lets_safety_and_commands_pass_and_polls_take_turns() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda request: [(0.001, usual(request))]

        def flood(client: str, channel: int) -> None:
            def again(_: Outcome) -> None:
                if len(bench.module.log) < 200:
                    flood(client, channel)

            bench.owner.submit(read(channel), turn=Turn.SHARED, client=client, done=again)

        for client, channel in (("a", 1), ("b", 2)):
            for _ in range(4):
                flood(client, channel)
        await asyncio.sleep(0.0105)
        before = len(bench.module.log)
        poll = asyncio.create_task(bench.ask(read(3), client="poller"))
        command = asyncio.create_task(bench.ask(read(4), turn=Turn.COMMAND))
        safety = asyncio.create_task(bench.ask(read(5), turn=Turn.SAFETY))
        await asyncio.gather(poll, command, safety)
        sent = [request.channels[0] for request in bench.module.log[before:]]
        assert sent[:2] == [5, 4]
        assert sent.index(3) <= 4

    on_bench(scene)


def test_what_an_answered_asker_sends_next_does_not_jump_the_queue() -> None:
    async def scene(bench: Bench) -> None:
        def again(_: Outcome) -> None:
            bench.owner.submit(read(1), turn=Turn.SHARED, client="a", done=lambda _: None)

        bench.owner.submit(read(1), turn=Turn.SHARED, client="a", done=again)
        bench.owner.submit(read(2), turn=Turn.SHARED, client="b", done=lambda _: None)
        await asyncio.sleep(0.01)
        assert [request.channels[0] for request in bench.module.log] == [1, 2, 1]

    on_bench(scene)


def test_a_request_past_its_deadline_is_never_sent() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda request: [(0.2, usual(request))]
        running = asyncio.create_task(bench.ask(read(1)))
        await asyncio.sleep(0)
        begun = now()
        fault = await bench.fate(SWITCH_ON, turn=Turn.SAFETY, deadline_s=0.1)
        assert isinstance(fault, RequestRejected)
        assert fault.reason is Reason.EXPIRED
        assert now() - begun == pytest.approx(0.1, abs=0.001)
        await running
        await asyncio.sleep(1.0)
        assert bench.module.asked(Opcode.SET_IO) == []
        assert bench.owner.counters.expired == 1

    on_bench(scene)


def test_after_the_loop_stood_still_an_overdue_request_is_not_sent_late() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda _: []
        running = asyncio.create_task(bench.fate(read(1)))
        waiting = asyncio.create_task(bench.fate(SWITCH_ON, deadline_s=0.1))
        await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualClockLoop)
        loop._jumping.now += 0.15
        bench.port.say(usual(read(1)))
        assert answers(await running, 1)
        overdue = await waiting
        assert isinstance(overdue, RequestRejected)
        assert overdue.reason is Reason.EXPIRED
        assert bench.module.log == [read(1)]

    on_bench(scene)


def test_a_deadline_in_the_past_is_refused_without_a_byte() -> None:
    async def scene(bench: Bench) -> None:
        fault = await bench.fate(SWITCH_ON, deadline_s=-1.0)
        assert isinstance(fault, RequestRejected)
        assert bench.module.log == []

    on_bench(scene)


def test_one_who_waits_for_a_silent_module_is_told_after_two_seconds_that_nothing_was_sent() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda _: []
        running = asyncio.create_task(bench.fate(read(1)))
        await asyncio.sleep(0)
        begun = now()
        fault = await bench.fate(SWITCH_ON, turn=Turn.COMMAND)
        assert isinstance(fault, LinkLost)
        assert not fault.sent
        assert now() - begun == pytest.approx(2.0, abs=0.01)
        assert isinstance(await running, ReplyTimeout)
        assert bench.module.asked(Opcode.SET_IO) == []

    on_bench(scene)


def test_too_many_waiting_requests_are_turned_away() -> None:
    async def scene(bench: Bench) -> None:
        outcomes: list[Outcome] = []
        for _ in range(10):
            bench.owner.submit(read(1), turn=Turn.SHARED, client="greedy", done=outcomes.append)
        assert [getattr(outcome, "reason", None) for outcome in outcomes] == [Reason.BUSY]
        await asyncio.sleep(0.1)
        assert len(outcomes) == 10
        assert bench.owner.counters.turned_away == 1
        assert bench.owner.counters.queue_high_water == 8

    on_bench(scene)


def test_unplugging_tells_the_running_and_the_waiting_at_once_and_apart() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda _: []
        running = asyncio.create_task(bench.fate(SWITCH_ON))
        waiting = asyncio.create_task(bench.fate(read(1)))
        await asyncio.sleep(0.01)
        begun = now()
        bench.port.unplug()
        lost, unsent = await running, await waiting
        assert isinstance(lost, LinkLost)
        assert lost.sent
        assert isinstance(unsent, LinkLost)
        assert not unsent.sent
        assert now() == begun
        after = await bench.fate(read(2))
        assert isinstance(after, LinkLost)
        assert not after.sent
        assert isinstance(bench.end, LinkLost)
        assert bench.owner.torn

    on_bench(scene)


def test_unplugging_in_quarantine_ends_the_line() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([])
        await bench.fate(read(1))
        waiting = asyncio.create_task(bench.fate(read(2)))
        await asyncio.sleep(0.1)
        bench.port.unplug()
        unsent = await waiting
        assert isinstance(unsent, LinkLost)
        assert not unsent.sent
        await asyncio.sleep(0)
        assert isinstance(bench.end, LinkLost)

    on_bench(scene)


def test_a_module_that_hangs_for_a_while_gets_its_port_reopened() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda _: []
        await bench.fate(read(1))
        waiting = asyncio.create_task(bench.fate(read(2), deadline_s=10.0))
        await asyncio.sleep(2.5)
        assert bench.port.opened == 2
        bench.module.answer = bench.module.good
        assert answers(await waiting, 2)
        assert bench.owner.counters.reopened == 1
        assert bench.end is None

    on_bench(scene)


def test_a_module_that_stays_silent_ends_the_line_within_five_seconds() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda _: []
        begun = now()
        await bench.fate(read(1))
        unsent = await bench.fate(SWITCH_ON, deadline_s=60.0)
        assert isinstance(unsent, LinkLost)
        assert not unsent.sent
        assert now() - begun < 5.0
        assert isinstance(bench.end, ReplyTimeout)
        assert bench.module.asked(Opcode.SET_IO) == []

    on_bench(scene)


def test_another_module_behind_the_port_ends_the_line_before_it_gets_a_request() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.once([])
        await bench.fate(read(1))
        bench.module.identity = OTHER
        unsent = await bench.fate(SWITCH_ON)
        assert isinstance(unsent, LinkLost)
        assert not unsent.sent
        assert "another module" in str(bench.end)
        assert bench.module.asked(Opcode.SET_IO) == []

    on_bench(scene)


def test_stray_bytes_are_counted_and_the_input_is_flushed_before_the_next_request() -> None:
    async def scene(bench: Bench) -> None:
        assert bench.port.link is not None
        flushed = bench.port.link.flushed
        bench.port.say(b"\x00\x04\x09\x09\x09\x09")
        assert answers(await bench.ask(read(2)), 2)
        assert answers(await bench.ask(read(3)), 3)
        assert bench.owner.counters.stray_bytes == 6
        assert bench.port.link.flushed == flushed + 1

    on_bench(scene)


def test_a_module_stuck_in_half_a_request_is_fed_zeros() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.hold(b"\x41\x54\x0d\x0a")  # as from an AT probe: a header that wants ten more bytes
        assert isinstance(await bench.fate(read(1)), ReplyTimeout)
        for channel in (2, 3, 4):
            assert answers(await bench.fate(read(channel), deadline_s=10.0), channel)
        assert bench.owner.counters.reopened == 0

    on_bench(scene)


def test_persistent_writes_get_more_time() -> None:
    async def scene(bench: Bench) -> None:
        slow = set_parameter(0, 0x1000, b"\x00", persistent=True)
        bench.module.once([(1.5, usual(slow))], opcode=slow.opcode)
        assert (await bench.ask(slow)).ok

    on_bench(scene)


def test_the_reply_time_runs_from_the_moment_the_request_is_out() -> None:
    async def scene(bench: Bench) -> None:
        assert bench.port.link is not None
        bench.port.link.accepts = 2
        asking = asyncio.create_task(bench.fate(read(2)))
        await asyncio.sleep(1.0)
        bench.module.once([(0.2, usual(read(2)))])
        bench.port.link.unstick()
        assert answers(await asking, 2)

    on_bench(scene)


def test_a_link_that_takes_no_bytes_is_lost_and_the_next_owner_feeds_zeros_first() -> None:
    async def scene(bench: Bench) -> None:
        assert bench.port.link is not None
        bench.port.link.accepts = 3
        fault = await bench.fate(SWITCH_ON)
        assert isinstance(fault, LinkLost)
        assert fault.sent
        assert bench.owner.torn
        bench.module.received = b""
        again = PortOwner(SerialAddress("/dev/fake"), PortOptions(), dial=bench.port.dial)
        await again.open(feed=True, torn=bench.owner.torn)
        again.close()
        zeros, first, _ = bench.module.received.partition(get_id().encode())
        assert first
        assert zeros == bytes(len(zeros))
        assert zeros
        assert [request.data for request in bench.module.asked(Opcode.SET_IO)] == [b""]  # of no length, so refused

    on_bench(scene)


def test_a_write_that_lost_bytes_on_the_way_is_completed_as_off_and_never_as_on() -> None:
    async def scene(bench: Bench) -> None:
        assert bench.port.link is not None
        bench.port.link.loses = 1
        fault = await bench.fate(SWITCH_ON, turn=Turn.COMMAND)
        assert isinstance(fault, ReplyTimeout)
        assert answers(await bench.fate(read(2)), 2)
        assert [request.data for request in bench.module.asked(Opcode.SET_IO)] == [b"\x00"]

    on_bench(scene)


def test_what_an_askers_callback_raises_ends_the_service() -> None:
    async def scene(bench: Bench) -> None:
        def broken(_: Outcome) -> None:
            raise ZeroDivisionError

        bench.owner.submit(read(1), turn=Turn.SHARED, client="a", done=broken)
        await asyncio.sleep(0.01)
        assert isinstance(bench.end, ZeroDivisionError)
        assert isinstance(await bench.fate(read(2)), LinkLost)

    on_bench(scene)


def test_an_owner_that_was_not_opened_refuses() -> None:
    async def main() -> None:
        owner = PortOwner(SerialAddress("/dev/fake"), PortOptions(), dial=FakePort(None).dial)
        with pytest.raises(LinkLost) as refused:
            await owner.transact(read(1), turn=Turn.COMMAND, client="a")
        assert not refused.value.sent
        with pytest.raises(LinkLost):
            await owner.open(feed=True)
        with pytest.raises(RuntimeError):
            _ = owner.identity

    run_virtual(main())


def test_an_owner_that_is_closed_while_it_opens_lets_go_of_the_link() -> None:
    async def main() -> None:
        port = FakePort(FakeModule())
        owner = PortOwner(SerialAddress("/dev/fake"), PortOptions(), dial=port.dial)
        opening = asyncio.create_task(owner.open(feed=True))
        await asyncio.sleep(0)
        owner.close()
        with pytest.raises(LinkLost, match="closed"):
            await opening
        assert port.link is not None
        assert not port.link.open
        assert port.module is not None
        assert port.module.log == []

    run_virtual(main())


def test_no_timer_is_made_for_each_transaction() -> None:
    async def scene(bench: Bench) -> None:
        await bench.ask(read(1))
        timer = bench.owner._alarm._timer
        for _ in range(50):
            await bench.ask(read(1))
        assert timer is not None
        assert bench.owner._alarm._timer is timer

    on_bench(scene)


def test_a_request_that_is_forbidden_while_it_waits_is_not_sent_and_the_next_one_is() -> None:
    async def scene(bench: Bench) -> None:
        fault = RequestRejected(Reason.CLAIMED, "it is claimed", "ask its owner")
        vetoes: list[LucidError | None] = [None]
        told: list[tuple[str, Outcome]] = []

        def ask(name: str, request: Request, veto: bool = False) -> None:
            bench.owner.submit(
                request,
                turn=Turn.SHARED,
                client=name,
                done=lambda outcome: told.append((name, outcome)),
                veto=(lambda: vetoes[-1]) if veto else None,
            )

        ask("a", read(1))
        ask("b", SWITCH_ON, veto=True)
        ask("c", read(2))
        vetoes.append(fault)
        await asyncio.sleep(0.1)
        assert bench.module.log == [read(1), read(2)]
        assert {name: outcome for name, outcome in told if name == "b"} == {"b": fault}
        assert {name for name, _ in told} == {"a", "b", "c"}
        vetoes.append(None)
        ask("a", read(1))
        ask("b", SWITCH_ON, veto=True)
        await asyncio.sleep(0.1)
        assert bench.module.log[-1] == SWITCH_ON

    on_bench(scene)


def test_how_long_the_module_had_a_request_is_known_without_the_time_it_waited() -> None:
    async def scene(bench: Bench) -> None:
        bench.module.answer = lambda request: [(0.1, usual(request))]
        first = bench.owner.submit(read(1), turn=Turn.SHARED, client="a", done=lambda _: None)
        second = bench.owner.submit(read(2), turn=Turn.SHARED, client="b", done=lambda _: None)
        assert (first.took_s, second.took_s) == (0.0, 0.0)
        assert (first.is_begun, second.is_begun) == (True, False)
        await asyncio.sleep(0.15)
        assert first.took_s == pytest.approx(0.1)
        assert second.took_s == 0.0
        await asyncio.sleep(0.1)
        assert second.took_s == pytest.approx(0.1)
        bench.module.answer = lambda _: []
        third = bench.owner.submit(read(3), turn=Turn.SHARED, client="a", done=lambda _: None)
        fourth = bench.owner.submit(read(4), turn=Turn.SHARED, client="b", done=lambda _: None)
        await asyncio.sleep(0.3)
        assert third.took_s == pytest.approx(PortOptions().reply_timeout_s)
        bench.owner.close()
        assert fourth.took_s == 0.0
        assert (first.is_begun, third.is_begun, fourth.is_begun) == (True, True, False)

    on_bench(scene)
