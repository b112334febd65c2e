"""Clients that share a module with the agent, judged by what they get and by the module's own journal."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.options import ModuleOptions, ParameterSetting
from lucid2mqtt.engine.orders import Order
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.lucid.frames import (
    Request,
    calibrate_io,
    get_id,
    get_io,
    get_io_group,
    get_parameter,
    reset_parameter,
    set_io,
    set_io_group,
    set_parameter,
)
from lucid2mqtt.lucid.parameters import parameters_of
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.options import ListenerOptions
from lucid2mqtt.passthrough.rights import Access, Grant, Rights
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.quirks import Quirks
from lucid2mqtt.sim.worlds import many
from tests.scenario.passthrough_rig import ANYWHERE, Client, rig

DO4 = "do4-600000"
READ_0 = get_io(0, ValueType.DI1).encode()
ON_0 = set_io(0, ValueType.DI1, b"\x01").encode()
OFF_0 = set_io(0, ValueType.DI1, b"\x00").encode()
GET_ID = get_id().encode()
REFUSED = b"\xa0\x00"


def listener(access: Access = Access.READ, module: str = DO4, **how: object) -> ListenerOptions:
    return ListenerOptions(listen=ANYWHERE, module=module, rights=Rights(Grant(access)), **how)  # type: ignore[arg-type]


READABLE, WRITABLE, EVERYTHING = (listener(access) for access in (Access.READ, Access.OUTPUTS, Access.ALL))


def now() -> float:
    return asyncio.get_running_loop().time()


# -- switching


async def test_what_a_client_switches_is_on_the_board_at_once(tmp_path: Path) -> None:
    slow = ModuleOptions(poll_s=60.0)
    async with rig(tmp_path, WRITABLE, options=(slow,)) as house, house.client() as client:
        assert await client.ask(ON_0) == b"\x00\x00"
        await house.until(lambda: getattr(house.board.latest(ChannelRef(DO4, "0")), "value", None) is True)
        assert house.module.output(0, now()) is True


async def test_what_a_client_switches_together_is_read_back_together(tmp_path: Path) -> None:
    slow = ModuleOptions(poll_s=60.0)
    async with rig(tmp_path, WRITABLE, options=(slow,)) as house, house.client() as client:
        await client.ask(set_io_group({1: b"\x01", 3: b"\x01"}, ValueType.DI1).encode())
        await house.until(lambda: all(getattr(house.board.latest(ChannelRef(DO4, name)), "value", None) is True for name in ("1", "3")))
        assert house.module.journal.requests.count(get_io_group([1, 3], ValueType.DI1).encode()) == 1


async def test_a_refused_write_is_answered_in_two_bytes_and_the_module_never_sees_it(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house, house.client() as client:
        assert await client.ask(ON_0) == REFUSED
        assert await client.ask(READ_0) == b"\x00\x01\x00"
        assert ON_0 not in house.module.journal.requests
        (status,) = house.passthrough.clients()
        assert (status.frames, status.refused, status.identity, status.access) == (2, 1, "127.0.0.1", "read")


async def test_a_claimed_output_refuses_everybody_and_its_neighbours_do_not(tmp_path: Path) -> None:
    async with rig(tmp_path, EVERYTHING) as house, house.client() as client:
        claim = house.desk.claim(ChannelRef(DO4, "0"), "thermostat living")
        group = set_io_group({0: b"\x01", 1: b"\x01"}, ValueType.DI1).encode()
        for request in (ON_0, group, set_parameter(0, 0x1100, b"\x00").encode(), calibrate_io(1).encode()):
            assert await client.ask(request) == REFUSED
        assert await client.ask(set_io(1, ValueType.DI1, b"\x01").encode()) == b"\x00\x00"
        claim.release()
        assert await client.ask(ON_0) == b"\x00\x00"
        assert group not in house.module.journal.requests


@pytest.mark.parametrize("forwards", [False, True])
async def test_no_parameter_of_a_claimed_heater_changes_whatever_right_a_client_has(tmp_path: Path, *, forwards: bool) -> None:
    heater, family = 0, next(family for family in FAMILIES.values() if family.name == "DO4")
    parameters = parameters_of(family, heater).values()
    everything = replace(EVERYTHING, forward_unknown=forwards)
    async with rig(tmp_path, everything) as house, house.client() as client:
        claim = house.desk.claim(ChannelRef(DO4, str(heater)), "thermostat living")
        reads = [get_parameter(heater, parameter.address).encode() for parameter in parameters]
        before = [await client.ask(request) for request in reads]
        forbidden = [
            make(heater, parameter.address, *data, persistent=persistent).encode()
            for persistent in (False, True)
            for parameter in parameters
            for make, data in ((set_parameter, (bytes(parameter.width),)), (reset_parameter, ()))
        ]
        forbidden += [calibrate_io(channel, persistent=persistent).encode() for channel in range(4) for persistent in (False, True)]
        forbidden += [Request(opcode).encode() for opcode in (0x00, 0xA4, 0xFF)]  # nobody knows what these do
        for request in forbidden:
            assert await client.ask(request) == REFUSED, request.hex(" ")
        assert not set(forbidden) & set(house.module.journal.requests)
        assert [await client.ask(request) for request in reads] == before
        neighbour = set_parameter(1, 0x1111, (400).to_bytes(2, "little")).encode()
        assert await client.ask(neighbour) == b"\x00\x00", "an output that nobody claims is nobody else's business"
        claim.release()
        assert await client.ask(forbidden[0]) != REFUSED


async def test_new_rights_hold_for_the_next_frame_of_a_connected_client(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house, house.client() as client:
        assert await client.ask(ON_0) == REFUSED
        await house.passthrough.reload([WRITABLE])
        assert await client.ask(ON_0) == b"\x00\x00"
        await house.passthrough.reload([READABLE])
        assert await client.ask(OFF_0) == REFUSED
        assert house.module.output(0, now()) is True


# -- bytes


@pytest.mark.parametrize("family", ["DO8", "DO16"])
async def test_group_headers_of_five_and_six_bytes_pass_however_they_are_cut(family: str, tmp_path: Path) -> None:
    modules = many(1, family, quirks=Quirks(reply_delay_s=0.0))
    last = len(modules[0].family.channels) - 1
    request = get_io_group([0, last], ValueType.DI1).encode()
    assert len(request) == (5 if last < 14 else 6)
    async with rig(tmp_path, listener(module=f"{family.lower()}-600000"), modules=modules) as house, house.client() as client:
        for place in range(1, len(request)):
            client.writer.write(request[:place])
            await asyncio.sleep(0.002)
            assert await client.ask(request[place:]) == b"\x00\x02\x00\x00"


async def test_a_request_may_come_byte_by_byte(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house, house.client() as client:
        for byte in GET_ID:
            client.writer.write(bytes((byte,)))
            await asyncio.sleep(0.002)
        assert await client.reply() == b"\x00\x10" + house.module.identity.encode()


@pytest.mark.parametrize("value", [0xFF, 0x0D, 0x0A, 0x11, 0x13, 0x00, 0x1A])
async def test_bytes_that_terminals_love_pass_unchanged(value: int, tmp_path: Path) -> None:
    serial = int.from_bytes(bytes((value,)) * 3 + b"\x01", "little")
    module = VirtualModule("DO4", serial=serial, quirks=Quirks(reply_delay_s=0.0), commissioned=True)
    async with rig(tmp_path, listener(module=f"do4-{serial}"), modules=[module]) as house, house.client() as client:
        assert await client.ask(GET_ID) == b"\x00\x10" + module.identity.encode()


# -- together


async def ask_many(client: Client, channel: int, values: Sequence[int]) -> int:
    """Writes and reads one channel of its own, over and over; how many answers were not its own."""
    wrong = 0
    for value in values:
        wrong += await client.ask(set_io(channel, ValueType.DI1, bytes((value,))).encode()) != b"\x00\x00"
        wrong += await client.ask(get_io(channel, ValueType.DI1).encode()) != bytes((0, 1, value))
    return wrong


async def test_eight_clients_the_poller_and_commands_share_a_module_without_a_wrong_answer(tmp_path: Path) -> None:
    modules = many(1, "DO16", quirks=Quirks(reply_delay_s=0.0))
    chance = random.Random(4711)
    async with rig(tmp_path, listener(Access.OUTPUTS, "do16-600000"), modules=modules, options=(ModuleOptions(poll_s=0.02),)) as house:
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(house.client()) for _ in range(8)]
            sequences = [[chance.randrange(2) for _ in range(25)] for _ in clients]
            wrong = await asyncio.gather(
                *(ask_many(client, number, values) for number, (client, values) in enumerate(zip(clients, sequences, strict=True)))
            )
            order = Order(channel=ChannelRef("do16-600000", "15"), value=True, who="test")
            assert (await house.desk.carry_out(order)).reading.value is True
        assert sum(wrong) == 0
        for number, values in enumerate(sequences):
            assert house.module.output(number, now()) is bool(values[-1])


async def test_a_flood_delays_a_safety_write_by_one_transaction(tmp_path: Path) -> None:
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=0.005))
    async with rig(tmp_path, READABLE, modules=modules) as house, contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            client = await stack.enter_async_context(house.client())
            client.writer.write(READ_0 * 200)
        await asyncio.sleep(0.05)
        (live,) = house.house.live_modules
        seen = len(house.module.journal.requests)
        await live.line.transact(set_io(0, ValueType.DI1, b"\x01"), turn=Turn.SAFETY, client="thermostat")
        assert house.module.journal.requests.index(ON_0) - seen <= 1


async def test_another_clients_flood_costs_a_client_one_turn(tmp_path: Path) -> None:
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=0.002))
    async with rig(tmp_path, READABLE, modules=modules, options=(ModuleOptions(poll_s=60.0),)) as house, house.client() as flooding:
        flooding.writer.write(READ_0 * 500)
        await asyncio.sleep(0.02)
        waits = []
        (live,) = house.house.live_modules
        for _ in range(10):
            begun = now()
            await live.line.transact(get_id(), turn=Turn.SHARED, client="another")
            waits.append(now() - begun)
        assert sorted(waits)[5] < 0.05


async def test_sixty_commands_each_on_a_connection_of_its_own(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house:
        for _ in range(60):
            async with house.client() as client:
                assert await client.ask(READ_0) == b"\x00\x01\x00"
        await house.until(lambda: not house.passthrough.clients())


async def test_a_hundred_clients_that_leave_mid_transaction_poison_nobody(tmp_path: Path) -> None:
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=0.002))
    async with rig(tmp_path, READABLE, modules=modules) as house:
        port = await house.port()
        for place in range(100):
            leaving = socket.create_connection(("127.0.0.1", port))
            if place % 2:  # a reset instead of a last word
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            leaving.send(GET_ID)
            await asyncio.sleep(0.001)
            leaving.close()
            async with house.client() as client:
                assert await client.ask(READ_0) == b"\x00\x01\x00"


async def test_what_a_client_switched_before_it_vanished_is_on_the_board(tmp_path: Path) -> None:
    modules = many(1, "DO4", quirks=Quirks(reply_delay_s=0.03))
    async with rig(tmp_path, WRITABLE, modules=modules, options=(ModuleOptions(poll_s=60.0),)) as house:
        leaving = socket.create_connection(("127.0.0.1", await house.port()))
        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        leaving.send(ON_0)
        await house.until(lambda: ON_0 in house.module.journal.requests)
        leaving.close()
        await house.until(lambda: getattr(house.board.latest(ChannelRef(DO4, "0")), "value", None) is True)
        assert house.module.journal.requests.count(ON_0) == 1, "it was read back, not written again"


# -- ends


async def test_printf_into_netcat_gets_its_answers(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house, house.client() as client:
        client.writer.write(READ_0 + GET_ID)
        client.writer.write_eof()
        assert await client.end() == b"\x00\x01\x00" + b"\x00\x10" + house.module.identity.encode()


async def test_http_is_shown_the_door_and_the_module_hears_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE, options=(ModuleOptions(poll_s=60.0),)) as house, house.client() as client:
        heard = len(house.module.journal.requests)
        client.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.end() == b""
        assert len(house.module.journal.requests) == heard


async def test_half_a_request_and_the_next_program_after_it(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house:
        async with house.client() as client:
            client.writer.write(ON_0[:3])
            await client.writer.drain()
        async with house.client() as client:
            assert await client.ask(READ_0) == b"\x00\x01\x00"


# -- counters


async def test_a_reader_may_not_take_counts_away_and_a_writer_takes_them_from_nobody(tmp_path: Path) -> None:
    module = VirtualModule("DI4", serial=7, quirks=Quirks(reply_delay_s=0.0, added_at_window_end=False), commissioned=True)
    counting = {
        "inDiMode": ParameterSetting("count"),
        "inDiAddCounter": ParameterSetting(True),
        "inDiResetCounterOnRead": ParameterSetting(True),
    }
    options = ModuleOptions(poll_s=60.0, parameters={0: counting})
    count = get_io(0, ValueType.CNT2).encode()
    async with rig(tmp_path, listener(Access.READ, "di4-7"), modules=[module], options=(options,)) as house:
        (live,) = house.house.live_modules
        assert live.points["0"].channel.signal is Signal.TOTAL
        async with house.client() as client:
            assert await client.ask(count) == REFUSED
            assert await client.ask(get_io_group([0, 1], ValueType.CNT2).encode()) == REFUSED
            assert await client.ask(get_io(1, ValueType.DI1).encode()) == b"\x00\x01\x00"
            await house.passthrough.reload([listener(Access.OUTPUTS, "di4-7")])
            total = house.board.latest(ChannelRef("di4-7", "0"))
            assert total is not None
            for place in range(5):
                module.drive(0, signal=True, at=now() + 0.02 * place)
                module.drive(0, signal=False, at=now() + 0.02 * place + 0.01)
            await asyncio.sleep(0.2)
            status, length, *data = await client.ask(count)
            assert (status, length) == (0, 2)
            taken = int.from_bytes(bytes(data), "little")
            assert taken > 0
            latest = house.board.latest(ChannelRef("di4-7", "0"))
            assert latest is not None
            assert latest.value == (total.value or 0) + taken


# -- looking in


async def test_clients_can_be_looked_at_logged_and_disconnected(tmp_path: Path) -> None:
    async with rig(tmp_path, READABLE) as house, house.client() as client:
        await client.ask(READ_0)
        (status,) = house.passthrough.clients()
        house.passthrough.log_frames(status.number, on=True)
        await client.ask(ON_0)
        await client.ask(READ_0)
        assert [str(frame).partition(" -> ")[2] for frame in house.passthrough.frames(status.number)] == [
            "[a0 00] refused: it needs the right `outputs`",
            "[00 01 00] done",
        ]
        house.passthrough.disconnect(status.number)
        with contextlib.suppress(ConnectionError):
            assert await client.end() == b""
        await house.until(lambda: not house.passthrough.clients())
        with pytest.raises(KeyError):
            house.passthrough.frames(status.number)
        (listening,) = house.passthrough.listeners()
        assert (listening.target, listening.mode, listening.clients) == (DO4, "shared", 0)


async def test_a_reload_opens_and_closes_listeners_and_leaves_the_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "module.sock"
    unix = replace(READABLE, listen=type(ANYWHERE)(ANYWHERE.scheme.UNIX, path=str(path)))
    async with rig(tmp_path, READABLE) as house, house.client() as client:
        await house.passthrough.reload([READABLE, unix])
        assert await house.passthrough.opened(unix.listen) == f"unix://{path}"
        reader, writer = await asyncio.open_unix_connection(path)
        local = Client(reader, writer)
        assert await local.ask(READ_0) == b"\x00\x01\x00"
        assert {status.identity.partition(" ")[0] for status in house.passthrough.clients()} == {"127.0.0.1", "user"}
        await house.passthrough.reload([READABLE])
        with contextlib.suppress(ConnectionError):
            assert await local.end() == b""
        writer.close()
        assert not path.exists()
        assert await client.ask(READ_0) == b"\x00\x01\x00"
