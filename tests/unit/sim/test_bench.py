import asyncio
import os
from pathlib import Path

import pytest
import serial

from lucid2mqtt.lucid.frames import get_id, set_io
from lucid2mqtt.lucid.identity import parse_identity
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.sim.bench import CONTROL_SOCKET, Bench, run_bench
from lucid2mqtt.sim.faults import Replug, Silence, StuckSensor, SwapNames, Unplug
from lucid2mqtt.sim.ports import PluggedModule
from lucid2mqtt.sim.world import World
from lucid2mqtt.sim.worlds import build_world, many
from tests.unit.sim.talk import PROMPT, prompt_module

WAIT_S = 5.0


def pair() -> World:
    return World(many(2, "DO4", quirks=PROMPT))


def exchange(path: str, request: bytes, length: int) -> bytes:
    with serial.Serial(path, timeout=WAIT_S) as line:
        line.write(request)
        return bytes(line.read(length))


async def serial_number_at(path: str) -> int:
    reply = await asyncio.to_thread(exchange, path, get_id().encode(), 18)
    return parse_identity(reply[2:]).serial


async def test_every_module_of_a_world_is_found_under_a_name_like_by_id(tmp_path: Path) -> None:
    async with Bench(build_world("all", quirks=PROMPT), tmp_path / "bench") as bench:
        assert len(bench.plugged()) == 14
        for plugged in bench.plugged():
            assert Path(plugged.port).name == f"usb-LucidControl_{plugged.family}_{plugged.serial}-if00"
        one = bench.plugged()[-1]
        assert await serial_number_at(one.port) == one.serial
    assert list((tmp_path / "bench").iterdir()) == []


async def test_a_pulled_module_is_gone_and_back_after_a_while(tmp_path: Path) -> None:
    async with Bench(pair(), tmp_path) as bench:
        port = bench.port("do4-600000")
        bench.inject("do4-600000", Unplug(for_s=0.05))
        assert not os.access(port.address, os.F_OK)
        await asyncio.sleep(0.1)
        assert await serial_number_at(port.address) == 600_000


async def test_a_module_put_back_by_hand_is_not_put_back_again(tmp_path: Path) -> None:
    async with Bench(pair(), tmp_path) as bench:
        bench.inject("do4-600000", Unplug(for_s=0.05))
        bench.inject("do4-600000", Replug(name="usb-elsewhere-if00"))
        bench.inject("do4-600000", Unplug())
        await asyncio.sleep(0.1)
        assert not bench.module("do4-600000").is_powered
        bench.inject("do4-600000", Replug())
        assert await serial_number_at(str(tmp_path / "usb-elsewhere-if00")) == 600_000


async def test_two_modules_swap_their_names(tmp_path: Path) -> None:
    async with Bench(pair(), tmp_path) as bench:
        first, second = (plugged.port for plugged in bench.plugged())
        bench.inject("do4-600000", SwapNames(other="do4-600001"))
        assert await serial_number_at(first) == 600_001
        assert await serial_number_at(second) == 600_000


async def test_a_name_in_use_is_refused_and_the_cables_stay_in(tmp_path: Path) -> None:
    async with Bench(pair(), tmp_path) as bench:
        with pytest.raises(ValueError, match="there is swap"):
            bench.inject("do4-600000", Replug(name=bench.port("do4-600001").link_name))
        assert await serial_number_at(bench.port("do4-600000").address) == 600_000


async def test_line_and_sensor_faults_reach_the_module(tmp_path: Path) -> None:
    async with Bench(World([prompt_module("RI4"), prompt_module("DO4")]), tmp_path) as bench:
        bench.inject("do4-7", Silence(for_s=60.0))
        reply = await asyncio.to_thread(_impatient, bench.port("do4-7").address, set_io(0, ValueType.DI1, b"\x01").encode())
        assert reply == b""
        assert bench.module("do4-7").output(0, asyncio.get_running_loop().time()) is True
        bench.inject("ri4-7", StuckSensor(channel=2))


async def test_what_a_bench_does_not_have_is_told_with_what_it_has(tmp_path: Path) -> None:
    async with Bench(pair(), tmp_path, tcp=True) as bench:
        with pytest.raises(ValueError, match="there are do4-600000, do4-600001"):
            bench.module("do4-1")
        with pytest.raises(ValueError, match="no link name"):
            bench.inject("do4-600000", SwapNames(other="do4-600001"))
        assert all(bench.module(plugged.name).is_powered for plugged in bench.plugged()), "a refused fault leaves the cables in"


async def test_the_world_goes_on_while_the_bench_stands(tmp_path: Path) -> None:
    world = build_world("house", speed=600.0, quirks=PROMPT)
    async with Bench(world, tmp_path):
        await asyncio.sleep(0.35)
    assert world.age_s >= 60.0  # type: ignore[attr-defined]  # build_world names the base class


async def test_a_bench_of_its_own_tells_its_ports_and_stands_until_cancelled(tmp_path: Path) -> None:
    told: asyncio.Future[tuple[PluggedModule, ...]] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run_bench(pair(), tmp_path, tcp=True, on_ready=told.set_result))
    plugged = await asyncio.wait_for(told, WAIT_S)
    assert [module.port.startswith("tcp://127.0.0.1:") for module in plugged] == [True, True]
    assert (tmp_path / CONTROL_SOCKET).exists()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not (tmp_path / CONTROL_SOCKET).exists()


def _impatient(path: str, request: bytes) -> bytes:
    with serial.Serial(path, timeout=0.1) as line:
        line.write(request)
        return bytes(line.read(2))
