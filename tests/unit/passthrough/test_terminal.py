"""Pseudo terminals with real programs at the other end: descriptors of this process."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import stat
import termios
import time
import tty
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lucid2mqtt.passthrough.options import FileRights
from lucid2mqtt.passthrough.terminal import Terminal
from lucid2mqtt.passthrough.wire import Wire
from tests.unit.passthrough.test_connection import Keeper
from tests.unit.passthrough.waiting import until


class Desk:
    """Opens sessions and keeps them with their wires."""

    def __init__(self) -> None:
        self.keepers: list[Keeper] = []
        self.wires: list[Wire] = []

    def open(self, wire: Wire) -> Keeper:
        self.keepers.append(Keeper())
        self.wires.append(wire)
        return self.keepers[-1]


@contextlib.asynccontextmanager
async def terminal(folder: Path, rights: FileRights = FileRights()) -> AsyncIterator[tuple[Desk, Path]]:  # noqa: B008  frozen
    desk, link = Desk(), folder / "lio0"
    made = Terminal(link, rights, desk.open)
    try:
        yield desk, link
    finally:
        made.close()
        assert not link.is_symlink()


@contextlib.contextmanager
def program(link: Path) -> Iterator[int]:
    descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def unread(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1000)
    except BlockingIOError:
        return b""


ALL_BYTES = bytes(range(256))


async def test_every_byte_passes_unchanged_both_ways(tmp_path: Path) -> None:
    async with terminal(tmp_path) as (desk, link):
        with program(link) as opened:
            os.write(opened, ALL_BYTES)
            await until(lambda: desk.keepers and b"".join(desk.keepers[0].chunks) == ALL_BYTES)
            desk.wires[0].write(ALL_BYTES)
            assert unread(opened) == ALL_BYTES


async def test_each_program_finds_the_terminal_as_new(tmp_path: Path) -> None:
    async with terminal(tmp_path) as (desk, link):
        with program(link) as opened:
            os.write(opened, b"one")
            await until(lambda: desk.keepers)
            desk.wires[0].write(b"never read")
            await until(lambda: select.select([opened], [], [], 0)[0])  # on its way with echo on, it would come back
            attributes = termios.tcgetattr(opened)
            attributes[tty.LFLAG] |= termios.ECHO | termios.ICANON
            termios.tcsetattr(opened, termios.TCSANOW, attributes)
        await until(lambda: "finished" in desk.keepers[0].events)
        with program(link) as opened:
            assert unread(opened) == b""
            assert not termios.tcgetattr(opened)[tty.LFLAG] & (termios.ECHO | termios.ICANON)
            os.write(opened, b"two")
            await until(lambda: len(desk.keepers) == 2)
            assert desk.keepers[1].chunks == [b"two"]


def openable(link: Path) -> bool:
    try:
        with program(link):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def as_an_ordinary_user(folder: Path) -> Iterator[None]:
    """Root may open what others may not, so root would see nothing of it."""
    if os.geteuid() != 0:
        yield
        return
    folder.chmod(0o777)
    for above in folder.parents:
        if above.stat().st_mode & 0o001:
            break
        above.chmod(0o711)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_program_that_kept_the_terminal_to_itself_and_died_locks_nobody_out(tmp_path: Path) -> None:
    with as_an_ordinary_user(tmp_path):
        async with terminal(tmp_path) as (desk, link):
            with program(link) as opened:
                fcntl.ioctl(opened, termios.TIOCEXCL)
                os.write(opened, b"first")
                await until(lambda: desk.keepers)
            await until(lambda: openable(link))
            with program(link) as opened:
                os.write(opened, b"second")
                await until(lambda: len(desk.keepers) == 2)


async def test_a_program_that_only_writes_is_heard_although_it_is_gone_already(tmp_path: Path) -> None:
    async with terminal(tmp_path) as (desk, link):
        with program(link) as opened:
            os.write(opened, b"switch")
        await until(lambda: desk.keepers and desk.keepers[0].events == ["flowing", "finished"])
        assert desk.keepers[0].chunks == [b"switch"]
        desk.wires[0].write(b"for nobody")
        desk.wires[0].finish()
        assert desk.keepers[0].events[-1] == "lost"
        with program(link) as opened:
            assert unread(opened) == b""


async def test_an_unused_terminal_costs_no_time(tmp_path: Path) -> None:
    async with terminal(tmp_path) as (desk, link):
        with program(link) as opened:
            os.write(opened, b"x")
            await until(lambda: desk.keepers)
        await until(lambda: "finished" in desk.keepers[0].events)
        begun = time.process_time()
        await asyncio.sleep(0.1)
        assert time.process_time() - begun < 0.05


async def test_while_held_nothing_is_read(tmp_path: Path) -> None:
    async with terminal(tmp_path) as (desk, link):
        with program(link) as opened:
            os.write(opened, b"1")
            await until(lambda: desk.keepers)
            desk.wires[0].hold()
            os.write(opened, b"2")
            await asyncio.sleep(0.01)
            assert desk.keepers[0].chunks == [b"1"]
            desk.wires[0].go_on()
            await until(lambda: desk.keepers[0].chunks == [b"1", b"2"])


async def test_what_a_program_does_not_read_waits_and_is_bounded(tmp_path: Path) -> None:
    async with terminal(tmp_path) as (desk, link):
        with program(link) as opened:
            os.write(opened, b"1")
            await until(lambda: desk.keepers)
            desk.wires[0].write(bytes(30_000))
            assert desk.keepers[0].events == ["stalled"]
            got = 0
            async with asyncio.timeout(5):
                while got < 30_000:
                    got += len(unread(opened))
                    await asyncio.sleep(0)
            await until(lambda: "flowing" in desk.keepers[0].events)
            desk.wires[0].write(bytes(30_000))
            desk.wires[0].write(bytes(70_000))
            assert desk.keepers[0].events[-1] == "lost"


async def test_user_group_and_mode_are_set(tmp_path: Path) -> None:
    rights = FileRights(user=os.getuid(), group=os.getgid(), mode=0o640)
    async with terminal(tmp_path, rights) as (_, link):
        assert stat.S_IMODE(link.stat().st_mode) == 0o640


async def test_a_name_nobody_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no group nobody-at-all"):
        Terminal(tmp_path / "lio0", FileRights(group="nobody-at-all"), Desk().open)
    assert not (tmp_path / "lio0").exists()


async def test_a_file_that_is_no_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lio0").write_text("mine")
    with pytest.raises(FileExistsError):
        Terminal(tmp_path / "lio0", FileRights(), Desk().open)
    assert (tmp_path / "lio0").read_text() == "mine"


async def test_a_link_left_behind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "lio0").symlink_to("/nowhere")
    async with terminal(tmp_path) as (_, link):
        assert link.exists()
