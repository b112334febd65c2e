"""A wire that remembers, and a line whose answers the test gives."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from ipaddress import ip_address

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.board import Board
from lucid2mqtt.errors import LinkLost
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Request
from lucid2mqtt.passthrough.door import Door, Guest, Lobby
from lucid2mqtt.passthrough.line import Outcome, RawLine, RawUser, Veto
from lucid2mqtt.passthrough.options import ListenerOptions, parse_listen
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.rights import Access, Grant, Rights
from lucid2mqtt.passthrough.shared_module import SharedModule
from lucid2mqtt.passthrough.shared_session import SharedSession
from lucid2mqtt.passthrough.wire import Wire

HOST = ip_address("192.0.2.7")
PEER = Peer(str(HOST), f"{HOST}:50412", HOST)
DONE = Reply(0)
ANYWHERE = parse_listen("tcp://127.0.0.1:0")


class FakeWire:
    def __init__(self) -> None:
        self.sent = b""
        self.is_held = False
        self.end = ""
        self.session: Guest | None = None

    def write(self, data: bytes) -> None:
        if not self.end:
            self.sent += data

    def hold(self) -> None:
        self.is_held = True

    def go_on(self) -> None:
        self.is_held = False

    def finish(self) -> None:
        self._close("finished")

    def abort(self) -> None:
        self._close("aborted")

    def _close(self, how: str) -> None:
        if not self.end:
            self.end = how
            if self.session is not None:
                self.session.lost()


class Asked:
    """A request at the line."""

    def __init__(self, request: Request, client: str, turn: Turn, done: Callable[[Outcome], None], veto: Veto | None) -> None:
        self.request = request
        self.veto = veto
        self.took_s = 0.0
        self.client = client
        self.turn = turn
        self.done = done
        self.is_abandoned = False
        self.is_begun = False

    def abandon(self) -> None:
        self.is_abandoned = True


class FakeLine:
    """Keeps what it is asked; the test answers. With `at_once` everything is answered while it is being asked."""

    def __init__(self, at_once: Outcome | None = None) -> None:
        self.at_once = at_once
        self.asked: list[Asked] = []
        self.lent_to: str | None = None

    def submit(
        self,
        request: Request,
        *,
        turn: Turn,
        client: str,
        deadline: float | None = None,
        done: Callable[[Outcome], None],
        veto: Veto | None = None,
    ) -> Asked:
        self.asked.append(Asked(request, client, turn, done, veto))
        if self.at_once is not None:
            done(self.at_once)
        return self.asked[-1]

    def answer(self, outcome: Outcome = DONE, *, took_s: float = 0.0) -> None:
        """Answers the latest."""
        self.asked[-1].took_s = took_s
        if not self.asked[-1].is_abandoned:
            self.asked[-1].done(outcome)

    def send(self, outcome: Outcome = DONE) -> None:
        """Answers the latest, which waited for its turn, unless that is vetoed now."""
        asked = self.asked[-1]
        fault = asked.veto() if asked.veto is not None else None
        asked.done(outcome if fault is None else fault)

    @contextlib.asynccontextmanager
    async def lend(self, user: RawUser, *, who: str) -> AsyncIterator[RawLine]:
        if self.lent_to == "gone":
            raise LinkLost("the port is closed")
        self.lent_to = who
        yield FakeRawLine()
        self.lent_to = None


class FakeRawLine:
    def __init__(self) -> None:
        self.written = b""
        self.is_full = False

    def write(self, request: bytes) -> bool:
        self.written += request
        return not self.is_full

    def flush_input(self) -> None: ...


def nobody(_: ChannelRef) -> str | None:
    return None


async def seen_already(_: str) -> None:
    """Stands for a house that looks again and finds nothing new."""


def module(line: FakeLine | None = None, claimant: Callable[[ChannelRef], str | None] = nobody) -> SharedModule:
    made = SharedModule("heaters", Board(), claimant=claimant, look_again=seen_already, now=lambda: datetime.now(UTC))
    made.line = line
    return made


def options(access: Access = Access.ALL, **how: object) -> ListenerOptions:
    return ListenerOptions(listen=ANYWHERE, module="heaters", rights=Rights(Grant(access)), **how)  # type: ignore[arg-type]


def door(settled: ListenerOptions | None = None) -> Door:
    def nobody_comes(wire: Wire, peer: Peer, door: Door) -> str:
        return "the test lets nobody in"

    return Door(settled or options(), Lobby(), nobody_comes)


def session(
    line: FakeLine | None, *, through: Door | None = None, peer: Peer = PEER, shared: SharedModule | None = None
) -> tuple[SharedSession, FakeWire]:
    wire = FakeWire()
    door_to = through or door()
    made = SharedSession(wire, peer, shared or module(line), door_to)
    door_to.guests.append(made)
    wire.session = made
    return made, wire
