"""A module, or a plain serial device, for one client alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial
import serial.rfc2217

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.options import ChannelOptions, ModuleOptions
from lucid2mqtt.engine.orders import Order
from lucid2mqtt.errors import LinkError
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import get_id, get_io, set_io, set_parameter
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.options import LineSettings, ListenerOptions, Mode, parse_listen
from lucid2mqtt.passthrough.rights import Access, Grant, Rights, Rule
from lucid2mqtt.sim.faults import Replug, Unplug
from tests.scenario.passthrough_rig import ANYWHERE, Rig, rig

DO4 = "do4-600000"
READ_0 = get_io(0, ValueType.DI1).encode()
ON_0 = set_io(0, ValueType.DI1, b"\x01").encode()
GET_ID = get_id().encode()
EVERYTHING = Rights(Grant(Access.ALL))
EXCLUSIVE = ListenerOptions(listen=ANYWHERE, module=DO4, mode=Mode.EXCLUSIVE, rights=EVERYTHING)
RFC2217 = parse_listen("rfc2217://127.0.0.1:0")
HEATER = ChannelRef(DO4, "0")


def quality(house: Rig) -> Quality | None:
    reading = house.board.latest(HEATER)
    return None if reading is None else reading.quality


async def test_an_exclusive_client_has_the_bare_line_and_gives_it_back_in_step(tmp_path: Path) -> None:
    async with rig(tmp_path, EXCLUSIVE) as house:
        (live,) = house.house.live_modules
        async with house.client() as client:
            assert await client.ask(GET_ID) == b"\x00\x10" + house.module.identity.encode()
            assert await client.ask(b"\x77\x00\x00\x00") == b"\xa0\x00"
            assert quality(house) is Quality.STALE
            with pytest.raises(LinkError, match=r"127\.0\.0\.1 has the module for itself"):
                await live.line.transact(get_id(), turn=Turn.SAFETY, client="test")
            assert await client.ask(ON_0) == b"\x00\x00"
            client.writer.write(ON_0[:3])  # half a request is left behind
            await client.writer.drain()
            await asyncio.sleep(0.02)
        await house.until(lambda: quality(house) is Quality.GOOD)
        reading = house.board.latest(HEATER)
        assert reading is not None
        assert reading.value is house.module.output(0, asyncio.get_running_loop().time())
        assert (await live.line.transact(get_id(), turn=Turn.COMMAND, client="test")).data == house.module.identity.encode()
        assert house.house.live_modules == (live,)


async def test_a_second_client_is_turned_away_and_the_next_one_waits_for_the_line(tmp_path: Path) -> None:
    async with rig(tmp_path, EXCLUSIVE) as house:
        async with house.client() as first:
            await first.ask(GET_ID)
            async with house.client() as second:
                second.writer.write(GET_ID)
                with contextlib.suppress(ConnectionError):
                    assert await second.end() == b""
            assert await first.ask(READ_0) == b"\x00\x01\x00"
        async with house.client() as third:
            assert await third.ask(READ_0) == b"\x00\x01\x00"


async def refused(house: Rig) -> None:
    """A client comes, and is turned away."""
    async with house.client() as client:
        client.writer.write(GET_ID)
        with contextlib.suppress(ConnectionError):
            assert await client.end() == b""


async def test_nobody_takes_a_module_away_from_its_thermostat(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with rig(tmp_path, EXCLUSIVE) as house:
        claim = house.desk.claim(HEATER, "thermostat living")
        await refused(house)
        assert "channel 0 belongs to thermostat living" in caplog.text
        assert "use a shared listener, or stop thermostat living first" in caplog.text
        claim.release()
        async with house.client() as client:
            assert (await client.ask(GET_ID))[:2] == b"\x00\x10"


async def test_a_thermostat_that_comes_later_gets_the_module_back(tmp_path: Path) -> None:
    async with rig(tmp_path, EXCLUSIVE) as house:
        async with house.client() as client:
            assert (await client.ask(GET_ID))[:2] == b"\x00\x10"
            claim = house.desk.claim(HEATER, "thermostat living")
            assert await client.end() == b""
        await house.until(lambda: quality(house) is Quality.GOOD)
        order = Order(channel=HEATER, value=True, who="thermostat living", claim=claim, turn=Turn.SAFETY)
        assert (await house.desk.carry_out(order)).reading.value is True


async def test_a_module_is_not_given_away_while_a_pulse_runs_and_is_afterwards(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with rig(tmp_path, EXCLUSIVE) as house:
        await house.desk.carry_out(Order(channel=HEATER, value=True, who="test", for_s=0.5))
        await refused(house)
        assert "channel 0 has to be switched off in time (its pulse has not ended): wait for that" in caplog.text
        await house.until(lambda: not house.desk.pending(HEATER))
        assert house.module.output(0, asyncio.get_running_loop().time()) is False
        async with house.client() as client:
            assert await client.ask(READ_0) == b"\x00\x01\x00"


async def test_what_an_exclusive_client_leaves_on_is_switched_off_when_its_time_is_over(tmp_path: Path) -> None:
    limited = ModuleOptions(poll_s=0.5, channels={0: ChannelOptions(max_on_s=0.4)})
    async with rig(tmp_path, EXCLUSIVE, options=(limited,)) as house:
        async with house.client() as client:
            assert await client.ask(ON_0) == b"\x00\x00"
        await house.until(lambda: house.desk.pending(HEATER))
        await refused(house)  # nobody else gets it before it is off
        await house.until(lambda: getattr(house.board.latest(HEATER), "value", None) is False)
        assert house.module.output(0, asyncio.get_running_loop().time()) is False
        async with house.client() as client:
            assert await client.ask(READ_0) == b"\x00\x01\x00"


async def test_exit_states_are_reached_when_the_agent_stops_with_a_client_at_the_module(tmp_path: Path) -> None:
    stopped = ModuleOptions(poll_s=0.5, channels={0: ChannelOptions(exit=False)})
    async with rig(tmp_path, EXCLUSIVE, options=(stopped,)) as house, house.client() as client:
        assert await client.ask(ON_0) == b"\x00\x00"
        async with asyncio.TaskGroup() as leaving:
            leaving.create_task(house.passthrough.reload([]))
            leaving.create_task(house.desk.apply_exit_states(3.0))
        assert house.module.output(0, asyncio.get_running_loop().time()) is False


async def test_what_an_exclusive_client_made_of_a_channel_is_learned_when_it_left(tmp_path: Path) -> None:
    async with rig(tmp_path, EXCLUSIVE) as house:
        async with house.client() as client:
            assert await client.ask(set_parameter(1, 0x1100, b"\x00").encode()) == b"\x00\x00"
        await house.until(lambda: not house.house.live_modules[0].points["1"].is_active)
        await house.until(lambda: quality(house) is Quality.GOOD)
        reading = house.board.latest(ChannelRef(DO4, "1"))
        assert reading is not None
        assert reading.quality is Quality.INACTIVE


async def test_a_module_that_is_away_is_nobodys(tmp_path: Path) -> None:
    async with rig(tmp_path, replace(EXCLUSIVE, module="not-there")) as house, house.client() as client:
        client.writer.write(GET_ID)
        with contextlib.suppress(ConnectionError):
            assert await client.end() == b""


async def test_a_module_that_is_pulled_out_closes_the_connection_and_comes_back_to_everybody(tmp_path: Path) -> None:
    async with rig(tmp_path, EXCLUSIVE) as house, house.client() as client:
        await client.ask(GET_ID)
        house.bench.inject(DO4, Unplug())
        assert await client.end() == b""
        house.bench.inject(DO4, Replug())
        await house.until(lambda: quality(house) is Quality.GOOD)


async def test_who_says_nothing_for_long_loses_the_line(tmp_path: Path) -> None:
    async with rig(tmp_path, replace(EXCLUSIVE, idle_s=0.1)) as house, house.client() as client:
        assert await client.ask(READ_0) == b"\x00\x01\x00"
        assert await client.end() == b""
        await house.until(lambda: not house.passthrough.clients())


async def test_who_loses_the_right_loses_the_line(tmp_path: Path) -> None:
    lesser = replace(EXCLUSIVE, rights=Rights(Grant(Access.READ), (Rule(grant=Grant(Access.ALL), names=("nobody",)),)))
    async with rig(tmp_path, EXCLUSIVE) as house, house.client() as client:
        await client.ask(READ_0)
        await house.passthrough.reload([lesser])
        assert await client.end() == b""


# -- a plain serial device


@contextlib.contextmanager
def device(folder: Path) -> Iterator[tuple[int, Path]]:
    """A pseudo terminal with the test as the device; `path` is a link to it."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    path = folder / "ttyPlain"
    path.symlink_to(os.ttyname(theirs))
    try:
        yield ours, path
    finally:
        os.close(ours)
        os.close(theirs)


