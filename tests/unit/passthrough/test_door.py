from __future__ import annotations

import asyncio
import logging

import pytest

from lucid2mqtt.passthrough.door import (
    BURST,
    HELD_S,
    MOST_CONNECTIONS,
    MOST_HANDSHAKES,
    MOST_HELD,
    REMEMBERED,
    Door,
    Guest,
    Lobby,
    TurnedAway,
)
from lucid2mqtt.passthrough.options import ListenerOptions
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.rights import Access
from lucid2mqtt.passthrough.shared_session import SharedSession
from lucid2mqtt.passthrough.wire import Wire
from tests.unit.passthrough.fakes import PEER, FakeLine, FakeWire, module, options
from tests.virtual_clock import run_virtual


def doorway(settled: ListenerOptions | None = None) -> Door:
    shared = module(FakeLine())

    def serve(wire: Wire, peer: Peer, door: Door) -> Guest:
        return SharedSession(wire, peer, shared, door)

    return Door(settled or options(), Lobby(), serve)


def knock(door: Door, peer: Peer = PEER) -> FakeWire:
    wire = FakeWire()
    made = door.admit(wire, peer)
    wire.session = made  # type: ignore[assignment]
    return wire


def test_there_are_so_many_clients_and_no_more_until_one_leaves() -> None:
    async def scene() -> None:
        door = doorway(options(max_clients=2))
        first = knock(door)
        knock(door)
        assert isinstance(knock(door).session, TurnedAway)
        first.abort()
        assert isinstance(knock(door).session, SharedSession)

    run_virtual(scene())


def test_who_is_turned_away_hears_nothing_and_is_closed_after_a_second() -> None:
    async def scene() -> None:
        wire = knock(doorway(options(max_clients=0)))
        assert wire.is_held
        await asyncio.sleep(HELD_S - 0.01)
        assert wire.end == ""
        await asyncio.sleep(0.02)
        assert wire.end == "aborted"
        assert wire.sent == b""

    run_virtual(scene())


def test_of_many_that_are_turned_away_few_are_held() -> None:
    async def scene() -> None:
        door = doorway(options(max_clients=0))
        wires = [knock(door) for _ in range(MOST_HELD + 5)]
        assert [wire.end for wire in wires] == [""] * MOST_HELD + ["aborted"] * 5
        await asyncio.sleep(HELD_S + 0.01)
        assert knock(door).end == ""

    run_virtual(scene())


def test_without_rights_nobody_comes_in() -> None:
    async def scene() -> None:
        assert isinstance(knock(doorway(options(Access.NONE))).session, TurnedAway)

    run_virtual(scene())


def test_who_loses_every_right_is_sent_away_and_the_others_stay() -> None:
    async def scene() -> None:
        door = doorway()
        wire = knock(door)
        door.change(options(Access.READ))
        assert wire.end == ""
        door.change(options(Access.NONE))
        assert wire.end == "finished"
        assert door.guests == []

    run_virtual(scene())


def test_a_reconnect_storm_is_slowed_down_and_a_script_is_not() -> None:
    async def scene() -> None:
        door = doorway()
        for _ in range(BURST):
            knock(door).abort()
        assert isinstance(knock(door).session, TurnedAway)
        assert isinstance(knock(door, Peer("other", "other")).session, SharedSession)
        await asyncio.sleep(1.0)
        assert isinstance(knock(door).session, SharedSession)

    run_virtual(scene())


def test_who_is_turned_away_for_ever_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        door = doorway(options(max_clients=0))
        for _ in range(20):
            knock(door)

    with caplog.at_level(logging.WARNING):
        run_virtual(scene())
    assert [record.getMessage() for record in caplog.records] == [
        "tcp://127.0.0.1:0 (heaters): client 192.0.2.7: it is turned away: there are 0 clients already"
    ]


def test_clients_are_sent_away_when_the_module_stays_away() -> None:
    async def scene() -> None:
        door = doorway(options(hold_s=60.0))
        wire = knock(door)
        door.expect(lambda: False)
        await asyncio.sleep(59)
        assert wire.end == ""
        await asyncio.sleep(2)
        assert wire.end == "finished"

    run_virtual(scene())


@pytest.mark.parametrize("hold_s", [None, 60.0])
def test_clients_stay_when_it_comes_back_or_for_ever(hold_s: float | None) -> None:
    async def scene() -> None:
        door = doorway(options(hold_s=hold_s))
        wire = knock(door)
        door.expect(lambda: False)
        await asyncio.sleep(30)
        if hold_s is not None:
            door.is_back()
        await asyncio.sleep(600)
        assert wire.end == ""

    run_virtual(scene())


def test_the_lobby_counts_connections_and_handshakes() -> None:
    async def scene() -> None:
        lobby = Lobby()
        assert all(lobby.enter() for _ in range(MOST_CONNECTIONS))
        assert not lobby.enter()
        lobby.leave()
        lobby.leave()
        assert lobby.enter()
        assert all(lobby.begin_handshake() for _ in range(MOST_HANDSHAKES))
        assert not lobby.begin_handshake()
        lobby.end_handshake()
        assert lobby.begin_handshake()

    run_virtual(scene())


def test_what_the_lobby_remembers_is_bounded() -> None:
    async def scene() -> None:
        lobby = Lobby()
        for number in range(3 * REMEMBERED):
            assert lobby.is_news("client", str(number))
            assert lobby.may_connect(str(number))
        assert len(lobby._told) == len(lobby._budgets) == REMEMBERED

    run_virtual(scene())
