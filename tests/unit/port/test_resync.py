from __future__ import annotations

import asyncio

import pytest

from lucid2mqtt.errors import GarbledReply, LinkLost, ReplyTimeout
from lucid2mqtt.lucid.frames import Opcode, get_id
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.port.address import SerialAddress
from lucid2mqtt.port.link import Link
from lucid2mqtt.port.resync import Doubt, Ear, Resync
from tests.unit.port.fake_module import IDENTITY, OTHER, FakeModule, FakePort, usual
from tests.virtual_clock import run_virtual


class Listener:
    """Joins a link to an ear."""

    def __init__(self) -> None:
        self.ear = Ear()

    def bytes_arrived(self, chunk: bytes) -> None:
        self.ear.hear(chunk)

    def all_written(self) -> None: ...

    def link_lost(self, reason: str) -> None:
        self.ear.lose(LinkLost(reason))


async def listening(port: FakePort) -> Resync:
    user = Listener()
    link: Link = await port.dial(SerialAddress("/dev/fake"), user)
    return Resync(link, user.ear, reply_timeout_s=0.25)


def meeting(module: FakeModule, *, feed: bool, torn: bool = False) -> Identity:
    async def main() -> Identity:
        resync = await listening(FakePort(module))
        return await resync.meet(feed=feed, torn=torn)

    return run_virtual(main())


def test_a_module_is_asked_twice_and_believed() -> None:
    module = FakeModule()
    assert meeting(module, feed=True) == IDENTITY
    assert module.log == [get_id(), get_id()]


def test_an_answer_left_behind_by_another_program_is_not_taken_for_the_identity() -> None:
    module = FakeModule()
    left_behind = b"\x00\x10" + bytes(range(16))
    module.once([(0.0, left_behind + usual(get_id()))], opcode=Opcode.GET_ID)
    assert meeting(module, feed=True) == IDENTITY


def test_garbage_of_an_earlier_talk_is_waited_out() -> None:
    module = FakeModule()
    module.once([(0.0, b"\x55\xaa"), (0.0, usual(get_id()))], opcode=Opcode.GET_ID)
    assert meeting(module, feed=True) == IDENTITY


@pytest.mark.parametrize("half", [b"\x41\x54\x0d\x0a", b"\x40", b"\xa0\x00\x80\x03\x00", b"\x48\xff", b"\x46\x00\x1d", b"\x99\x00\x00\xff"])
def test_a_module_that_holds_half_a_request_is_found(half: bytes) -> None:
    module = FakeModule()
    module.hold(half)
    assert meeting(module, feed=True) == IDENTITY


@pytest.mark.parametrize("half", [b"\x40\x00\x00\x01", b"\x40\x00", b"\x42\x81", b"\xa0\x00\x80\x03\x00"])
def test_our_own_half_request_is_completed_with_zeros_before_anything_else(half: bytes) -> None:
    module = FakeModule()
    module.hold(half)
    assert meeting(module, feed=True, torn=True) == IDENTITY
    completed = module.log[0]
    assert not any(completed.data[1:])
    assert not any(completed.data) or half[-1] in completed.data


def test_a_slow_module_that_is_overfed_is_still_found() -> None:
    module = FakeModule()
    module.hold(b"\x41\x54\x0d\xc8")
    module.answer = lambda request: [(0.03, usual(request))]
    assert meeting(module, feed=True) == IDENTITY


def test_a_port_that_is_only_guessed_gets_four_bytes_and_no_more() -> None:
    module = FakeModule()
    module.answer = lambda _: []
    with pytest.raises(ReplyTimeout):
        meeting(module, feed=False)
    assert module.received == get_id().encode()


def test_an_echo_is_no_module() -> None:
    module = FakeModule()
    module.answer = lambda request: [(0.0, request.encode())]
    with pytest.raises(GarbledReply, match="no LucidControl module"):
        meeting(module, feed=False)


def test_a_line_that_never_falls_silent_is_no_module() -> None:
    async def main() -> None:
        port = FakePort(FakeModule())
        resync = await listening(port)

        async def chatter() -> None:
            while True:
                port.say(b"tick\r\n")
                await asyncio.sleep(0.05)

        chattering = asyncio.create_task(chatter())
        begun = asyncio.get_running_loop().time()
        with pytest.raises(GarbledReply, match="without being asked"):
            await resync.recover(IDENTITY, silent=2, doubt=Doubt())
        assert asyncio.get_running_loop().time() - begun < 6.0
        chattering.cancel()

    run_virtual(main())


@pytest.mark.parametrize(("doubt", "least_s"), [(Doubt(), 0.5), (Doubt(owed=1), 1.0)])
def test_where_an_identity_may_still_be_owed_a_second_silence_must_pass(doubt: Doubt, least_s: float) -> None:
    async def main() -> float:
        resync = await listening(FakePort(FakeModule()))
        begun = asyncio.get_running_loop().time()
        await resync.recover(IDENTITY, silent=2, doubt=doubt)
        return asyncio.get_running_loop().time() - begun

    assert run_virtual(main()) == pytest.approx(least_s, abs=0.01)


def test_another_module_is_told_apart() -> None:
    async def main() -> None:
        resync = await listening(FakePort(FakeModule(OTHER)))
        with pytest.raises(LinkLost, match="another module"):
            await resync.recover(IDENTITY, silent=2, doubt=Doubt())

    run_virtual(main())


def test_a_lost_link_ends_the_waiting_at_once() -> None:
    async def main() -> None:
        port = FakePort(FakeModule())
        resync = await listening(port)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        loop.call_later(0.1, port.unplug)
        with pytest.raises(LinkLost, match="gone"):
            await resync.recover(IDENTITY, silent=2, doubt=Doubt())
        assert loop.time() - begun == pytest.approx(0.1)

    run_virtual(main())