async def heard(descriptor: int, count: int) -> bytes:
    data = b""
    async with asyncio.timeout(5):
        while len(data) < count:
            with contextlib.suppress(BlockingIOError):
                data += os.read(descriptor, 1000)
            await asyncio.sleep(0.002)
    return data


def plain(path: Path, **how: object) -> ListenerOptions:
    return ListenerOptions(listen=ANYWHERE, port=str(path), mode=Mode.EXCLUSIVE, rights=EVERYTHING, idle_s=None, **how)  # type: ignore[arg-type]


async def test_a_plain_device_gets_every_byte_and_the_next_client_none_that_was_meant_for_the_last(tmp_path: Path) -> None:
    everything = bytes(range(256))
    with device(tmp_path) as (terminal, path):
        async with rig(tmp_path, plain(path, line=LineSettings(baud_rate=19200)), modules=[]) as house:
            async with house.client() as client:
                client.writer.write(everything)
                assert await heard(terminal, 256) == everything
                os.write(terminal, everything)
                async with asyncio.timeout(5):
                    assert await client.reader.readexactly(256) == everything
            os.write(terminal, b"late")
            async with house.client() as client:
                client.writer.write(b"now")
                assert await heard(terminal, 3) == b"now"
                os.write(terminal, b"mine")
                async with asyncio.timeout(5):
                    assert await client.reader.readexactly(4) == b"mine"


