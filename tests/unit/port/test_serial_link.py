"""The serial link on real pseudo terminals."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.port.address import SerialAddress
from lucid2mqtt.port.dial import open_link
from lucid2mqtt.port.serial_link import SerialLink, link_error, open_serial
from tests.unit.port.recorder import Recorder

EVERY_BYTE = bytes(range(256))


class Line:
    """A pseudo terminal: `line` is the module's end, `path` the device."""

    def __init__(self) -> None:
        self.line, self._device = os.openpty()
        tty.setraw(self.line)
        self.path = os.ttyname(self._device)
        os.close(self._device)

    def cut(self) -> None:
        os.close(self.line)
        self.line = -1


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    if line.line >= 0:
        line.cut()


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


@contextlib.contextmanager
def locked_by_another_process(path: str) -> Iterator[int]:
    """Gives the process id of the holder."""
    script = f"import fcntl; port = open({path!r}, 'rb+', 0); fcntl.flock(port, fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None
        holding.stdout.readline()
        yield holding.pid
        holding.communicate(b"\n")


async def test_every_byte_passes_unchanged_both_ways(line: Line) -> None:
    user = Recorder()
    link = await open_link(SerialAddress(line.path), user)
    assert link.write(EVERY_BYTE)
    assert os.read(line.line, 4096) == EVERY_BYTE
    os.write(line.line, EVERY_BYTE)
    await user.until(heard=256)
    assert user.heard == EVERY_BYTE
    link.close()


async def test_the_line_is_set_up_raw_and_keeps_dtr_at_close(line: Line) -> None:
    link = await open_serial(line.path, Recorder())
    iflag, oflag, cflag, lflag, *_ = termios.tcgetattr(line.line)
    assert not cflag & termios.HUPCL
    assert not lflag & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert not iflag & (termios.IXON | termios.IXOFF | termios.ICRNL | termios.ISTRIP)
    assert not oflag & termios.OPOST
    link.close()


async def test_what_does_not_fit_goes_out_later_and_the_end_is_told(line: Line) -> None:
    user = Recorder()
    link = await open_serial(line.path, user)
    sent = 0
    while link.write(EVERY_BYTE * 16):
        sent += 1
    assert not link.write(b"last")
    assert user.written == 0
    expected = (sent + 1) * 4096 + 4
    received = b""
    os.set_blocking(line.line, False)
    async with asyncio.timeout(5):
        while len(received) < expected:
            with contextlib.suppress(BlockingIOError):
                received += os.read(line.line, 65536)
            await asyncio.sleep(0)
    await user.until(written=1)
    assert received == EVERY_BYTE * 16 * (sent + 1) + b"last"
    assert user.written == 1
    link.close()


async def test_flushing_drops_what_was_not_read_and_the_link_goes_on(line: Line) -> None:
    user = Recorder()
    link = await open_serial(line.path, user)
    os.write(line.line, b"stray")
    link.flush_input()
    await asyncio.sleep(0)
    os.write(line.line, b"fresh")
    await user.until(heard=5)
    assert user.heard.endswith(b"fresh")
    assert user.reasons == []
    link.close()


async def test_an_unplugged_device_is_lost_once_and_closed(line: Line) -> None:
    user = Recorder()
    link = await open_serial(line.path, user)
    line.cut()
    await user.until(lost=1)
    assert user.reasons == ["the device is gone"]
    assert not link.write(b"x")
    link.flush_input()
    link.close()
    assert len(user.reasons) == 1


async def test_a_write_to_an_unplugged_device_loses_the_link_after_the_caller_returned(line: Line) -> None:
    user = Recorder()
    link = await open_serial(line.path, user)
    line.cut()
    assert not link.write(b"x")
    assert user.reasons == []
    await user.until(lost=1)
    assert user.reasons == ["the device is gone"]


async def test_nothing_is_told_after_closing(line: Line) -> None:
    user = Recorder()
    link = await open_serial(line.path, user)
    os.write(line.line, b"x")
    link.close()
    link.close()
    line.cut()
    await asyncio.sleep(0.01)
    assert (user.heard, user.reasons) == (b"", [])


async def test_a_port_held_by_another_program_is_busy_and_the_program_named(line: Line) -> None:
    with locked_by_another_process(line.path) as pid, pytest.raises(LinkBusy, match=rf"in use by python.* \(pid {pid}\)"):
        await open_serial(line.path, Recorder())
    (await open_serial(line.path, Recorder())).close()


async def test_our_own_lock_keeps_others_out_until_the_link_closes(line: Line) -> None:
    link = await open_serial(line.path, Recorder())
    with pytest.raises(LinkBusy):
        await open_serial(line.path, Recorder())
    descriptor = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    link.close()
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


async def test_a_path_without_a_device_is_lost_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LinkLost, match="not plugged in"):
        await open_serial(str(tmp_path / "ttyACM9"), Recorder())


def test_a_port_without_permission_names_the_remedy() -> None:
    fault = link_error("/dev/ttyACM0", serial.SerialException(errno.EACCES, "could not open port"))
    assert isinstance(fault, LinkLost)
    assert "dialout" in str(fault)


async def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LinkLost, match="cannot be opened as a serial port"):
        await open_serial(str(tmp_path / "file"), Recorder())


async def test_no_descriptor_is_left_behind_whether_opening_works_or_not(line: Line, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (await open_serial(line.path, Recorder())).close()
    before = open_descriptors()
    for _ in range(3):
        (await open_serial(line.path, Recorder())).close()
        with pytest.raises(LinkLost):
            await open_serial(str(tmp_path / "file"), Recorder())
    assert open_descriptors() == before


async def test_an_opening_that_nobody_waits_for_any_more_is_closed_again(line: Line) -> None:
    opening: asyncio.Task[SerialLink] = asyncio.create_task(open_serial(line.path, Recorder()))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(LinkBusy):
                (await open_serial(line.path, Recorder())).close()
                return
