"""The hardest cases of the owner once more, through a real terminal and the real clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lucid2mqtt.errors import ReplyTimeout
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Opcode, Request, get_io, set_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.port.address import SerialAddress
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.owner import PortOwner
from lucid2mqtt.port.watch import open_module
from tests.unit.port.fake_module import FakeModule, PtyModule, usual

OPTIONS = PortOptions(reply_timeout_s=0.05)
SWITCH_ON = set_io(0, ValueType.DI1, b"\x01")


def read(channel: int) -> Request:
    return get_io(channel, ValueType.VOS4)


async def ask(line: PortOwner, request: Request, client: str = "test") -> bytes:
    return (await line.transact(request, turn=Turn.SHARED, client=client)).data


@pytest.fixture
async def module() -> FakeModule:
    return FakeModule()


@pytest.fixture
async def address(module: FakeModule) -> AsyncIterator[SerialAddress]:
    pty = PtyModule(module)
    yield SerialAddress(pty.path)
    pty.unplug()


async def test_a_late_answer_never_reaches_the_next_asker(module: FakeModule, address: SerialAddress) -> None:
    async with open_module(address, OPTIONS) as (_, line):
        module.once([(0.1, usual(read(1)))])
        with pytest.raises(ReplyTimeout):
            await ask(line, read(1))
        assert await ask(line, read(2)) == b"\x02\x00\x00\x00"
        assert module.log.count(read(1)) == 1


async def test_a_write_without_answer_is_sent_once(module: FakeModule, address: SerialAddress) -> None:
    async with open_module(address, OPTIONS) as (_, line):
        module.once([], opcode=Opcode.SET_IO)
        with pytest.raises(ReplyTimeout):
            await ask(line, SWITCH_ON)
        assert await ask(line, read(2)) == b"\x02\x00\x00\x00"
        assert module.asked(Opcode.SET_IO) == [SWITCH_ON]


async def test_a_reply_may_come_byte_by_byte(module: FakeModule, address: SerialAddress) -> None:
    async with open_module(address, OPTIONS) as (_, line):
        module.once([(0.004 * place, bytes((byte,))) for place, byte in enumerate(usual(read(3)))])
        assert await ask(line, read(3)) == b"\x03\x00\x00\x00"


async def test_a_hundred_callers_who_leave_poison_nobody(module: FakeModule, address: SerialAddress) -> None:
    async with open_module(address, PortOptions(reply_timeout_s=5.0)) as (_, line):
        for _ in range(100):
            leaving = asyncio.create_task(ask(line, read(1), "leaving"))
            await asyncio.sleep(0)
            leaving.cancel()
            assert await ask(line, read(2), "staying") == b"\x02\x00\x00\x00"
        assert line.counters.transactions == 200
        assert (line.counters.stray_bytes, line.counters.garbled, line.counters.timeouts) == (0, 0, 0)


async def test_eight_clients_at_once_get_their_own_answers(module: FakeModule, address: SerialAddress) -> None:
    async with open_module(address, PortOptions(reply_timeout_s=5.0)) as (_, line):

        async def client(channel: int) -> None:
            for _ in range(50):
                assert await ask(line, read(channel), f"client {channel}") == bytes((channel, 0, 0, 0))

        async with asyncio.TaskGroup() as clients:
            for channel in range(8):
                clients.create_task(client(channel))
        assert line.counters.transactions == 400
