import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.passthrough.attach_connection import TlsFault
from lucid2mqtt.passthrough.attach_remote import ClientTls, Remote, Way
from lucid2mqtt.passthrough.attach_service import attach
from lucid2mqtt.passthrough.wire import Session, Wire
from tests.broker import free_port


class FakeDevice:
    """A device without anything behind it; `break_down` is what a cable does."""

    def __init__(self) -> None:
        self.is_closed = False
        self.opened = asyncio.Event()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open_session: Callable[[Wire], Session] | None = None

    def open(self, open_session: Callable[[Wire], Session]) -> "FakeDevice":
        self.open_session = open_session
        self.opened.set()
        return self

    async def until_lost(self) -> None:
        await self._lost

    def break_down(self) -> None:
        self._lost.set_exception(LinkLost("COM6 is lost: pulled out"))

    def close(self) -> None:
        self.is_closed = True


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


NOWHERE = Remote(Way.TCP, "127.0.0.1", free_port())


async def test_the_device_is_ready_before_any_connection() -> None:
    device = FakeDevice()
    told: list[str] = []
    work = asyncio.create_task(attach(NOWHERE, device.open, tls=None, ready=lambda: told.append("ready"), status=told.append))
    await until(lambda: len(told) == 2)
    assert told == ["ready", f"no connection to {NOWHERE}: nobody listens there"]
    work.cancel()
    await asyncio.wait({work})
    assert work.cancelled()
    assert device.is_closed


async def test_a_device_that_breaks_down_ends_it_with_the_reason() -> None:
    device = FakeDevice()
    work = asyncio.create_task(attach(NOWHERE, device.open, tls=None, ready=lambda: None, status=lambda _: None))
    await device.opened.wait()
    device.break_down()
    with pytest.raises(LinkLost, match="COM6 is lost: pulled out"):
        await work
    assert device.is_closed


async def test_a_device_that_cannot_be_had_is_not_ready() -> None:
    ready = asyncio.Event()

    def open_device(_: Callable[[Wire], Session]) -> FakeDevice:
        raise LinkBusy("/dev/lio0 is there already")

    with pytest.raises(LinkBusy):
        await attach(NOWHERE, open_device, tls=None, ready=ready.set, status=lambda _: None)
    assert not ready.is_set()


async def test_files_that_are_wrong_from_the_beginning_end_it_before_the_device_is_made(tmp_path: Path) -> None:
    device = FakeDevice()
    remote = Remote(Way.TLS, "127.0.0.1", NOWHERE.port)
    with pytest.raises(TlsFault, match=r"none\.pem"):
        await attach(remote, device.open, tls=ClientTls(ca=tmp_path / "none.pem"), ready=lambda: None, status=lambda _: None)
    assert not device.opened.is_set()


async def test_the_same_reason_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "lucid2mqtt")
    device = FakeDevice()
    statuses: list[str] = []
    work = asyncio.create_task(attach(NOWHERE, device.open, tls=None, ready=lambda: None, status=statuses.append))
    await until(lambda: len(statuses) == 3)
    work.cancel()
    await asyncio.wait({work})
    levels = [record.levelno for record in caplog.records if "nobody listens" in record.getMessage()]
    assert levels == [logging.WARNING, logging.DEBUG, logging.DEBUG]


async def test_a_server_that_closes_at_once_is_never_called_connected(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lucid2mqtt")
    calls: list[float] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        calls.append(asyncio.get_running_loop().time())
        writer.close()

    device = FakeDevice()
    statuses: list[str] = []
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        remote = Remote(Way.TCP, "127.0.0.1", server.sockets[0].getsockname()[1])
        work = asyncio.create_task(attach(remote, device.open, tls=None, ready=lambda: None, status=statuses.append))
        await until(lambda: len(calls) == 4)
        work.cancel()
        await asyncio.wait({work})
    assert not any(status.startswith("connected") for status in statuses)
    assert calls[3] - calls[2] > calls[1] - calls[0]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
