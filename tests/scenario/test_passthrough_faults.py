"""Modules that answer late, in part or not at all, and modules that go away, with clients connected."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.lucid.frames import get_id, get_io, set_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.options import ListenerOptions
from lucid2mqtt.passthrough.rights import Access, Grant, Rights
from lucid2mqtt.sim.faults import HalfReply, LateReply, Replug, SwapNames, Unplug
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.worlds import many
from tests.scenario.passthrough_rig import ANYWHERE, rig

DO4 = "do4-600000"
READ_0 = get_io(0, ValueType.DI1).encode()
ON_0 = set_io(0, ValueType.DI1, b"\x01").encode()
GET_ID = get_id().encode()
NOT_CARRIED_OUT = b"\xd0\x00"
READABLE = ListenerOptions(listen=ANYWHERE, module=DO4)
WRITABLE = ListenerOptions(listen=ANYWHERE, module=DO4, rights=Rights(Grant(Access.OUTPUTS)))


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_late_answer_never_reaches_anyone(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE, options=(ModuleOptions(poll_s=60.0),)) as house, house.client() as one, house.client() as other:
        house.bench.inject(DO4, LateReply(by_s=0.15))
        begun = now()
        assert await one.ask(GET_ID) == NOT_CARRIED_OUT
        assert now() - begun < 0.15
        for client in (other, one):
            assert await client.ask(READ_0) == b"\x00\x01\x00"


async def test_a_torn_answer_is_nobodys(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE, options=(ModuleOptions(poll_s=60.0),)) as house, house.client() as one, house.client() as other:
        house.bench.inject(DO4, HalfReply(keep=7))
        assert await one.ask(GET_ID) == NOT_CARRIED_OUT
        for client in (other, one):
            assert await client.ask(READ_0) == b"\x00\x01\x00"


async def test_clients_stay_while_the_module_is_away_and_reach_it_again(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house, house.client() as client:
        house.bench.inject(DO4, Unplug())
        await house.until(lambda: not house.house.live_modules)
        begun = now()
        assert await client.ask(READ_0) == NOT_CARRIED_OUT
        assert now() - begun < 0.1
        house.bench.inject(DO4, Replug())
        await house.until(lambda: house.house.live_modules)
        assert await client.ask(READ_0) == b"\x00\x01\x00"


async def test_clients_are_closed_when_the_module_stays_away(tmp_path: Path) -> None:
    async with rig(tmp_path, ListenerOptions(listen=ANYWHERE, module=DO4, hold_s=0.05)) as house, house.client() as client:
        assert await client.ask(READ_0) == b"\x00\x01\x00"
        house.bench.inject(DO4, Unplug())
        assert await client.end() == b""


async def test_where_clients_shall_not_wait_they_are_turned_away_while_the_module_is_away(tmp_path: Path) -> None:
    async with rig(tmp_path, ListenerOptions(listen=ANYWHERE, module="not-there", hold_s=0.0)) as house, house.client() as client:
        client.writer.write(READ_0)
        with contextlib.suppress(ConnectionError):
            assert await client.end() == b""


async def test_a_module_that_nobody_has_seen_yet_is_answered_for(tmp_path: Path) -> None:
    async with rig(tmp_path, ListenerOptions(listen=ANYWHERE, module="not-there")) as house, house.client() as client:
        assert await client.ask(READ_0) == NOT_CARRIED_OUT
        assert house.passthrough.clients()[0].unanswered == 1


async def test_with_swapped_names_a_client_still_switches_the_same_module(tmp_path: Path) -> None:
    modules = many(2, "DO4", quirks=Quirks(reply_delay_s=0.0))
    async with rig(tmp_path, WRITABLE, modules=modules) as house, house.client() as client:
        expected = b"\x00\x10" + modules[0].identity.encode()
        assert await client.ask(GET_ID) == expected
        gone: list[str] = []
        house.house.subscribe(_Watcher(gone))
        house.bench.inject(DO4, SwapNames(other="do4-600001"))
        await house.until(lambda: DO4 in gone)
        await house.until(lambda: len(house.house.live_modules) == 2)
        assert await client.ask(GET_ID) == expected
        assert await client.ask(ON_0) == b"\x00\x00"
        assert (modules[0].output(0, now()), modules[1].output(0, now())) == (True, False)


class _Watcher:
    def __init__(self, gone: list[str]) -> None:
        self._gone = gone

    def module_online(self, module: object) -> None: ...
    def module_offline(self, module: object, reason: str) -> None:
        self._gone.append(module.name)  # type: ignore[attr-defined]
