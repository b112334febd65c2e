"""A client that shares a module: its bytes are cut into requests, and each is answered in its order.

A request of a client waits here until the one before is answered, so a client has one at the line at a time however
deep it asks ahead, and its answers come in order by themselves. It also waits here while its client had more than its share;
nobody else waits for that. Every request gets an answer: that of the module, a refusal, or "could not carry out" when the
module does not answer; old programs wait for ever otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from lucid2mqtt.errors import LinkError, LucidError, Reason, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Status
from lucid2mqtt.lucid.readers import RequestReader
from lucid2mqtt.passthrough.accounts import lane_of
from lucid2mqtt.passthrough.door import Door
from lucid2mqtt.passthrough.foreign import foreign_program
from lucid2mqtt.passthrough.line import Outcome, Submitted
from lucid2mqtt.passthrough.options import OnTimeout
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.rights import Access, Frame, Kind, Protection, frame_of, refusal
from lucid2mqtt.passthrough.shared_module import SharedModule
from lucid2mqtt.passthrough.traffic import LoggedFrame, Traffic, outcome_text
from lucid2mqtt.passthrough.wire import Wire

NOT_CARRIED_OUT = Reply(Status.ERR_EXEC).encode()
"""The answer when the module is away, or does not answer."""
PIPELINE = 8
"""Requests a client may have waiting here before nothing more is read from it."""
TORN_S = 0.5
"""Silence after which half a request is dropped, and the next byte begins a new one."""
GARBAGE_LIMIT = 3
GARBAGE_WITHIN_S = 10.0
"""So many torn or impossible requests within this time, and the client is sent away."""
PROVEN = 64
"""Requests remembered as harmless, per client."""

_log = logging.getLogger(__name__)


class SharedSession:
    """One connection to a shared module."""

    controls = None

    def __init__(self, wire: Wire, peer: Peer, module: SharedModule, door: Door) -> None:
        self.peer = peer
        self.identity = peer.identity
        self.traffic = Traffic()
        self._wire = wire
        self._module = module
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._account = module.accounts.of(peer.identity)
        self._seat = self._account.take_seat()
        self._lane = lane_of(peer.identity, self._seat)
        self.grant = door.rights.of(peer)
        self._is_limited = self._has_limits()
        self._reader = RequestReader()
        self._proven: dict[bytes, Frame] = {}  # programs ask the same few questions over and over: these need no judging
        self._proven_under: Protection | None = None
        self._waiting: deque[Frame] = deque()
        self._running: Frame | None = None
        self._job: Submitted | None = None
        self._heard_at = 0.0
        self._garbage: deque[float] = deque(maxlen=GARBAGE_LIMIT)
        self._next_at = 0.0  # when a client whose rate is limited may ask again, loop time
        self._pause: asyncio.TimerHandle | None = None
        self._is_new = True
        self._going = False
        self._held = False
        self._is_stalled = False
        self._is_finished = False
        self._is_gone = False

    # -- the wire's side

    def received(self, chunk: bytes) -> None:
        frame = self._proven.get(chunk)
        if frame is not None and self._is_at_leisure and self._module.for_reading is self._proven_under:
            self.traffic.frames += 1
            self._ask(frame)
            return
        if self._is_gone or self._is_finished:
            return
        reader = self._reader
        if self._is_new:
            self._is_new = False
            if program := foreign_program(chunk):
                self.traffic.framing += 1
                self._send_away(f"it is {program}")
                return
        if reader.pending and self._loop.time() - self._heard_at > TORN_S:
            self._note_garbage(reader.clear())
        self._waiting += [frame_of(request) for request in reader.feed(chunk)]
        if reader.pending:
            self._heard_at = self._loop.time()
        if self._running is None and not self._going:
            self._go_on()
        if len(self._waiting) >= PIPELINE and not self._held:
            self._held = True
            self._wire.hold()

    def peer_finished(self) -> None:
        if held := self._reader.clear():
            self._note_garbage(held)
        self.dismiss()

    def stalled(self) -> None:
        self._is_stalled = True

    def flowing(self) -> None:
        self._is_stalled = False
        if self._running is None and not self._going:
            self._go_on()

    def lost(self) -> None:
        self._is_gone = True
        self._waiting.clear()
        self._account.leave_seat(self._seat)
        if self._pause is not None:
            self._pause.cancel()
        if self._job is not None and self._running is not None:
            if not self._job.is_begun:
                self._job.abandon()  # what was begun is still told, and charged to the client: leaving early saves it nothing
            if self._running.kind >= Kind.SWITCH:
                _log.info(
                    "%s: %s left while %s was on its way; it may have been carried out", self._module.name, self.peer, self._running.request
                )
                self._module.touched(self._running, self.identity)
        self._running = None
        self._door.leave(self)

    def dismiss(self) -> None:
        """Closes the connection when everything asked so far is answered."""
        self._is_finished = True
        if self._running is None and not self._going:
            self._go_on()

    def cut_off(self) -> None:
        """Closes the connection at once."""
        self._wire.abort()

    def rights_changed(self) -> None:
        self.grant = self._door.rights.of(self.peer)
        self._is_limited = self._has_limits()
        self._proven.clear()
        if self.grant.most is Access.NONE:
            self.dismiss()
        if self._pause is not None:  # the limits it waits for are the old ones
            self._pause.cancel()
            self._go_on_later()

    # -- requests

    @property
    def _is_at_leisure(self) -> bool:
        """True when a request that arrives whole can go to the line at once."""
        return not (
            self._running
            or self._waiting
            or self._is_limited
            or self._is_stalled
            or self._is_finished
            or self._is_gone
            or self._reader.pending
        )

    def _go_on(self) -> None:
        """Answers what waits, until one of the requests is with the module."""
        self._going = True
        while self._waiting and self._running is None and not self._is_stalled and self._may_ask():
            self._begin(self._waiting.popleft())
        self._going = False
        if self._held and len(self._waiting) < PIPELINE and not self._is_stalled:
            self._held = False
            if self._reader.pending:
                self._heard_at = self._loop.time()  # the silence was ours
            self._wire.go_on()
        if self._is_finished and self._running is None and not self._waiting:
            self._wire.finish()

    def _has_limits(self) -> bool:
        return self._door.options.frames_per_s is not None or self.grant.bus_share is not None

    def _may_ask(self) -> bool:
        """False when it is too early for another request of a client with limits; it then goes on by itself."""
        if not self._is_limited:
            return True
        now, rate = self._loop.time(), self._door.options.frames_per_s
        due = max(self._next_at if rate is not None else now, self._account.free_at if self.grant.bus_share is not None else now)
        if due > now:
            if self._pause is None:
                self._pause = self._loop.call_at(due, self._go_on_later)
            return False
        if rate is not None:
            self._next_at = now + 1 / rate
        return True

    def _go_on_later(self) -> None:
        self._pause = None
        if self._running is None and not self._going:
            self._go_on()

    def _begin(self, frame: Frame) -> None:
        self.traffic.frames += 1
        module = self._module
        why = self._refusal(frame)
        if why:
            self._refuse(frame, why)
            return
        if frame.kind <= Kind.READ and not module.clears(frame):
            if self._proven_under is not module.for_reading or len(self._proven) >= PROVEN:
                self._proven.clear()
                self._proven_under = module.for_reading
            self._proven[frame.request.encode()] = frame
        self._ask(frame)

    def _ask(self, frame: Frame) -> None:
        line = self._module.line
        self._running = frame
        self._job = None
        if line is None:
            self._done(LinkError(f"{self._module.name} is away: {self._module.why_away}"))
        elif frame.kind < Kind.SWITCH:
            self._job = line.submit(frame.request, turn=Turn.SHARED, client=self._lane, done=self._done)
        else:
            self._job = line.submit(frame.request, turn=Turn.SHARED, client=self._lane, done=self._done, veto=self._veto)

    def _veto(self) -> LucidError | None:
        """While a frame waited for its turn, an output may have been claimed, or a right withdrawn."""
        why = "" if self._running is None else self._refusal(self._running)
        return RequestRejected(Reason.CLAIMED, why, "ask its owner") if why else None

    def _refusal(self, frame: Frame) -> str:
        protection = self._module.protection(frame.kind)
        return refusal(frame, self.grant, protection, forward_unknown=self._door.options.forward_unknown)

    def _done(self, outcome: Outcome) -> None:
        if self._job is not None and (took_s := self._job.took_s):
            self._book(took_s)
        frame, self._running = self._running, None
        if frame is None:
            return
        if isinstance(outcome, Reply):
            self._answer(frame, outcome, outcome.encode())
        elif isinstance(outcome, RequestRejected) and outcome.reason is Reason.CLAIMED:
            self._refuse(frame, str(outcome))
        else:
            self.traffic.unanswered += 1
            self._answer(frame, outcome, self._instead_of_an_answer())
        if not self._going and (self._waiting or self._is_finished or self._held):
            self._go_on()

    def _book(self, took_s: float) -> None:
        self.traffic.busy_s += took_s
        if (share := self.grant.bus_share) is not None:
            self._account.charge(took_s, share, self._loop.time())

    def _answer(self, frame: Frame, outcome: Outcome, answer: bytes) -> None:
        if self.traffic.log is not None:
            self.traffic.log.append(LoggedFrame(self._loop.time(), frame.request, answer, outcome_text(outcome)))
        if answer:
            self._wire.write(answer)
        if frame.kind >= Kind.SWITCH or self._module.clears(frame):
            self._module.carried_out(frame, outcome, self.identity)

    def _refuse(self, frame: Frame, why: str) -> None:
        self.traffic.refused += 1
        status = self._door.options.refuse_with
        answer = b"" if status is None else Reply(status).encode()
        if answer:  # without data: a common client library does not read them behind an error status
            self._wire.write(answer)
        self._door.complain(self.identity, frame.request.title, f"{frame.request} is refused: {why}")
        if self.traffic.log is not None:
            self.traffic.log.append(LoggedFrame(self._loop.time(), frame.request, answer, f"refused: {why}"))
        if status is None:
            self._leave()
        if frame.is_garbage:
            self._note_garbage(frame.request.encode())

    def _note_garbage(self, held: bytes) -> None:
        self.traffic.framing += 1
        now = self._loop.time()
        self._garbage.append(now)
        if len(self._garbage) == GARBAGE_LIMIT and now - self._garbage[0] <= GARBAGE_WITHIN_S:
            self._send_away(f"what it sends are no requests of a LucidControl module: {held[:16].hex(' ')}")

    def _send_away(self, why: str) -> None:
        self._door.complain(self.identity, "garbage", f"its connection is closed: {why}")
        self._leave()

    def _leave(self) -> None:
        """Closes the connection when the request that is with the module is answered; nothing else is."""
        self._waiting.clear()
        self._is_finished = True
        if self._running is None:
            self._wire.finish()

    def _instead_of_an_answer(self) -> bytes:
        match self._door.options.on_timeout:
            case OnTimeout.STATUS:
                return NOT_CARRIED_OUT
            case OnTimeout.CLOSE:
                self._leave()
        return b""
