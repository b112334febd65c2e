"""One supervised port on a virtual clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lucid2mqtt.errors import LinkBusy, LinkError, LinkLost
from lucid2mqtt.lucid.exchange import Transactor, Turn
from lucid2mqtt.lucid.frames import Opcode, Request, get_id, get_io, set_io
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.port.address import SerialAddress
from lucid2mqtt.port.candidates import Candidate, Trust
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.supervisor import PortState, PortSupervisor, Roster
from tests.unit.port.fake_module import OTHER, Answer, FakeModule, FakePort
from tests.unit.port.household import Household
from tests.virtual_clock import run_virtual

READ = get_io(0, ValueType.VOS4)
PATH = "/dev/serial/by-id/usb-lucid"


class Watched:
    """A supervisor on a fake port."""

    def __init__(self, port: FakePort, supervisor: PortSupervisor, household: Household, task: asyncio.Task[Any]) -> None:
        self.port = port
        self.supervisor = supervisor
        self.household = household
        self.task = task


@contextlib.asynccontextmanager
async def watched(
    module: FakeModule | None,
    *,
    trust: Trust = Trust.NAMED,
    household: Household | None = None,
    roster: Roster | None = None,
    path: str = PATH,
) -> AsyncIterator[Watched]:
    port = FakePort(module)
    household = household or Household()
    candidate = Candidate(SerialAddress(path), (path, 1), trust)
    supervisor = PortSupervisor(candidate, PortOptions(), roster or Roster(), household, dial=port.dial)
    task = asyncio.create_task(supervisor.run())
    try:
        yield Watched(port, supervisor, household, task)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def silent(_: Request) -> Answer:
    return []


def echo(request: Request) -> Answer:
    return [(0.0, request.encode())]


def test_a_module_arrives_with_a_line_that_works() -> None:
    async def main() -> None:
        async with watched(FakeModule()) as scene:
            await asyncio.sleep(0.1)
            assert scene.household.events == [f"+4711@{PATH}"]
            assert scene.supervisor.status.state is PortState.OPEN
            assert (await scene.household.lines[4711].transact(READ, turn=Turn.SHARED, client="poll")).ok
            assert scene.supervisor.status.counters is not None
            assert scene.supervisor.status.counters.transactions == 1

    run_virtual(main())


def test_an_unplugged_module_leaves_and_is_back_with_one_line_of_log_each(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        module = FakeModule()
        async with watched(module) as scene:
            await asyncio.sleep(0.1)
            caplog.clear()
            scene.port.unplug()
            await asyncio.sleep(60)
            assert scene.household.events[1:] == ["-4711"]
            assert scene.supervisor.status.state is PortState.WAITING
            scene.port.module = module
            await asyncio.sleep(15)
            assert scene.household.events[2:] == [f"+4711@{PATH}"]

    with caplog.at_level(logging.INFO):
        run_virtual(main())
    down, up = [record.getMessage() for record in caplog.records]
    assert down == f"{PATH}: AI4 with serial number 4711 is gone: the device is gone"
    assert up.startswith(f"{PATH}: AI4 with serial number 4711 is back after ")


def test_a_module_that_falls_silent_leaves_and_is_asked_again_ever_more_seldom() -> None:
    async def main() -> None:
        module = FakeModule()
        async with watched(module) as scene:
            await asyncio.sleep(0.1)
            module.answer = silent
            with pytest.raises(Exception, match="no answer"):
                await scene.household.lines[4711].transact(READ, turn=Turn.SHARED, client="poll")
            await asyncio.sleep(10)
            assert scene.household.events[1:] == ["-4711"]
            assert scene.household.reasons == ["the module does not answer any more"]
            assert scene.supervisor.status.state is PortState.SILENT
            await asyncio.sleep(60)
            opened = scene.port.opened
            await asyncio.sleep(600)
            assert 40 <= scene.port.opened - opened <= 70
            module.answer = module.good
            await asyncio.sleep(15)
            assert scene.household.events[2:] == [f"+4711@{PATH}"]

    run_virtual(main())


def test_another_module_on_the_same_port_is_another_module() -> None:
    async def main() -> None:
        async with watched(FakeModule()) as scene:
            await asyncio.sleep(0.1)
            old_line = scene.household.lines[4711]
            scene.port.unplug()
            scene.port.module = FakeModule(OTHER)
            await asyncio.sleep(2)
            assert scene.household.events == [f"+4711@{PATH}", "-4711", f"+815@{PATH}"]
            with pytest.raises(LinkLost) as refused:
                await old_line.transact(set_io(0, ValueType.DI1, b"\x01"), turn=Turn.COMMAND, client="mqtt")
            assert not refused.value.sent
            assert scene.port.module.asked(Opcode.SET_IO) == []

    run_virtual(main())


def test_a_port_lost_during_a_transaction_gets_zeros_before_the_next_question() -> None:
    async def main() -> None:
        module = FakeModule()
        async with watched(module) as scene:
            await asyncio.sleep(0.1)
            module.answer = silent
            asking = asyncio.create_task(scene.household.lines[4711].transact(READ, turn=Turn.SHARED, client="poll"))
            await asyncio.sleep(0.1)
            scene.port.unplug()
            with pytest.raises(LinkLost):
                await asking
            module.answer = module.good
            module.received = b""
            scene.port.module = module
            await asyncio.sleep(2)
            assert module.received == bytes(8) + 2 * get_id().encode()

    run_virtual(main())


@pytest.mark.parametrize(
    ("trust", "answer", "state"),
    [
        (Trust.GUESSED, silent, PortState.FOREIGN),
        (Trust.GUESSED, echo, PortState.FOREIGN),
        (Trust.NAMED, silent, PortState.SILENT),
        (Trust.NAMED, echo, PortState.FOREIGN),
        (Trust.USB_ID, silent, PortState.SILENT),
        (Trust.USB_ID, echo, PortState.SILENT),
    ],
)
def test_what_is_no_module_is_left_alone_unless_there_is_reason_to_hope(
    trust: Trust, answer: Any, state: PortState, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        module = FakeModule()
        module.answer = answer
        async with watched(module, trust=trust) as scene:
            await asyncio.sleep(120)
            assert scene.supervisor.status.state is state
            assert scene.household.events == []
            left_alone = state is PortState.FOREIGN
            assert (scene.port.opened == 1) is left_alone
            module.answer = module.good
            scene.supervisor.poke()
            await asyncio.sleep(3)
            assert scene.household.events == [f"+4711@{PATH}"]

    with caplog.at_level(logging.INFO):
        run_virtual(main())
    assert len(caplog.records) == 2  # what it is, and that it was found after all


@pytest.mark.parametrize("trust", [Trust.GUESSED, Trust.NAMED])
@pytest.mark.parametrize("answer", [silent, echo])
def test_a_port_where_a_module_answered_once_is_never_given_up(trust: Trust, answer: Any) -> None:
    async def main() -> None:
        module = FakeModule()
        async with watched(module, trust=trust) as scene:
            await asyncio.sleep(0.1)
            module.answer = answer
            with contextlib.suppress(LinkError):
                await scene.household.lines[4711].transact(READ, turn=Turn.SHARED, client="poll")
            await asyncio.sleep(60)
            assert scene.household.events[1:] == ["-4711"]
            module.answer = module.good
            await asyncio.sleep(15)
            assert scene.household.events[2:] == [f"+4711@{PATH}"]

    run_virtual(main())


def test_a_busy_port_is_said_once_and_tried_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with watched(FakeModule()) as scene:
            scene.port.refusal = LinkBusy(f"{PATH} is in use by socat (pid 812)")
            await asyncio.sleep(60)
            assert scene.supervisor.status.state is PortState.BUSY
            assert "socat (pid 812)" in scene.supervisor.status.detail
            scene.port.refusal = None
            await asyncio.sleep(6)
            assert scene.household.events == [f"+4711@{PATH}"]

    with caplog.at_level(logging.WARNING):
        run_virtual(main())
    assert [record.getMessage() for record in caplog.records] == [f"{PATH} is in use by socat (pid 812); tried again every few seconds"]


def test_the_same_module_on_a_second_port_is_left_alone_until_it_leaves_the_first() -> None:
    async def main() -> None:
        roster, household = Roster(), Household()
        async with watched(FakeModule(), roster=roster, household=household, path="/dev/a") as first:
            await asyncio.sleep(1)
            async with watched(FakeModule(), roster=roster, household=household, path="/dev/b") as second:
                await asyncio.sleep(60)
                assert household.events == ["+4711@/dev/a"]
                assert second.port.opened == 1
                assert second.supervisor.status.state is PortState.FOREIGN
                assert "in use on /dev/a" in second.supervisor.status.detail
                first.port.unplug()
                await asyncio.sleep(2)
                assert household.events == ["+4711@/dev/a", "-4711", "+4711@/dev/b"]

    run_virtual(main())


@pytest.mark.parametrize(("gone", "reason"), [(True, "it was unplugged"), (False, "the port is closed")])
def test_a_module_always_leaves_when_its_supervisor_ends(gone: bool, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with watched(FakeModule()) as scene:
            await asyncio.sleep(0.1)
            if gone:
                scene.supervisor.device_gone()
        assert scene.household.events[1:] == ["-4711"]
        assert scene.household.reasons == [reason]
        assert scene.port.link is not None
        assert not scene.port.link.open

    with caplog.at_level(logging.WARNING):
        run_virtual(main())
    assert len(caplog.records) == int(gone)


def test_a_bug_in_the_listener_is_not_weather() -> None:
    class Broken(Household):
        def module_arrived(self, identity: Identity, line: Transactor, port: str) -> None:
            raise ZeroDivisionError

    async def main() -> None:
        async with watched(FakeModule(), household=Broken()) as scene:
            with pytest.raises(ZeroDivisionError):
                await scene.task
            assert scene.port.link is not None
            assert not scene.port.link.open

    with pytest.raises(ZeroDivisionError):
        run_virtual(main())
