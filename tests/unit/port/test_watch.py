"""The watch on real pseudo terminals, linked from a folder that plays /dev."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.lucid.exchange import Transactor, Turn
from lucid2mqtt.lucid.frames import Opcode, get_io, set_io
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import ValueType
from lucid2mqtt.port.address import SerialAddress, TcpAddress
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.watch import PortState, PortWatch, open_module
from tests.unit.port.fake_module import IDENTITY, OTHER, FakeModule, PtyModule, TcpModule
from tests.unit.port.household import Household

READ = get_io(2, ValueType.VOS4)
SWITCH_ON = set_io(0, ValueType.DI1, b"\x01")
SCAN_S = 0.01


class Rack:
    """Modules on pseudo terminals under names in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugged: dict[str, PtyModule] = {}

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def plug(self, name: str, module: FakeModule) -> str:
        self.plugged[name] = PtyModule(module)
        (self.folder / name).symlink_to(self.plugged[name].path)
        return self.path(name)

    def unplug(self, name: str) -> None:
        (self.folder / name).unlink()
        self.plugged.pop(name).unplug()


@pytest.fixture
async def rack(tmp_path: Path) -> AsyncIterator[Rack]:
    rack = Rack(tmp_path)
    yield rack
    for name in list(rack.plugged):
        rack.unplug(name)


@contextlib.asynccontextmanager
async def watching(
    *patterns: str, household: Household | None = None, usb: Callable[[], dict[str, str] | None] = dict
) -> AsyncIterator[tuple[PortWatch, Household]]:
    household = household or Household()
    watch = PortWatch(PortOptions(patterns=patterns, scan_s=SCAN_S), household, usb_ports=usb)
    running = asyncio.create_task(watch.run())
    try:
        yield watch, household
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def ask(line: Transactor) -> bytes:
    return (await line.transact(READ, turn=Turn.COMMAND, client="test")).data


async def until_state(watch: PortWatch, *states: PortState) -> None:
    async with asyncio.timeout(5):
        while [status.state for status in watch.status()] != [*states]:  # noqa: ASYNC110  nobody tells of states, everybody looks
            await asyncio.sleep(SCAN_S)


async def test_all_ports_of_the_first_scan_are_opened_at_once_and_a_silent_one_holds_up_none(rack: Rack) -> None:
    mute = FakeModule()
    mute.answer = lambda _: []
    paths = [rack.plug("tty0", mute), rack.plug("tty1", FakeModule()), rack.plug("tty2", FakeModule(OTHER))]
    async with watching(*paths) as (watch, household):
        async with asyncio.timeout(0.25):  # less than the reply time of the silent one
            await household.until(lambda events: len(events) == 2)
        assert sorted(household.events) == [f"+4711@{paths[1]}", f"+815@{paths[2]}"]
        assert await ask(household.lines[815]) == b"\x02\x00\x00\x00"
        assert [status.state for status in watch.status()] == [PortState.WAITING, PortState.OPEN, PortState.OPEN]


async def test_a_module_that_is_plugged_in_later_is_found(rack: Rack) -> None:
    path = rack.path("tty0")
    async with watching(path) as (watch, household):
        await asyncio.sleep(0)
        assert [(status.port, status.state, status.detail) for status in watch.status()] == [(path, PortState.WAITING, "not plugged in")]
        rack.plug("tty0", FakeModule())
        await household.until(lambda events: events == [f"+4711@{path}"])
        assert [(status.port, status.state, status.identity) for status in watch.status()] == [(path, PortState.OPEN, IDENTITY)]


async def test_after_a_replug_with_swapped_names_each_line_leads_to_its_own_module(rack: Rack) -> None:
    one, two = FakeModule(), FakeModule(OTHER)
    a, b = rack.plug("ttyACM0", one), rack.plug("ttyACM1", two)
    async with watching(rack.path("ttyACM*")) as (_, household):
        await household.until(lambda events: len(events) == 2)
        old = dict(household.lines)
        rack.unplug("ttyACM0")
        rack.unplug("ttyACM1")
        await household.until(lambda events: len(events) == 4)
        rack.plug("ttyACM0", two)
        rack.plug("ttyACM1", one)
        await household.until(lambda events: len(events) == 6)
        assert sorted(household.events[4:]) == [f"+4711@{b}", f"+815@{a}"]
        await household.lines[4711].transact(SWITCH_ON, turn=Turn.COMMAND, client="test")
        assert (one.asked(Opcode.SET_IO), two.asked(Opcode.SET_IO)) == ([SWITCH_ON], [])
        for line in old.values():
            with pytest.raises(LinkLost):
                await ask(line)


