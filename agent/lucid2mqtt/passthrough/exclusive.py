"""One client at a time with a whole line: a module on loan, or a serial device that is no module."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.engine.house import House
from lucid2mqtt.errors import LinkError, LinkLost, RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import get_id
from lucid2mqtt.passthrough.door import Door, Guest
from lucid2mqtt.passthrough.line import RawLine, RawUser
from lucid2mqtt.passthrough.options import LineSettings
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.raw_session import RawSession
from lucid2mqtt.passthrough.rights import Access
from lucid2mqtt.passthrough.shared_module import SharedModule
from lucid2mqtt.passthrough.wire import LineControls, Wire

QUIET_S = 0.5
"""Silence before a device is given to the next client, so that no late answer reaches the wrong one."""
NOISE_LIMIT_S = 5.0
"""A device that never falls silent is given on after this time: it speaks by itself."""
BACK_WITHIN_S = 15.0
"""How long a module may take to be in step again after a client had it."""

_log = logging.getLogger(__name__)


class PlainDevice(RawLine, LineControls, Protocol):
    """A serial device that is no module."""

    @property
    def unsent(self) -> int:
        """Bytes written that have not left the device yet."""

    def close(self) -> None: ...


class OpenDevice(Protocol):
    """Opens a serial device for one user. Raises LinkBusy, LinkLost."""

    async def __call__(
        self, path: str, user: RawUser, *, baud_rate: int, data_bits: int, parity: str, stop_bits: float, rtscts: bool, xonxoff: bool
    ) -> PlainDevice: ...


Lease = AbstractAsyncContextManager[tuple[RawLine, LineControls | None]]


class RawSource(Protocol):
    """Where an exclusive client's bytes go."""

    def objection(self) -> str:
        """Why nobody can have it now; empty when somebody can."""

    def recall(self) -> str:
        """Why whoever has it must give it back now; empty when not."""

    def lease(self, user: RawUser, *, who: str) -> Lease:
        """The line, for the time of the block. Raises LinkError and RequestRejected; afterwards it is fit for the next one."""


class ExclusiveRoom:
    """Gives one line to one client after the other."""

    def __init__(self, source: RawSource, spawn: Callable[[Coroutine[Any, Any, None], str], None]) -> None:  # Any: asyncio's own
        self._source = source
        self._spawn = spawn
        self._holder: RawSession | None = None
        self._lock = asyncio.Lock()

    def serve(self, wire: Wire, peer: Peer, door: Door) -> Guest | str:
        """The session of a client, or why it cannot have the line."""
        if self._holder is not None and not self._holder.is_leaving:
            return f"{self._holder.identity} has it"
        if door.rights.of(peer).most < Access.ALL:
            return "it needs the right `all`"
        if why := self._source.objection():
            return why
        session = self._holder = RawSession(wire, peer, door)
        self._spawn(self._serve(session, door), f"exclusive:{door.target}")
        return session

    async def _serve(self, session: RawSession, door: Door) -> None:
        try:
            async with self._lock:
                if not session.is_over:
                    await self._give(session, door)
        except (LinkError, RequestRejected) as fault:
            door.complain(session.identity, "exclusive", f"its connection is closed: {fault}")
        finally:
            session.dismiss()

    async def _give(self, session: RawSession, door: Door) -> None:
        async with self._source.lease(session, who=session.identity) as (line, controls):
            _log.info("%s: %s has it for itself", door.target, session.peer)
            why = await session.use(line, controls, door.options.idle_s, self._source.recall)
            session.dismiss()
            _log.info("%s: %s does not have it for itself any more: %s", door.target, session.peer, why)


