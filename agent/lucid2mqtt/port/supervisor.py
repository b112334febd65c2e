"""One port, for as long as its device is there: opened, asked who is behind it, served, and opened again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn, Protocol

from lucid2mqtt.errors import GarbledReply, LinkBusy, LinkError, ReplyTimeout
from lucid2mqtt.lucid.exchange import Transactor
from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.port.candidates import Candidate, Trust
from lucid2mqtt.port.counters import PortCounters
from lucid2mqtt.port.dial import Dial, open_link
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.owner import PortOwner

LOG = logging.getLogger(__name__)

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
BUSY_DELAY_S = 5.0


class PortState(StrEnum):
    """What goes on at a port."""

    OPEN = "open"  # a module answers
    WAITING = "waiting"  # not there, not reachable, or not opened yet
    BUSY = "busy"  # another program holds it
    FOREIGN = "foreign"  # no LucidControl module, or one that is used on another port; left alone
    SILENT = "silent"  # nothing answers; asked again with growing delay


@dataclass(frozen=True, slots=True)
class PortStatus:
    """A port as `list` and the diagnostics show it.

    `identity` is that of the module that answers or answered last; `counters` go on counting.
    """

    port: str
    state: PortState
    detail: str = ""
    identity: Identity | None = None
    counters: PortCounters | None = None


class ModuleListener(Protocol):
    """Hears of modules. Called on the loop; every arrival is followed by exactly one leaving of the same identity."""

    def module_arrived(self, identity: Identity, line: Transactor, port: str) -> None:
        """`line` leads to this module and no other, until it left."""

    def module_left(self, identity: Identity, reason: str) -> None:
        """`reason` is a sentence for the owner of the house."""


class Roster:
    """Which module is on which port, so that none is served twice, and since when those that left are gone."""

    def __init__(self) -> None:
        self._ports: dict[_Person, str] = {}
        self._left_at: dict[_Person, float] = {}
        self._somebody_left = asyncio.Event()

    def port_of(self, identity: Identity) -> str | None:
        """The port on which this module is served."""
        return self._ports.get(_person(identity))

    async def until_left(self, identity: Identity) -> None:
        """Waits until the module is served nowhere."""
        while self.port_of(identity) is not None:
            await self._somebody_left.wait()

    @contextlib.contextmanager
    def entry(self, identity: Identity, port: str) -> Iterator[float | None]:
        """Enters the module for the time of the block; gives the seconds it was gone, None when it is new."""
        now = asyncio.get_running_loop().time
        person = _person(identity)
        left_at = self._left_at.pop(person, None)
        self._ports[person] = port
        try:
            yield None if left_at is None else now() - left_at
        finally:
            del self._ports[person]
            self._left_at[person] = now()
            self._somebody_left.set()
            self._somebody_left = asyncio.Event()


class PortSupervisor:
    """Keeps one port going; `run` ends only by cancellation or by a bug."""

    def __init__(
        self, candidate: Candidate, options: PortOptions, roster: Roster, listener: ModuleListener, *, dial: Dial = open_link
    ) -> None:
        self._address = candidate.address
        self._trust = candidate.trust
        self._options = options
        self._roster = roster
        self._listener = listener
        self._dial = dial
        self._counters = PortCounters()
        self._state = PortState.WAITING
        self._detail = "being opened"
        self._identity: Identity | None = None
        self._told: set[PortState] = set()
        self._torn = False
        self._device_gone = False
        self._poked = asyncio.Event()

    @property
    def status(self) -> PortStatus:
        return PortStatus(self._port, self._state, self._detail, self._identity, self._counters)

    @property
    def _port(self) -> str:
        return str(self._address)

    def seen_as(self, candidate: Candidate) -> None:
        """The device has another name now, by which it is opened the next time: a link came later, or was renamed."""
        self._address = candidate.address
        self._trust = max(self._trust, candidate.trust)

    def poke(self) -> None:
        """Look again at once, also at what was left alone."""
        self._poked.set()

    def device_gone(self) -> None:
        """To be said before `run` is cancelled because the device went away."""
        self._device_gone = True

    async def run(self) -> NoReturn:
        delays = _growing_delays()
        while True:
            self._poked.clear()
            try:
                await self._meet_and_serve()
            except LinkError as fault:
                if self._state is PortState.OPEN:
                    delays = _growing_delays()
                self._tell(*self._judge(fault))
            await self._pause(delays)

    async def _meet_and_serve(self) -> NoReturn:
        owner = PortOwner(self._address, self._options, counters=self._counters, dial=self._dial)
        identity = await owner.open(feed=self._trust is not Trust.GUESSED, torn=self._torn)
        self._identity = identity
        self._trust = Trust.PROVEN
        try:
            if (other := self._roster.port_of(identity)) is not None:
                raise _Twin(identity, other)
            with self._roster.entry(identity, self._port) as gone_s:
                await self._announce_and_serve(owner, identity, gone_s)
        finally:
            owner.close()
            self._torn = owner.torn

    async def _announce_and_serve(self, owner: PortOwner, identity: Identity, gone_s: float | None) -> NoReturn:
        reason = "the port is closed"
        self._arrived(identity, gone_s)
        self._listener.module_arrived(identity, owner, self._port)
        try:
            await owner.serve()
        except LinkError as fault:
            reason = str(fault)
            LOG.warning("%s: %s is gone: %s", self._port, _title(identity), reason)
            raise
        except asyncio.CancelledError:
            if self._device_gone:
                reason = "it was unplugged"
                LOG.warning("%s: %s is gone: %s", self._port, _title(identity), reason)
            raise
        finally:
            owner.close()
            self._listener.module_left(identity, reason)

    def _arrived(self, identity: Identity, gone_s: float | None) -> None:
        self._state = PortState.OPEN
        self._detail = ""
        self._told = {PortState.WAITING, PortState.SILENT}  # should it go, that is said when it goes
        if gone_s is None:
            LOG.info("%s: %s found", self._port, _title(identity))
        else:
            LOG.info("%s: %s is back after %s", self._port, _title(identity), _duration(gone_s))

    def _judge(self, fault: LinkError) -> tuple[PortState, str]:
        match fault:
            case _Twin():
                state = PortState.FOREIGN
            case LinkBusy():
                state = PortState.BUSY
            case ReplyTimeout():
                state = PortState.FOREIGN if self._trust is Trust.GUESSED else PortState.SILENT
            case GarbledReply():
                state = PortState.SILENT if self._trust >= Trust.USB_ID else PortState.FOREIGN
            case _:
                state = PortState.WAITING
        return state, str(fault)

    def _tell(self, state: PortState, detail: str) -> None:
        """Once per state and life of the module; a retry that fails alike is no news."""
        self._state = state
        self._detail = detail
        level = logging.DEBUG if state in self._told else _LEVELS[state]
        self._told.add(state)
        LOG.log(level, "%s; %s", detail if detail.startswith(str(self._port)) else f"{self._port}: {detail}", _OUTLOOK[state])

    async def _pause(self, delays: Iterator[float]) -> None:
        if self._state is PortState.FOREIGN:
            if self._identity is not None and self._roster.port_of(self._identity) is not None:
                await self._roster.until_left(self._identity)
            else:
                await self._poked.wait()
            return
        within_s = BUSY_DELAY_S if self._state is PortState.BUSY else next(delays)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._poked.wait()


_Person = tuple[int, int]
_LEVELS = {
    PortState.BUSY: logging.WARNING,
    PortState.WAITING: logging.WARNING,
    PortState.SILENT: logging.WARNING,
    PortState.FOREIGN: logging.INFO,
}
_OUTLOOK = {
    PortState.BUSY: "tried again every few seconds",
    PortState.WAITING: "waiting for it",
    PortState.SILENT: "asked again from time to time",
    PortState.FOREIGN: "left alone",
}


class _Twin(LinkError):
    """The module is served on another port already."""

    def __init__(self, identity: Identity, port: str) -> None:
        super().__init__(f"{_title(identity)} answers here, but is in use on {port} already")


def _person(identity: Identity) -> _Person:
    return identity.class_code, identity.serial


def _title(identity: Identity) -> str:
    family = FAMILIES.get(identity.class_code)
    return f"{family.name if family else 'module'} with serial number {identity.serial}"


def _growing_delays() -> Iterator[float]:
    """Seconds between tries: doubling, and spread so that many ports do not try in step."""
    delay_s = FIRST_DELAY_S
    while True:
        yield delay_s * random.uniform(0.8, 1.2)  # noqa: S311  nothing secret
        delay_s = min(2 * delay_s, LONGEST_DELAY_S)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