async def test_an_unplugged_module_leaves_at_once_and_not_at_the_next_scan(rack: Rack) -> None:
    path = rack.plug("tty0", FakeModule())
    household = Household()
    watch = PortWatch(PortOptions(patterns=(path,), scan_s=60), household, usb_ports=dict)
    running = asyncio.create_task(watch.run())
    await household.until(lambda events: len(events) == 1)
    rack.unplug("tty0")
    async with asyncio.timeout(1):
        await household.until(lambda events: events[1:] == ["-4711"])
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_the_usb_id_finds_a_port_and_an_exclusion_hides_it(rack: Rack) -> None:
    rack.plug("tty0", FakeModule())
    rack.plug("tty1", FakeModule(OTHER))
    device, hidden = rack.plugged["tty0"].path, rack.plugged["tty1"].path
    async with watching("auto", f"!{rack.path('tty1')}", usb=lambda: {device: "16D0:0821", hidden: "16D0:0821"}) as (_, household):
        await household.until(lambda events: events == [f"+4711@{device}"])
        await asyncio.sleep(5 * SCAN_S)
        assert len(household.events) == 1


async def test_a_device_whose_link_comes_later_is_shown_by_it_without_leaving(rack: Rack) -> None:
    rack.plug("tty0", FakeModule())
    device, link = rack.plugged["tty0"].path, rack.path("lasting name")
    async with watching(link, "auto", usb=lambda: {device: "16D0:0821"}) as (watch, household):
        await household.until(lambda events: events == [f"+4711@{device}"])
        (rack.folder / "lasting name").symlink_to(device)
        async with asyncio.timeout(5):
            while [status.port for status in watch.status()] != [link]:  # noqa: ASYNC110  as above
                await asyncio.sleep(SCAN_S)
        assert household.events == [f"+4711@{device}"]


async def test_a_matched_port_without_a_module_is_left_alone_until_asked_for(rack: Rack) -> None:
    module = FakeModule()
    module.answer = lambda request: [(0.0, request.encode())]
    rack.plug("tty0", module)
    async with watching(rack.path("tty*")) as (watch, household):
        await until_state(watch, PortState.FOREIGN)
        received = len(module.received)
        await asyncio.sleep(5 * SCAN_S)
        assert len(module.received) == received
        module.answer = module.good
        watch.rescan()
        await household.until(lambda events: len(events) == 1)


async def test_ports_are_listed_only_when_something_changed(rack: Rack) -> None:
    listed = 0

    def usb() -> dict[str, str]:
        nonlocal listed
        listed += 1
        return {}

    rack.plug("tty0", FakeModule())
    async with watching(rack.path("tty*"), usb=usb) as (_, household):
        await household.until(lambda events: len(events) == 1)
        await asyncio.sleep(10 * SCAN_S)
        assert listed <= 2  # a second time where the first scan had no device to look at yet
        before = listed
        rack.plug("tty1", FakeModule(OTHER))
        await household.until(lambda events: len(events) == 2)
        assert listed > before


async def test_a_usb_list_in_motion_is_asked_for_again(rack: Rack) -> None:
    answers: list[dict[str, str] | None] = [{}, None, None]
    path = rack.plug("tty0", FakeModule())
    async with watching(path, usb=answers.pop) as (_, household):
        await household.until(lambda events: len(events) == 1)
        assert len(answers) <= 1


