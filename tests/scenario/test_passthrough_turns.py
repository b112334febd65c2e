"""Who gets how much of a shared module, and what comes up while a client waits for its turn."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.lucid.frames import get_io, set_parameter
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.accounts import AVERAGED_S
from lucid2mqtt.passthrough.options import parse_listen
from lucid2mqtt.passthrough.rights import Access, Grant, Rights, Rule
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.worlds import many
from tests.scenario.passthrough_rig import ANYWHERE, Client, rig
from tests.scenario.test_passthrough_shared import DO4, GET_ID, ON_0, READ_0, READABLE, REFUSED, WRITABLE, listener, now


async def test_clients_that_never_pause_have_equal_parts_however_deep_they_ask_ahead(tmp_path: Path) -> None:
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=0.002))
    async with rig(tmp_path, READABLE, modules=modules) as house, house.client() as deep:
        clients = [Tireless(await house.port(), f"127.0.0.{number}", READ_0) for number in range(2, 6)]
        deep.writer.write(READ_0 * 500)
        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(client.ask_until(now() + 0.8))
            await asyncio.sleep(0.75)
            (ahead,) = (status.frames for status in house.passthrough.clients() if status.identity == "127.0.0.1")
        parts = [client.answers for client in clients]
        assert min(parts) > 0.8 * max(parts)
        assert ahead <= 1.2 * max(parts)


async def test_as_many_programs_of_one_machine_as_the_listeners_let_in_are_all_served(tmp_path: Path) -> None:
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=0.001))
    other = replace(READABLE, listen=parse_listen("tcp://localhost:0"), max_clients=20)
    async with rig(tmp_path, READABLE, other, modules=modules) as house, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(house.client()) for _ in range(8)]
        clients += [await stack.enter_async_context(house.client(other.listen)) for _ in range(20)]
        await house.until(lambda: len(house.passthrough.clients()) == 28)
        for client in clients:
            client.writer.write(READ_0 * 5)
        for client in clients:
            assert [await client.reply() for _ in range(5)] == [b"\x00\x01\x00"] * 5
        for listen in (ANYWHERE, other.listen):
            one_more = await stack.enter_async_context(house.client(listen))
            one_more.writer.write(READ_0)
            with contextlib.suppress(ConnectionError):
                assert await one_more.end() == b""


async def test_a_client_that_had_its_share_waits_and_neither_another_one_nor_the_poller_does(tmp_path: Path) -> None:
    took_s, watched_s, share, poll_s = 0.005, 1.5, 0.2, 0.05
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=took_s))
    rights = Rights(Grant(Access.READ), (Rule(grant=Grant(Access.READ, bus_share=share), networks=(ip_network("127.0.0.2"),)),))
    limited = replace(READABLE, rights=rights)
    async with rig(tmp_path, limited, modules=modules, options=(ModuleOptions(poll_s=poll_s),)) as house:
        polled: list[float] = []
        house.board.subscribe(lambda _: polled.append(now()))
        greedy, fair = Tireless(await house.port(), "127.0.0.2", GET_ID), Tireless(await house.port(), "127.0.0.1", READ_0)
        begun = now()
        async with asyncio.TaskGroup() as tasks:
            for client in (greedy, fair):
                tasks.create_task(client.ask_until(begun + watched_s))
            await asyncio.sleep(watched_s - 0.05)
            shown = {status.identity: status.bus_share * status.connected_s for status in house.passthrough.clients()}
        most_s = share * (watched_s + AVERAGED_S)
        assert greedy.answers * took_s <= most_s + 2 * took_s
        assert fair.answers >= greedy.answers > 0
        assert len(polled) > 0.3 * watched_s / poll_s
        # what is shown is what the module worked, in its own time; connected_s is rounded to a tenth
        assert 0.8 * greedy.answers * took_s < shown["127.0.0.2"] < most_s + 0.2
        assert sum(shown.values()) < watched_s + 0.1


class Tireless:
    """Asks the same thing as fast as it is answered, from an address of its own."""

    def __init__(self, port: int, address: str, request: bytes) -> None:
        self._port = port
        self._address = address
        self._request = request
        self.answers = 0

    async def ask_until(self, end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(self._address, 0))
        client = Client(reader, writer)
        while now() < end:
            await client.ask(self._request)
            self.answers += 1
        writer.close()


# -- what comes up while a write waits, and what it changes


async def test_a_thermostat_that_claims_an_output_while_a_write_to_it_waits_wins(tmp_path: Path) -> None:
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=0.05))
    slow = ModuleOptions(poll_s=60.0)
    async with rig(tmp_path, WRITABLE, modules=modules, options=(slow,)) as house, house.client() as busy, house.client() as late:
        busy.writer.write(GET_ID)
        await house.until(lambda: house.passthrough.clients()[0].frames)
        late.writer.write(ON_0)
        await house.until(lambda: sum(status.frames for status in house.passthrough.clients()) == 2)
        house.desk.claim(ChannelRef(DO4, "0"), "thermostat living")
        assert await late.reply() == REFUSED
        assert ON_0 not in house.module.journal.requests
        assert await late.ask(READ_0) == b"\x00\x01\x00"


async def test_an_input_that_a_client_makes_a_counter_is_a_counter_for_everybody_at_once(tmp_path: Path) -> None:
    module = VirtualModule("DI4", serial=7, quirks=Quirks(reply_delay_s=0.0), commissioned=True)
    (name, other) = (ChannelRef("di4-7", "0"), ChannelRef("di4-7", "1"))
    async with rig(tmp_path, listener(Access.ALL, "di4-7"), modules=[module], options=(ModuleOptions(poll_s=60.0),)) as house:
        (live,) = house.house.live_modules
        assert live.points["0"].channel.signal is Signal.STATE
        before = house.board.latest(other)
        async with house.client() as client:
            assert await client.ask(set_parameter(0, 0x1101, b"\x03").encode()) == b"\x00\x00"  # adds, and reading resets
            assert await client.ask(set_parameter(0, 0x1100, b"\x20").encode()) == b"\x00\x00"
            await house.until(lambda: live.points["0"].channel.signal is Signal.TOTAL)
            await house.until(lambda: type(getattr(house.board.latest(name), "value", None)) is int)
            await house.until(lambda: house.board.latest(other) is not before)
            await house.passthrough.reload([listener(Access.READ, "di4-7")])
            assert await client.ask(get_io(0, ValueType.CNT2).encode()) == REFUSED  # reading takes counts away now
        assert house.house.live_modules == (live,)
