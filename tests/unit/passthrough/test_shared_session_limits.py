"""What holds a client's frame back: its rate, its share of the module's time, and what comes up while the frame waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from lucid2mqtt.lucid.frames import Reply, Request
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.rights import Access, Grant, Protection, Rights
from tests.unit.passthrough.fakes import Asked, FakeLine, door, module, options, session
from tests.unit.passthrough.test_shared_session import ON, REFUSED, read, virtual


class BusyLine(FakeLine):
    """Answers while it is being asked, as if the module had worked `took_s` on it."""

    def __init__(self, took_s: float) -> None:
        super().__init__()
        self._took_s = took_s

    def submit(self, request: Request, **how: Any) -> Asked:  # Any: passed through
        asked = super().submit(request, **how)
        asyncio.get_running_loop().call_soon(self.answer_with, asked)
        return asked

    def answer_with(self, asked: Asked) -> None:
        asked.took_s = self._took_s
        asked.done(Reply(0, bytes(4)))


@virtual
async def test_a_client_whose_rate_is_limited_waits_its_time_and_goes_on_by_itself() -> None:
    line = FakeLine()
    line.at_once = Reply(0, bytes(4))
    client, wire = session(line, through=door(replace(options(Access.READ), frames_per_s=10.0)))
    for _ in range(5):
        client.received(read(1).encode())
    assert len(line.asked) == 1
    await asyncio.sleep(0.25)
    assert len(line.asked) == 3
    await asyncio.sleep(1.0)
    assert len(line.asked) == 5
    assert wire.sent == (b"\x00\x04" + bytes(4)) * 5


# -- what changes while a frame waits for its turn


@virtual
async def test_a_right_that_is_withdrawn_while_a_write_waits_is_withdrawn() -> None:
    line = FakeLine()
    through = door(options(Access.OUTPUTS))
    client, wire = session(line, through=through)
    client.received(ON.encode())
    through.change(options(Access.READ))
    line.send()
    assert wire.sent == REFUSED


@virtual
async def test_what_was_allowed_a_hundred_times_is_refused_once_the_right_to_that_channel_is_gone() -> None:
    line = FakeLine(Reply(0, bytes(4)))
    through = door(options(Access.READ))
    client, wire = session(line, through=through)
    for _ in range(100):
        client.received(read(1).encode())
    through.change(replace(options(), rights=Rights(Grant(Access.READ, {1: Access.NONE}))))
    wire.sent = b""
    client.received(read(1).encode())
    assert (wire.sent, len(line.asked)) == (REFUSED, 100)


@virtual
async def test_a_read_that_was_harmless_is_refused_once_it_takes_counts_away() -> None:
    line = FakeLine(Reply(0, bytes(4)))
    shared = module(line)
    client, wire = session(line, shared=shared, through=door(options(Access.READ)))
    client.received(read(1).encode())
    shared.for_reading = Protection(clearing=frozenset({1}))
    wire.sent = b""
    client.received(read(1).encode())
    assert (wire.sent, len(line.asked)) == (REFUSED, 1)


@virtual
async def test_a_write_that_nothing_forbids_is_sent_in_its_turn() -> None:
    line = FakeLine()
    client, wire = session(line)
    client.received(ON.encode())
    line.send()
    assert wire.sent == b"\x00\x00"


# -- shares


def limited(share: float) -> Rights:
    return Rights(Grant(Access.READ, bus_share=share))


@virtual
async def test_who_had_its_share_waits_and_goes_on_by_itself_and_nobody_else_waits() -> None:
    line = BusyLine(took_s=0.01)
    shared = module(line)
    one, wire = session(line, shared=shared, through=door(replace(options(), rights=limited(0.1))))
    other, _ = session(line, shared=shared, peer=Peer("192.0.2.8", "192.0.2.8:1"))
    for _ in range(22):
        one.received(read(1).encode())
        other.received(read(2).encode())
        await asyncio.sleep(0.01)
    asked = [asked.client for asked in line.asked]
    assert asked.count("client 192.0.2.8") == 22
    assert asked.count("client 192.0.2.7") in (12, 13)  # a tenth of the time gone by and of a second, and one more
    assert wire.is_held
    await asyncio.sleep(2.0)
    assert len(wire.sent) == 22 * 6


@virtual
async def test_a_share_belongs_to_the_client_and_not_to_each_of_its_connections() -> None:
    line = BusyLine(took_s=0.01)
    shared = module(line)
    through = door(replace(options(), rights=limited(0.1)))
    for _ in range(30):
        client, wire = session(line, shared=shared, through=through)
        client.received(read(1).encode())
        await asyncio.sleep(0.01)
        wire.abort()
    assert len(line.asked) <= 15


@virtual
async def test_a_client_that_leaves_before_its_answer_comes_has_had_its_share_all_the_same() -> None:
    line = FakeLine()
    shared = module(line)
    through = door(replace(options(), rights=limited(0.1)))
    for _ in range(3):
        client, wire = session(line, shared=shared, through=through)
        client.received(read(1).encode())
        line.asked[-1].is_begun = True
        wire.abort()
        line.answer(Reply(0, bytes(4)), took_s=0.2)
    assert len(line.asked) == 1
    assert wire.sent == b""


@virtual
async def test_a_new_share_holds_from_the_next_frame_on() -> None:
    line = BusyLine(took_s=1.0)
    through = door(replace(options(), rights=limited(0.01)))
    client, wire = session(line, through=through)
    client.received(read(1).encode() * 3)
    await asyncio.sleep(1)
    assert len(line.asked) == 1
    through.change(options(Access.READ))
    await asyncio.sleep(0.1)
    assert len(wire.sent) == 3 * 6


@virtual
async def test_a_ninth_connection_of_a_client_takes_turns_in_a_lane_of_its_own() -> None:
    line = FakeLine()
    shared = module(line)
    through = door(replace(options(), max_clients=20))
    sessions = [session(line, shared=shared, through=through) for _ in range(9)]
    for client, _ in sessions:
        client.received(read(1).encode())
    assert [asked.client for asked in line.asked] == ["client 192.0.2.7"] * 8 + ["client 192.0.2.7, 2"]
    sessions[3][1].abort()
    client, _ = session(line, shared=shared, through=through)
    client.received(read(1).encode())
    assert line.asked[-1].client == "client 192.0.2.7"
