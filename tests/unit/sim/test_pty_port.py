import asyncio
import os
import select
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import serial

from lucid2mqtt.lucid.frames import get_id, get_io_group
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.pty_port import PtyPort
from tests.unit.sim.talk import prompt_module

T = TypeVar("T")
ASK = get_id().encode()
ANSWER = 18
WAIT_S = 5.0


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[PtyPort]:
    port = PtyPort(prompt_module("RI4"), tmp_path / "usb-RI4-if00")
    await port.open()
    port.plug_in()
    yield port
    port.close()


def is_there(path: str) -> bool:
    """True when there is a link of that name and a device behind it."""
    return os.access(path, os.R_OK)


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def aside(work: Callable[[], T]) -> T:
    """Blocking client code beside the loop that serves the terminal."""
    return await asyncio.wait_for(asyncio.to_thread(work), WAIT_S)


async def test_a_serial_client_is_answered_each_time_it_opens_the_port(port: PtyPort) -> None:
    def client() -> bytes:
        with serial.Serial(port.address, timeout=WAIT_S, exclusive=True) as line:
            line.write(ASK)
            return bytes(line.read(ANSWER))

    answers = {await aside(client) for _ in range(5)}
    assert answers == {b"\x00\x10" + port.module.identity.encode()}


async def test_every_byte_passes_unchanged_both_ways(port: PtyPort) -> None:
    everything = bytes((0xFE, 0, 0, 255)) + bytes(range(255))

    def client() -> bytes:
        with serial.Serial(port.address, timeout=WAIT_S) as line:
            line.write(everything)
            line.read(2)
            line.write(get_io_group((0,), ValueType.TMS2).encode())
            return bytes(line.read(4))

    port.module.drive(0, 0.0, 0.0)
    assert (await aside(client))[:2] == b"\x00\x02"
    assert port.module.journal.requests[0] == everything


async def test_a_client_that_does_not_read_stops_being_read(port: PtyPort) -> None:
    requests = 20_000

    def client() -> int:
        fd = os.open(port.address, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            asked = answered = 0
            while asked < requests * len(ASK):
                _, writable, _ = select.select([], [fd], [], 0.3)
                if not writable:
                    break
                asked += os.write(fd, (ASK * requests)[asked : asked + 1024])
            assert asked < requests * len(ASK), "the terminal took everything although nothing was read"
            while select.select([fd], [], [], 0.3)[0]:
                answered += len(os.read(fd, 65536))
            return answered // ANSWER - asked // len(ASK)
        finally:
            os.close(fd)

    assert await aside(client) == 0


async def test_pulling_the_cable_takes_the_link_and_hangs_up_on_the_client(port: PtyPort) -> None:
    fd = os.open(port.address, os.O_RDWR | os.O_NOCTTY)
    try:
        port.pull_out()
        assert not is_there(port.address)
        assert not port.module.is_powered
        with pytest.raises(OSError, match="Input/output"):
            os.write(fd, ASK)
    finally:
        os.close(fd)
    port.pull_out()


async def test_the_cable_comes_back_under_another_name_with_persisted_parameters_only(port: PtyPort, tmp_path: Path) -> None:
    port.pull_out()
    port.rename("usb-other-if00")
    port.plug_in()
    port.plug_in()
    assert names_in(tmp_path) == ["usb-other-if00"]
    assert port.module.is_powered


async def test_a_dead_link_of_an_earlier_bench_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "usb-RI4-if00"
    link.symlink_to("/dev/pts/does-not-exist")
    port = PtyPort(prompt_module("RI4"), link)
    port.plug_in()
    assert is_there(port.address)
    port.close()
    assert not is_there(port.address)


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "."])
async def test_a_link_stays_in_its_directory(port: PtyPort, name: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        port.rename(name)
