"""A client that shares a module: its bytes are cut into requests, and each is answered in its order.

A request of a client waits here until the one before is answered, so a client has one at the line at a time however
deep it asks ahead, and its answers come in order by themselves. Every request gets an answer: that of the module, a
refusal, or "could not carry out" when the module does not answer; old programs wait for ever otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from lucid2mqtt.errors import LinkError
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Status
from lucid2mqtt.lucid.readers import RequestReader
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
        self._key = f"client {peer.identity}"
        self.grant = door.rights.of(peer)
        self._reader = RequestReader()
        self._proven: dict[bytes, Frame] = {}  # programs ask the same few questions over and over: these need no judging
        self._proven_under: Protection | None = None
        self._waiting: deque[Frame] = deque()
        self._running: Frame | None = None
        self._job: Submitted | None = None
        self._begun_at = 0.0
        self._heard_at = 0.0
        self._garbage: deque[float] = deque(maxlen=GARBAGE_LIMIT)
        self._next_at = 0.0  # when a client whose rate is limited may ask again, loop time
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
        if self._job is not None and self._running is not None:
            self._job.abandon()
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
        self._proven.clear()
        if self.grant.most is Access.NONE:
            self.dismiss()

    # -- requests

    @property
    def _is_at_leisure(self) -> bool:
        """True when a request that arrives whole can go to the line at once."""
        if self._door.options.frames_per_s is not None:
            return False
        return not (self._running or self._waiting or self._is_stalled or self._is_finished or self._is_gone or self._reader.pending)

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

    def _may_ask(self) -> bool:
        """False when it is too early for another request of a client whose rate is limited; it then goes on by itself."""
        rate = self._door.options.frames_per_s
        if rate is None:
            return True
        now = self._loop.time()
        if now < self._next_at:
            self._loop.call_at(self._next_at, self._go_on_later)
            return False
        self._next_at = now + 1 / rate
        return True

    def _go_on_later(self) -> None:
        if self._running is None and not self._going and not self._is_gone:
            self._go_on()

    def _begin(self, frame: Frame) -> None:
        module = self._module
        protection = module.protection(frame.kind)
        why = refusal(frame, self.grant, protection, forward_unknown=self._door.options.forward_unknown)
        if why:
            self._refuse(frame, why)
            return
        if frame.kind <= Kind.READ and not module.clears(frame):
            if self._proven_under is not protection or len(self._proven) >= PROVEN:
                self._proven.clear()
                self._proven_under = protection
            self._proven[frame.request.encode()] = frame
        self._ask(frame)

    def _ask(self, frame: Frame) -> None:
        self.traffic.frames += 1
        line = self._module.line
        self._running = frame
        self._begun_at = self._loop.time()
        if line is None:
            self._done(LinkError(f"{self._module.name} is away: {self._module.why_away}"))
        else:
            self._job = line.submit(frame.request, turn=Turn.SHARED, client=self._key, done=self._done)

    def _done(self, outcome: Outcome) -> None:
        frame, self._running = self._running, None
        if frame is None:
            return
        module, traffic = self._module, self.traffic
        now = self._loop.time()
        traffic.busy_s += now - max(self._begun_at, module.free_at)
        module.free_at = now
        if isinstance(outcome, Reply):
            answer = outcome.encode()
        else:
            traffic.unanswered += 1
            answer = self._instead_of_an_answer()
        if traffic.log is not None:
            traffic.log.append(LoggedFrame(now, frame.request, answer, outcome_text(outcome)))
        if answer:
            self._wire.write(answer)
        if frame.kind >= Kind.SWITCH or module.clears(frame):
            module.carried_out(frame, outcome, self.identity)
        if not self._going and (self._waiting or self._is_finished or self._held):
            self._go_on()

    def _refuse(self, frame: Frame, why: str) -> None:
        self.traffic.frames += 1
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
