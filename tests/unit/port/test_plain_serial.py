"""Plain serial devices, on pseudo terminals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import termios
import tty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.port.plain_serial import PlainSerial, open_plain
from tests.unit.port.recorder import Recorder


async def opened(path: str, user: Recorder, *, baud_rate: int = 9600, parity: str = "N") -> PlainSerial:
    return await open_plain(path, user, baud_rate=baud_rate, data_bits=8, parity=parity, stop_bits=1, rtscts=False, xonxoff=False)


@contextlib.asynccontextmanager
async def device() -> AsyncIterator[tuple[int, str]]:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    try:
        yield ours, os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


async def test_bytes_pass_both_ways_and_silence_is_not_the_end() -> None:
    async with device() as (terminal, path):
        user = Recorder()
        link = await opened(path, user)
        assert link.write(bytes(range(256)))
        assert os.read(terminal, 1000) == bytes(range(256))
        await asyncio.sleep(0.01)
        os.write(terminal, b"\x00\xff\x11\x13")
        await user.until(heard=1)
        assert user.heard == b"\x00\xff\x11\x13"
        assert user.reasons == []
        link.close()


async def test_the_line_is_set_up_as_wanted_and_may_be_changed() -> None:
    async with device() as (terminal, path):
        user = Recorder()
        link = await opened(path, user, baud_rate=19200)
        assert termios.tcgetattr(terminal)[tty.OSPEED] == termios.B19200
        assert link.set_baud_rate(57600) == 57600
        assert termios.tcgetattr(terminal)[tty.OSPEED] == termios.B57600
        assert link.set_baud_rate(0) == 57600
        assert link.set_stop_bits(2) == 2
        with pytest.raises(OSError, match="Invalid"):  # a pseudo terminal knows no parity
            link.set_parity("E")
        assert link.set_parity("") == "N"
        with pytest.raises(ValueError, match="parity"):
            link.set_parity("Q")
        assert link.set_baud_rate(9600) == 9600
        assert link.set_data_bits(0) == 8
        link.set_flow(rtscts=False, xonxoff=False)
        os.write(terminal, b"still raw\xff")
        await user.until(heard=1)
        link.close()


async def test_a_pseudo_terminal_without_modem_lines_satisfies_everybody() -> None:
    async with device() as (_, path):
        link = await opened(path, Recorder())
        link.set_dtr(on=False)
        link.set_rts(on=True)
        assert link.modem_lines() == (True, True, False, True)
        link.purge(received=True, unsent=True)
        link.close()


async def test_a_device_has_one_user() -> None:
    async with device() as (_, path):
        link = await opened(path, Recorder())
        with pytest.raises(LinkBusy, match="in use"):
            await opened(path, Recorder())
        link.close()
        (await opened(path, Recorder())).close()


async def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="not there"):
        await opened(str(tmp_path / "ttyNone"), Recorder())


async def test_settings_no_device_has_are_told() -> None:
    async with device() as (_, path):
        with pytest.raises(LinkLost, match="cannot be set up"):
            await opened(path, Recorder(), parity="Q")


async def test_a_device_that_is_pulled_out_is_told_once() -> None:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    user = Recorder()
    link = await opened(os.ttyname(theirs), user)
    os.close(ours)
    os.close(theirs)
    await user.until(lost=1)
    assert user.reasons == ["the device is gone"]
    assert link.unsent == 0
    link.close()


async def test_what_has_not_left_yet_is_counted() -> None:
    async with device() as (terminal, path):
        link = await opened(path, Recorder())
        assert link.unsent == 0
        while link.write(bytes(4096)):
            pass
        assert link.unsent > 0
        assert os.read(terminal, 100)
        link.close()


async def test_who_gives_up_while_the_device_opens_leaves_it_closed() -> None:
    async with device() as (_, path):
        opening = asyncio.create_task(opened(path, Recorder()))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        async with asyncio.timeout(5):
            while True:
                with contextlib.suppress(LinkBusy):
                    (await opened(path, Recorder())).close()
                    break
                await asyncio.sleep(0.005)