class ModuleSource:
    """A module, taken out of everybody's reach for a while.

    Not while a controller owns one of its outputs: then it comes back, even early. And not while an output still has to be
    switched off by itself, because nobody could do that in time. `pending` tells of that, in words.
    """

    def __init__(self, module: SharedModule, house: House, pending: Callable[[ChannelRef], str]) -> None:
        self._module = module
        self._house = house
        self._pending = pending

    def objection(self) -> str:
        if self._module.line is None:
            return f"the module is away: {self._module.why_away}"
        if why := self.recall():
            return why
        for number, ref in self._module.outputs.items():
            if why := self._pending(ref):
                return f"channel {number} has to be switched off in time ({why}): wait for that, or switch it off first"
        return ""

    def recall(self) -> str:
        for number, owner in self._module.claims.items():
            return f"channel {number} belongs to {owner}, which must not lose the module: use a shared listener, or stop {owner} first"
        return ""

    @contextlib.asynccontextmanager
    async def lease(self, user: RawUser, *, who: str) -> AsyncIterator[tuple[RawLine, LineControls | None]]:
        line = self._module.line
        why = self.objection()
        if line is None or why:
            raise LinkLost(f"{self._module.name} cannot be given away: {why}")
        async with line.lend(user, who=who) as raw:
            await asyncio.sleep(0)  # whoever asked last puts its reading up first
            if why := self.objection():  # the last transaction took its time
                raise LinkLost(f"{self._module.name} cannot be given away: {why}")
            self._module.mark(Quality.STALE, f"{who} has the module for itself")
            yield raw, None
        await self._look_again()

    async def _look_again(self) -> None:
        """Waits until the module is in step, then reads everything; where that fails, the module is looked at again later."""
        live = self._module.live
        if live is None:
            return
        deadline = asyncio.get_running_loop().time() + BACK_WITHIN_S
        try:
            await live.line.transact(get_id(), turn=Turn.COMMAND, client="passthrough", deadline=deadline)
            await self._house.look_again(self._module.name)
            await self._house.read_now(self._module.name)
        except (LinkError, RequestRejected) as fault:
            _log.warning("%s: not in step after exclusive use: %s", self._module.name, fault)
            self._module.may_work_otherwise()


class DeviceSource:
    """A serial device that is no module: opened for each client, closed after it."""

    def __init__(self, path: str, line: LineSettings, open_device: OpenDevice) -> None:
        self._path = path
        self._line = line
        self._open = open_device

    def objection(self) -> str:
        return ""

    def recall(self) -> str:
        return ""

    @contextlib.asynccontextmanager
    async def lease(self, user: RawUser, *, who: str) -> AsyncIterator[tuple[RawLine, LineControls | None]]:
        del who  # the device has one user at a time, whoever it is
        ear = _Ear(user)
        line = self._line
        device = await self._open(
            self._path,
            ear,
            baud_rate=line.baud_rate,
            data_bits=line.data_bits,
            parity=line.parity,
            stop_bits=line.stop_bits,
            rtscts=line.rtscts,
            xonxoff=line.xonxoff,
        )
        try:
            yield device, device
            await ear.quiet(device)
        finally:
            device.close()


class _Ear:
    """Passes what a device says on to its user, until only silence is wanted."""

    def __init__(self, user: RawUser) -> None:
        self._user: RawUser | None = user
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._is_lost = False

    async def quiet(self, device: PlainDevice) -> None:
        """Lets everything out, then swallows bytes until none came for QUIET_S; all this for NOISE_LIMIT_S at most."""
        self._user = None
        begun = self._heard_at = self._loop.time()
        while not self._is_lost and self._loop.time() - begun < NOISE_LIMIT_S:
            if device.unsent:
                self._heard_at = self._loop.time()
            left_s = self._heard_at + QUIET_S - self._loop.time()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, QUIET_S / 4))

    def bytes_arrived(self, chunk: bytes) -> None:
        self._heard_at = self._loop.time()
        if self._user is not None:
            self._user.bytes_arrived(chunk)

    def all_written(self) -> None:
        if self._user is not None:
            self._user.all_written()

    def link_lost(self, reason: str) -> None:
        self._is_lost = True
        if self._user is not None:
            self._user.link_lost(reason)