async def test_a_device_that_is_not_there_closes_the_connection_and_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "ttyPlain"
    async with rig(tmp_path, plain(path), modules=[]) as house:
        async with house.client() as client:
            assert await client.end() == b""
        with device(tmp_path) as (terminal, _):
            async with house.client() as client:
                client.writer.write(b"x")
                assert await heard(terminal, 1) == b"x"


async def test_a_device_that_is_pulled_out_closes_the_connection(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    path = Path(os.ttyname(theirs))
    os.set_blocking(ours, False)
    async with rig(tmp_path, plain(path), modules=[]) as house, house.client() as client:
        client.writer.write(b"x")
        assert await heard(ours, 1) == b"x"
        os.close(theirs)
        os.close(ours)
        assert await client.end() == b""


def set_up(url: str) -> int:
    with serial.serial_for_url(url, 9600, timeout=5) as port:
        port.baudrate = 57600
        port.rts = False
        port.write(b"\xffready\n")
        return int(port.read(1)[0])


@pytest.mark.filterwarnings("ignore:set(Name|Daemon):DeprecationWarning")  # pyserial's own reader thread
async def test_over_rfc_2217_a_client_sets_up_the_real_line(tmp_path: Path) -> None:
    with device(tmp_path) as (terminal, path):
        async with rig(tmp_path, replace(plain(path), listen=RFC2217), modules=[]) as house:
            url = f"rfc2217://127.0.0.1:{await house.port(RFC2217)}"
            using = asyncio.create_task(asyncio.to_thread(set_up, url))
            assert await heard(terminal, 7) == b"\xffready\n"
            assert termios.tcgetattr(terminal)[tty.OSPEED] == termios.B57600
            os.write(terminal, b"\xff")
            assert await using == 0xFF
