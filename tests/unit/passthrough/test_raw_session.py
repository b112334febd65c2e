"""A client with a line for itself; the line is the test's, time jumps."""

from __future__ import annotations

import asyncio

import pytest

from lucid2mqtt.passthrough.door import Door
from lucid2mqtt.passthrough.options import Mode
from lucid2mqtt.passthrough.raw_session import LINGER_S, RawSession
from lucid2mqtt.passthrough.rights import Access
from tests.unit.passthrough.fakes import PEER, FakeRawLine, FakeWire, door, options
from tests.virtual_clock import run_virtual


def raw(through: Door | None = None) -> tuple[RawSession, FakeWire, FakeRawLine]:
    wire = FakeWire()
    session = RawSession(wire, PEER, through or door(options(mode=Mode.EXCLUSIVE)))
    wire.session = session
    return session, wire, FakeRawLine()


def nothing() -> str:
    """Nobody wants the line back."""
    return ""


def test_nothing_is_read_from_the_client_before_it_has_the_line() -> None:
    async def scene() -> None:
        session, wire, line = raw()
        assert wire.is_held
        asyncio.get_running_loop().call_later(1, session.dismiss)
        asyncio.get_running_loop().call_later(0.5, lambda: seen.append(wire.is_held))
        seen: list[bool] = []
        await session.use(line, None, 60.0, nothing)
        assert seen == [False]

    run_virtual(scene())


def test_bytes_pass_both_ways_and_a_full_line_holds_the_client() -> None:
    async def scene() -> None:
        session, wire, line = raw()

        async def talk() -> None:
            await asyncio.sleep(0)
            session.received(b"\xff\x00")
            assert line.written == b"\xff\x00"
            line.is_full = True
            session.received(b"more")
            assert wire.is_held
            session.all_written()
            assert not wire.is_held
            session.bytes_arrived(b"\x13\x11")
            assert wire.sent == b"\x13\x11"
            assert (session.traffic.bytes_in, session.traffic.bytes_out) == (6, 2)
            wire.abort()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(talk())
            assert await session.use(line, None, None, nothing) == "it left"

    run_virtual(scene())


@pytest.mark.parametrize("speaks", ["client", "line", "nobody"])
def test_silence_ends_it_and_a_byte_either_way_is_no_silence(speaks: str) -> None:
    async def scene() -> None:
        session, _, line = raw()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if speaks == "client":
            loop.call_later(50, session.received, b"x")
        if speaks == "line":
            loop.call_later(50, session.bytes_arrived, b"x")
        assert await session.use(line, None, 60.0, nothing) == "nothing was said for 60 s"
        assert loop.time() - begun == pytest.approx(60 if speaks == "nobody" else 110, abs=1)

    run_virtual(scene())


def test_after_its_last_word_a_client_gets_what_the_line_still_says() -> None:
    async def scene() -> None:
        session, wire, line = raw()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        loop.call_later(1, session.peer_finished)
        loop.call_later(1 + LINGER_S / 2, session.bytes_arrived, b"answer")
        assert await session.use(line, None, 60.0, nothing) == "it is done"
        assert wire.sent == b"answer"
        assert session.is_leaving
        assert loop.time() - begun == pytest.approx(1 + 1.5 * LINGER_S, abs=2 * LINGER_S)

    run_virtual(scene())


def test_the_end_of_the_line_ends_the_connection() -> None:
    async def scene() -> None:
        session, wire, line = raw()
        asyncio.get_running_loop().call_later(1, session.link_lost, "the device is gone")
        await session.use(line, None, None, nothing)
        assert wire.end == "finished"
        session.received(b"too late")
        assert line.written == b""

    run_virtual(scene())


def test_with_less_than_every_right_nobody_keeps_the_line() -> None:
    async def scene() -> None:
        through = door(options(mode=Mode.EXCLUSIVE))
        session, wire, _ = raw(through)
        session.rights_changed()
        assert wire.end == ""
        through.change(options(Access.OUTPUTS))
        session.rights_changed()
        assert wire.end == "finished"

    run_virtual(scene())


def test_who_is_recalled_gives_the_line_back_at_once() -> None:
    async def scene() -> None:
        session, _, line = raw()
        loop = asyncio.get_running_loop()
        begun, wanted_back = loop.time(), [""]
        loop.call_later(1, lambda: wanted_back.append("a thermostat wants it"))
        assert await session.use(line, None, None, lambda: wanted_back[-1]) == "a thermostat wants it"
        assert loop.time() - begun == pytest.approx(1, abs=2 * LINGER_S)

    run_virtual(scene())


def test_all_the_time_a_client_has_the_line_counts_as_its_own() -> None:
    async def scene() -> None:
        session, wire, line = raw()
        await asyncio.sleep(5)
        asyncio.get_running_loop().call_later(10, wire.abort)
        await session.use(line, None, None, nothing)
        assert session.traffic.busy_s == pytest.approx(10, abs=2 * LINGER_S)

    run_virtual(scene())
