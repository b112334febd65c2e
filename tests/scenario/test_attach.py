"""A port attached to a module of another machine, with real programs around it: pyserial, socat, stty."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import subprocess
import time
from pathlib import Path

import pytest
import serial

from lucid2mqtt.lucid.frames import get_io
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.passthrough.attach_serial import SerialPort
from tests.broker import free_port
from tests.scenario.attach_rig import EVERY_BYTE, WITHIN_S, address, attached, bench, exchange, serial_of, socat


async def test_a_program_opens_and_closes_the_device_twenty_times(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    async with bench(tmp_path / "bench") as modules, attached(address(modules), link) as port:
        await port.until_connected()
        expected = modules.world.modules[0].identity.serial
        for _ in range(20):
            assert await asyncio.to_thread(serial_of, link) == expected
    assert not link.is_symlink()


async def test_the_device_outlives_the_other_side_while_a_program_holds_it_open(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lucid2mqtt")
    link, listen = tmp_path / "lio0", free_port()
    async with attached(f"tcp://127.0.0.1:{listen}", link) as port:
        with serial.Serial(str(link), 9600, timeout=0.05) as device:
            ask = get_io(0, ValueType.TMS2).encode()
            for life in range(2):
                async with bench(tmp_path / "bench") as modules:
                    there = modules.port(modules.world.modules[0].name)
                    async with socat(f"TCP-LISTEN:{listen},bind=127.0.0.1,reuseaddr", f"TCP:{there.address[6:]}", listens=True):
                        await port.until_connected()
                        device.timeout = WITHIN_S
                        assert (await asyncio.to_thread(exchange, device, ask, 4))[:2] == b"\x00\x02", life
                await port.until_status("no connection")
                device.timeout = 0.05
                assert await asyncio.to_thread(exchange, device, ask, 4) == b""
                port.statuses.clear()
        assert link.exists()
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert sum("is dropped, not sent later" in line for line in said) == 2
    assert sum(bool(re.search(r"connected again after \d+\.\d s; 4 bytes of applications were dropped", line)) for line in said) == 1


async def test_an_answer_to_a_program_that_left_never_reaches_the_next(tmp_path: Path) -> None:
    link = tmp_path / "lio0"

    async def slow_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while request := await reader.read(100):
                await asyncio.sleep(0.03)
                writer.write(request)
        writer.close()

    def ask_and_leave() -> None:
        with serial.Serial(str(link), 9600) as device:
            device.write(b"from the one who left")

    def ask() -> bytes:
        with serial.Serial(str(link), 9600, timeout=1) as device:
            return exchange(device, b"mine", 4)

    async with (
        await asyncio.start_server(slow_echo, "127.0.0.1", 0) as server,
        attached(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", link) as port,
    ):
        await port.until_connected()
        for pause_s in (0.005, 0.005, 0.025, 0.035):
            await asyncio.to_thread(ask_and_leave)
            await asyncio.sleep(pause_s)
            assert await asyncio.to_thread(ask) == b"mine"


async def test_every_byte_passes_unchanged_whatever_a_program_set_up_before(tmp_path: Path) -> None:
    link = tmp_path / "lio0"
    listen = free_port()
    async with (
        socat(f"TCP-LISTEN:{listen},bind=127.0.0.1,reuseaddr,fork", "EXEC:cat", listens=True),
        attached(f"tcp://127.0.0.1:{listen}", link) as port,
    ):
        await port.until_connected()

        def cooked() -> None:
            with link.open("r+b", buffering=0) as device:
                subprocess.run(["stty", "sane", "ixon", "icrnl", "echo"], stdin=device, check=True)
                device.write(b"x")
                time.sleep(0.02)

        await asyncio.to_thread(cooked)
        await asyncio.sleep(0.02)

        def plainly() -> bytes:
            with link.open("r+b", buffering=0) as device:
                device.write(EVERY_BYTE)
                back = b""
                while len(back) < 256:
                    back += device.read(256)
                return back

        async with asyncio.timeout(WITHIN_S):
            assert await asyncio.to_thread(plainly) == EVERY_BYTE


async def test_an_existing_serial_port_is_joined(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "COM6", tmp_path / "COM5"
    async with (
        bench(tmp_path / "bench") as modules,
        socat(f"PTY,link={ours},raw,echo=0", f"PTY,link={theirs},raw,echo=0"),
        attached(address(modules), lambda open_session: SerialPort(str(ours), open_session)) as port,
    ):
        await port.until_connected()
        for _ in range(3):
            assert await asyncio.to_thread(serial_of, theirs) == modules.world.modules[0].identity.serial
