"""Who gets a line for itself, and when; sources and devices of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.passthrough.exclusive import NOISE_LIMIT_S, QUIET_S, DeviceSource, ExclusiveRoom
from lucid2mqtt.passthrough.line import RawLine, RawUser
from lucid2mqtt.passthrough.options import LineSettings, Mode
from lucid2mqtt.passthrough.raw_session import RawSession
from lucid2mqtt.passthrough.rights import Access
from lucid2mqtt.passthrough.wire import LineControls
from tests.unit.passthrough.fakes import PEER, FakeRawLine, FakeWire, door, options
from tests.unit.passthrough.test_com_port import Controls
from tests.virtual_clock import run_virtual


class Source:
    def __init__(self) -> None:
        self.why = ""
        self.recalled = ""
        self.fault: Exception | None = None
        self.given: list[str] = []
        self.back_after_s = 0.0

    def objection(self) -> str:
        return self.why

    def recall(self) -> str:
        return self.recalled

    @contextlib.asynccontextmanager
    async def lease(self, user: RawUser, *, who: str) -> AsyncIterator[tuple[RawLine, LineControls | None]]:
        if self.fault is not None:
            raise self.fault
        self.given.append(f"+{who}")
        yield FakeRawLine(), None
        await asyncio.sleep(self.back_after_s)
        self.given.append(f"-{who}")


class Bench:
    def __init__(self, tasks: asyncio.TaskGroup, access: Access = Access.ALL) -> None:
        self.source = Source()
        self.door = door(options(access, mode=Mode.EXCLUSIVE) if access is Access.ALL else options(access))
        self._tasks = tasks
        self.room = ExclusiveRoom(self.source, self._spawn)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.create_task(work, name=name)

    def knock(self) -> tuple[RawSession | str, FakeWire]:
        wire = FakeWire()
        made = self.room.serve(wire, PEER, self.door)
        if isinstance(made, RawSession):
            wire.session = made
            return made, wire
        assert isinstance(made, str)
        return made, wire


def test_one_has_it_and_the_next_waits_until_it_is_fit_again() -> None:
    async def scene() -> None:
        async with asyncio.TaskGroup() as tasks:
            bench = Bench(tasks)
            bench.source.back_after_s = 3.0
            _, first = bench.knock()
            await asyncio.sleep(0.1)
            assert bench.knock()[0] == "192.0.2.7 has it"
            first.abort()
            _, second = bench.knock()
            await asyncio.sleep(1)
            assert second.is_held
            await asyncio.sleep(3)
            assert not second.is_held
            assert bench.source.given == ["+192.0.2.7", "-192.0.2.7", "+192.0.2.7"]
            second.abort()

    run_virtual(scene())


def test_who_gives_up_waiting_never_had_it() -> None:
    async def scene() -> None:
        async with asyncio.TaskGroup() as tasks:
            bench = Bench(tasks)
            bench.source.back_after_s = 3.0
            _, first = bench.knock()
            await asyncio.sleep(0.1)
            first.abort()
            _, second = bench.knock()
            await asyncio.sleep(1)
            second.abort()
        assert bench.source.given == ["+192.0.2.7", "-192.0.2.7"]

    run_virtual(scene())


def test_without_every_right_or_against_an_objection_nobody_gets_it() -> None:
    async def scene() -> None:
        async with asyncio.TaskGroup() as tasks:
            assert Bench(tasks, Access.OUTPUTS).knock()[0] == "it needs the right `all`"
            bench = Bench(tasks)
            bench.source.why = "the module is away"
            assert bench.knock()[0] == "the module is away"
        assert bench.source.given == []

    run_virtual(scene())


@pytest.mark.parametrize("fault", [LinkBusy("in use by socat"), LinkLost("not there")])
def test_a_line_that_cannot_be_had_closes_the_connection_and_says_why(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        async with asyncio.TaskGroup() as tasks:
            bench = Bench(tasks)
            bench.source.fault = fault
            _, wire = bench.knock()
        assert wire.end == "finished"

    with caplog.at_level(logging.WARNING):
        run_virtual(scene())
    assert str(fault) in caplog.records[0].getMessage()


class Device(Controls, FakeRawLine):
    """A plain serial device."""

    def __init__(self) -> None:
        Controls.__init__(self)
        FakeRawLine.__init__(self)
        self.user: RawUser | None = None
        self.is_open = True
        self.unsent = 0

    def close(self) -> None:
        self.is_open = False


class User:
    def __init__(self) -> None:
        self.heard = b""
        self.lost = ""

    def bytes_arrived(self, chunk: bytes) -> None:
        self.heard += chunk

    def all_written(self) -> None: ...
    def link_lost(self, reason: str) -> None:
        self.lost = reason


def source(device: Device) -> DeviceSource:
    async def open_device(path: str, user: RawUser, **line: object) -> Device:
        assert (path, line["baud_rate"], line["parity"]) == ("/dev/ttyS0", 1200, "E")
        device.user = user
        return device

    return DeviceSource("/dev/ttyS0", LineSettings(baud_rate=1200, parity="E"), open_device)


async def used_for(device: Device, user: User, then: list[tuple[float, str]]) -> float:
    """Uses the device at once, and gives it back while it goes on as `then` says; how long that took."""
    loop = asyncio.get_running_loop()
    async with source(device).lease(user, who="lab") as (line, controls):
        assert line is device
        assert controls is device
        assert device.user is not None
        device.user.bytes_arrived(b"mine")
        for after_s, what in then:
            loop.call_later(after_s, device.user.link_lost if what == "lost" else lambda _: device.user.bytes_arrived(b"late"), what)  # type: ignore[union-attr]
        begun = loop.time()
    assert not device.is_open
    assert user.heard == b"mine"
    return loop.time() - begun


@pytest.mark.parametrize(
    ("then", "took_s"),
    [
        ([], QUIET_S),
        ([(0.4, "late")], QUIET_S + 0.4),
        ([(0.2, "lost")], 0.25),
        ([(0.3 * place, "late") for place in range(100)], NOISE_LIMIT_S),
    ],
    ids=["silent", "late answer", "pulled out", "never silent"],
)
def test_a_device_is_given_on_when_it_is_silent(then: list[tuple[float, str]], took_s: float) -> None:
    async def scene() -> None:
        assert await used_for(Device(), User(), then) == pytest.approx(took_s, abs=0.15)

    run_virtual(scene())


def test_a_device_is_given_on_when_everything_is_out() -> None:
    async def scene() -> None:
        device = Device()
        device.unsent = 100
        asyncio.get_running_loop().call_later(2.0, setattr, device, "unsent", 0)
        assert await used_for(device, User(), []) == pytest.approx(2.0 + QUIET_S, abs=0.2)

    run_virtual(scene())


def test_the_user_hears_of_the_end_of_the_device() -> None:
    async def scene() -> None:
        device, user = Device(), User()
        async with source(device).lease(user, who="lab"):
            assert device.user is not None
            device.user.all_written()
            device.user.link_lost("the device is gone")
        assert user.lost == "the device is gone"

    run_virtual(scene())