async def test_a_network_module_that_comes_back_is_found_again() -> None:
    connections: list[TcpModule] = []

    def accept() -> TcpModule:
        connections.append(TcpModule(FakeModule()))
        return connections[-1]

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with watching(address) as (_, household):
        await household.until(lambda events: events == [f"+4711@{address}"])
        assert connections[0].transport is not None
        connections[0].transport.abort()
        await household.until(lambda events: events[1:] == ["-4711", f"+4711@{address}"])
    server.close()


async def test_a_bug_in_the_listener_ends_the_watch(rack: Rack) -> None:
    class Broken(Household):
        def module_arrived(self, identity: Identity, line: Transactor, port: str) -> None:
            raise ZeroDivisionError

    watch = PortWatch(PortOptions(patterns=(rack.plug("tty0", FakeModule()),), scan_s=SCAN_S), Broken(), usb_ports=dict)
    with pytest.raises(ExceptionGroup) as bugs:
        await asyncio.wait_for(watch.run(), 5)
    assert bugs.group_contains(ZeroDivisionError)


async def test_every_module_leaves_when_the_watch_ends(rack: Rack) -> None:
    path = rack.plug("tty0", FakeModule())
    async with watching(path) as (_, household):
        await household.until(lambda events: len(events) == 1)
    assert household.events == [f"+4711@{path}", "-4711"]


def test_a_wrong_pattern_is_refused_before_anything_runs() -> None:
    with pytest.raises(ValueError, match="write"):
        PortWatch(PortOptions(patterns=("ttyACM0",)), Household())


async def test_one_shot_access_gives_identity_and_line_and_closes_the_port(rack: Rack) -> None:
    address = SerialAddress(rack.plug("tty0", FakeModule()))
    for _ in range(2):
        async with open_module(address, PortOptions()) as (identity, line):
            assert identity == IDENTITY
            assert await ask(line) == b"\x02\x00\x00\x00"
            with pytest.raises(LinkBusy):
                async with open_module(address, PortOptions()):
                    pass
    with pytest.raises(LinkLost):
        await ask(line)


async def test_one_shot_access_passes_on_what_its_block_raises(rack: Rack) -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_module(SerialAddress(rack.plug("tty0", FakeModule())), PortOptions()):
            raise ZeroDivisionError


async def test_one_shot_access_to_a_silent_port_ends_within_its_limit(rack: Rack) -> None:
    mute = FakeModule()
    mute.answer = lambda _: []
    address = SerialAddress(rack.plug("tty0", mute))
    with pytest.raises(LinkLost, match=r"within 0\.1 s"):
        async with open_module(address, PortOptions(), within_s=0.1):
            pass


async def test_one_shot_access_survives_a_module_that_goes_away(rack: Rack) -> None:
    async with open_module(SerialAddress(rack.plug("tty0", FakeModule())), PortOptions()) as (_, line):
        rack.unplug("tty0")
        with pytest.raises(LinkLost):
            await ask(line)


async def test_one_shot_access_where_nobody_listens_is_lost() -> None:
    with pytest.raises(LinkLost):
        async with open_module(TcpAddress("127.0.0.1", 1), PortOptions()):
            pass


MODULE_PROCESS = f"""
import os, tty
line, device = os.openpty()
tty.setraw(device)
print(os.ttyname(device), flush=True)
os.close(device)
while True:
    try:
        request = os.read(line, 64)
    except OSError:  # nobody has the device open yet
        continue
    if request[0] == {int(Opcode.GET_ID)}:
        os.write(line, bytes.fromhex("0010{IDENTITY.encode().hex()}"))
"""


@contextlib.contextmanager
def module_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A module that knows who it is and answers nothing else, and its device."""
    with subprocess.Popen([sys.executable, "-c", MODULE_PROCESS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


async def test_a_module_process_that_is_killed_in_a_transaction_is_an_unplugged_module() -> None:
    with module_process() as (process, path):
        async with open_module(SerialAddress(path), PortOptions(reply_timeout_s=5.0)) as (_, line):
            writing = asyncio.create_task(line.transact(SWITCH_ON, turn=Turn.COMMAND, client="test"))
            await asyncio.sleep(0.05)
            process.kill()
            with pytest.raises(LinkLost) as lost:
                await asyncio.wait_for(writing, 1.0)
            assert lost.value.sent
