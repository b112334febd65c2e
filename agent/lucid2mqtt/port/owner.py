"""The owner of a line: the only one who reads and writes a link, for everybody, one transaction at a time.

The hot path runs in callbacks. `submit` on an idle line writes in the caller's stack; the callback that brings the answer
writes the next request and settles the asker. No task, future or timer is made per transaction: one timer, set no more
often than needed, watches the running transaction and the waiting ones alike.

The rules. One request in flight. What was started is finished: the answer to an asker who left is read and dropped. An
answer goes to whoever asked, or to nobody: after a missing, torn or surplus one the line is in quarantine until `serve`
has it in step again (`resync.py`). Nothing is ever sent twice, and nothing after its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import NoReturn

from lucid2mqtt.errors import GarbledReply, LinkBusy, LinkError, LinkLost, Reason, ReplyTimeout, RequestRejected
from lucid2mqtt.lucid.assumptions import reply_time_s
from lucid2mqtt.lucid.exchange import Turn, fits
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.readers import ReplyReader
from lucid2mqtt.port.address import Address
from lucid2mqtt.port.alarm import Alarm
from lucid2mqtt.port.counters import PortCounters
from lucid2mqtt.port.dial import Dial, open_link
from lucid2mqtt.port.job import Done, Job, Outcome, Veto
from lucid2mqtt.port.link import Link, LinkUser
from lucid2mqtt.port.loan import Loan
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.resync import PROBES, Doubt, Ear, Resync
from lucid2mqtt.port.turns import TurnQueue

LOG = logging.getLogger(__name__)

WAITING_LIMIT_S = 2.0
"""How long a request without a deadline of its own waits for its turn."""
SEND_LIMIT_S = 2.0
"""How long a link may take to accept a request before it counts as lost."""


class PortOwner:
    """One module on one port, from the moment it answered to the moment it is gone; then a new owner is needed.

    A Transactor. `serve` must run while it is used.
    """

    def __init__(self, address: Address, options: PortOptions, *, counters: PortCounters | None = None, dial: Dial = open_link) -> None:
        self.address = address
        self._dial = dial
        self.counters = counters or PortCounters()
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._queue: TurnQueue[Job] = TurnQueue()
        self._reader = ReplyReader()
        self._link: Link | None = None
        self._identity: Identity | None = None
        self._current: Job | None = None
        self._all_out = True
        self._limit = 0.0  # when the running transaction has taken too long, loop time
        self._in_step = False
        self._strayed = False
        self._ear: Ear | None = None
        self._doubt = Doubt()
        self._alarm = Alarm(self._look_at_the_clock)
        self._troubled = asyncio.Event()
        self._end: Exception | None = LinkLost("the port is not open")
        self._loan: Loan | None = None

    @property
    def identity(self) -> Identity:
        """Who answers; only after `open`."""
        if self._identity is None:
            raise RuntimeError(f"{self.address} was not opened")
        return self._identity

    @property
    def torn(self) -> bool:
        """True when the line ended during a transaction, so that a part of its request may be all that arrived."""
        return self._doubt.torn

    # -- for the askers

    async def transact(self, request: Request, *, turn: Turn, client: str, deadline: float | None = None) -> Reply:
        """See `Transactor`. A cancelled caller's request is finished if it was begun, else never sent."""
        future: asyncio.Future[Reply] = self._loop.create_future()

        def settle(outcome: Outcome) -> None:
            if future.done():
                return
            if isinstance(outcome, Reply):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

        job = self.submit(request, turn=turn, client=client, deadline=deadline, done=settle)
        try:
            return await future
        finally:
            job.abandon()

    def submit(
        self, request: Request, *, turn: Turn, client: str, deadline: float | None = None, done: Done, veto: Veto | None = None
    ) -> Job:
        """Sends `request` at once when the line is idle, else in its turn; `done` is called exactly once unless abandoned.

        A request that cannot be taken is settled before this returns, one that `veto` forbids in its turn with what `veto` gives.
        Other errors are those of `Transactor.transact`.
        """
        now = self._loop.time()
        due = now + WAITING_LIMIT_S if deadline is None else deadline
        job = Job(request, turn, client, due, has_deadline=deadline is not None, done=done, veto=veto)
        if self._end is not None:
            done(LinkLost(f"{request} was not sent: {self._end}"))
        elif self._loan is not None:
            done(self._on_loan(request))
        elif due <= now:
            self._expire(job)
        elif self._in_step and self._current is None:
            self._send(job)
        elif self._queue.push(job):
            self.counters.queue_high_water = max(self.counters.queue_high_water, len(self._queue))
            self._alarm.set(due)
        else:
            self.counters.turned_away += 1
            done(RequestRejected(Reason.BUSY, f"{request} was not sent: too many requests wait for this module", "send fewer at a time"))
        return job

    @contextlib.asynccontextmanager
    async def lend(self, user: LinkUser, *, who: str) -> AsyncIterator[Link]:
        """The bare link, after the running transaction, for the time of the block; everybody else gets LinkLost meanwhile.

        Afterwards the line is put in step, with the doubt that half a request was left behind, before anything else is sent.
        Raises LinkBusy when it is on loan already, LinkLost when it is gone or ends before it is free. `user` is told when it ends later.
        """
        if self._loan is not None:
            raise LinkBusy(f"{self.address} is in exclusive use by {self._loan.who}")
        if self._end is not None:
            raise LinkLost(str(self._end))
        loan = self._loan = Loan(who, user)
        for job in self._queue.take_all():
            self._settle(job, self._on_loan(job.request))
        if self._in_step and self._current is None:
            self._hand_over(loan)
        try:
            yield await loan.granted
        finally:
            self._take_back(loan)

    # -- for the supervisor

    async def open(self, *, feed: bool, torn: bool = False) -> Identity:
        """Opens the port and asks who is there; `feed` and `torn` as in `Resync.meet`, whose errors are raised. LinkBusy too."""
        self._ear = Ear()
        self._end = None
        try:
            link = await self._open_link()
            self._identity = await Resync(link, self._ear, reply_timeout_s=self._options.reply_timeout_s).meet(feed=feed, torn=torn)
        except BaseException as fault:
            self._finish(fault if isinstance(fault, LinkLost) else LinkLost("the port is closed"))
            raise
        self._resume()
        return self._identity

    async def serve(self) -> NoReturn:
        """Keeps the line in step; ends by raising LinkLost or LinkBusy when the module is gone, or what an asker's `done` raised."""
        while True:
            await self._troubled.wait()
            self._troubled.clear()
            if self._end is not None:
                raise self._end
            try:
                await self._resync()
            except LinkError as fault:
                self._finish(LinkLost(str(fault)))
                raise

    def close(self) -> None:
        """Ends the line at once; everybody who waits gets LinkLost."""
        self._finish(LinkLost("the port is closed"))

    # -- for the link

    def bytes_arrived(self, chunk: bytes) -> None:
        job = self._current
        if job is None:
            if self._loan is not None and self._loan.is_running:
                self._loan.user.bytes_arrived(chunk)
            else:
                self._overhear(chunk)
            return
        replies = self._reader.feed(chunk)
        if not replies:
            return
        job.took_s = self._loop.time() - job.sent_at
        reply = replies[0]
        if len(replies) > 1 or self._reader.pending or not fits(reply, job.request):
            self.counters.garbled += 1
            self._quarantine(job, GarbledReply(f"the answer to {job.request} does not fit it: {chunk.hex(' ')}", sent=True))
            return
        if reply.status:
            self.counters.refused += 1
        self._current = None
        self._send_next()
        self._settle(job, reply)

    def all_written(self) -> None:
        if self._loan is not None and self._loan.is_running:
            self._loan.user.all_written()
        self._all_out = True
        if self._current is not None:
            self._limit = self._loop.time() + self._patience_s(self._current.request)
            self._alarm.set(self._limit)

    def link_lost(self, reason: str) -> None:
        self.counters.lost += 1
        self._finish(LinkLost(reason))

    # -- one transaction

    def _send(self, job: Job) -> None:
        link = self._link
        if link is None:
            raise RuntimeError(f"{self.address} is in step without a link")
        self._current = job
        self.counters.transactions += 1
        if self._strayed:  # a stray late answer must not be taken for this one's
            self._strayed = False
            link.flush_input()
        self._all_out = link.write(job.request.encode())
        job.sent_at = now = self._loop.time()
        self._limit = now + (self._patience_s(job.request) if self._all_out else SEND_LIMIT_S)
        self._alarm.set(self._limit)

    def _send_next(self) -> None:
        if self._loan is not None:
            self._hand_over(self._loan)
            return
        while (job := self._queue.pop()) is not None:
            # whoever is told now and submits again must not jump the queue: hence call_soon
            if job.due <= self._loop.time():
                self._loop.call_soon(self._expire, job)
            elif job.veto is not None and (fault := job.veto()) is not None:
                self._loop.call_soon(self._settle, job, fault)
            else:
                self._send(job)
                return

    def _patience_s(self, request: Request) -> float:
        return reply_time_s(request, self._options.reply_timeout_s)

    def _settle(self, job: Job, outcome: Outcome) -> None:
        if job.abandoned:
            return
        try:
            job.done(outcome)
        except Exception as bug:  # noqa: BLE001  in a callback it would only be logged; `serve` raises it where it ends the agent
            self._finish(bug)
            self._end = bug

    def _expire(self, job: Job) -> None:
        self.counters.expired += 1
        if job.has_deadline:
            text = f"{job.request} was not sent: its time was over before the module was free"
            self._settle(job, RequestRejected(Reason.EXPIRED, text, "try again, or allow more time"))
        else:
            self._settle(job, LinkLost(f"{job.request} was not sent: the module does not answer at the moment"))

    # -- the loan

    def _on_loan(self, request: Request) -> LinkLost:
        who = "another program" if self._loan is None else self._loan.who
        return LinkLost(f"{request} was not sent: {who} has the module for itself")

    def _hand_over(self, loan: Loan) -> None:
        if self._link is None:
            raise RuntimeError(f"{self.address} is in step without a link")
        self._in_step = False
        self._link.flush_input()
        loan.grant(self._link)

    def _take_back(self, loan: Loan) -> None:
        self._loan = None
        if self._end is None and loan.is_running:
            self._ear = Ear()
            self._doubt = Doubt(torn=True, owed=1)
            self._troubled.set()
        loan.granted.cancel()

    # -- the one timer

    def _look_at_the_clock(self) -> None:
        now = self._loop.time()
        if self._current is not None and self._limit <= now:
            self._time_out(self._current)
        for job in self._queue.take_due(now):
            self._expire(job)
        if self._current is not None:
            self._alarm.set(self._limit)
        if (due := self._queue.next_due()) is not None:
            self._alarm.set(due)

    def _time_out(self, job: Job) -> None:
        if not self._all_out:
            self.link_lost("it takes no more bytes")
            return
        self.counters.timeouts += 1
        job.took_s = self._loop.time() - job.sent_at
        self._quarantine(job, ReplyTimeout(f"no answer to {job.request} within {self._patience_s(job.request):g} s", sent=True))

    # -- quarantine and end

    def _overhear(self, chunk: bytes) -> None:
        if self._ear is not None:
            self._ear.hear(chunk)
        else:
            self._strayed = True
            self.counters.stray_bytes += len(chunk)

    def _quarantine(self, job: Job, fault: LinkError) -> None:
        LOG.debug("%s: %s; the line is put in order before the next request", self.address, fault)
        self._in_step = False
        self._current = None
        self._reader.clear()
        self._ear = Ear()
        unheard = isinstance(fault, ReplyTimeout)  # then bytes of it may have been lost on the way as well
        self._doubt = Doubt(torn=unheard and job.request.is_write, owed=int(job.request.opcode == Opcode.GET_ID))
        self._settle(job, fault)
        self._troubled.set()

    async def _resync(self) -> None:
        try:
            await self._recover(silent=PROBES, doubt=self._doubt)
        except (ReplyTimeout, GarbledReply):
            self.counters.reopened += 1
            if self._link is not None:
                self._link.close()
            await self._open_link()
            await self._recover(silent=1, doubt=Doubt(owed=self._doubt.owed + PROBES))
        self.counters.resynced += 1
        self._resume()

    async def _open_link(self) -> Link:
        link = await self._dial(self.address, self, tls=self._options.tls)
        if self._end is not None:  # closed while the port was being opened
            link.close()
            raise self._end
        self._link = link
        return link

    async def _recover(self, *, silent: int, doubt: Doubt) -> None:
        if self._link is None or self._ear is None:
            raise RuntimeError(f"{self.address} is not in quarantine")
        resync = Resync(self._link, self._ear, reply_timeout_s=self._options.reply_timeout_s)
        await resync.recover(self.identity, silent=silent, doubt=doubt)

    def _resume(self) -> None:
        self._ear = None
        self._doubt = Doubt()
        self._in_step = True
        self._send_next()

    def _finish(self, end: Exception) -> None:
        """Nothing is sent any more, and everybody is told at once."""
        if self._end is not None:
            return
        self._end = end
        self._in_step = False
        if self._link is not None:
            self._link.close()
        self._alarm.stop()
        if self._ear is not None:
            self._ear.lose(LinkLost(str(end)))
        if self._loan is not None:
            self._doubt = Doubt(torn=True)
            self._loan.lose(LinkLost(str(end)))
        running, self._current = self._current, None
        if running is not None:
            self._doubt = Doubt(torn=True)
            self._settle(running, LinkLost(f"{end} while {running.request} waited for its answer", sent=True))
        for job in self._queue.take_all():
            self._settle(job, LinkLost(f"{job.request} was not sent: {end}"))
        self._troubled.set()
