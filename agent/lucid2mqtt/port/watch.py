"""Watches for ports that come and go, and keeps a supervisor on each one that is there."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping

from lucid2mqtt.errors import LinkError, LinkLost
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.port.address import Address
from lucid2mqtt.port.candidates import Candidate, DeviceKey, Patterns
from lucid2mqtt.port.counters import PortCounters
from lucid2mqtt.port.options import PortOptions, TlsOptions
from lucid2mqtt.port.owner import PortOwner
from lucid2mqtt.port.supervisor import ModuleListener, PortState, PortStatus, PortSupervisor, Roster
from lucid2mqtt.port.usb import usb_ports

__all__ = ["ModuleListener", "PortCounters", "PortOptions", "PortState", "PortStatus", "PortWatch", "TlsOptions", "open_module"]

FULL_SCAN_S = 30.0
"""How often the ports are listed even though no folder changed."""
OPEN_LIMIT_S = 5.0
"""How long `open_module` may take altogether."""

UsbPorts = Callable[[], Mapping[str, str] | None]


class PortWatch:
    """Finds the ports that match the options and tells `listener` of the modules behind them."""

    def __init__(self, options: PortOptions, listener: ModuleListener, *, usb_ports: UsbPorts = usb_ports) -> None:
        """Raises ValueError for a pattern that is none. `usb_ports` gives USB ids by device, None for "ask again"."""
        self._options = options
        self._listener = listener
        self._usb_ports = usb_ports
        self._patterns = Patterns.parse(options.patterns)
        self._supervised: dict[DeviceKey, tuple[PortSupervisor, asyncio.Task[None]]] = {}
        self._seen: tuple[object, ...] | None = None
        self._scanned_at = 0.0
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """Runs until cancelled. All ports of a scan are opened at once; one that hangs holds up no other."""
        roster = Roster()
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._scan(group, roster)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._options.scan_s):
                            await self._asked.wait()
        finally:
            self._supervised.clear()

    def rescan(self) -> None:
        """Looks at every port again now, also at those that are left alone."""
        self._seen = None
        for supervisor, _ in self._supervised.values():
            supervisor.poke()
        self._asked.set()

    def status(self) -> tuple[PortStatus, ...]:
        """Every port that is there, and every one the user wrote down that is not."""
        missing = [PortStatus(path, PortState.WAITING, "not plugged in") for path in self._patterns.missing()]
        return (*(supervisor.status for supervisor, _ in self._supervised.values()), *missing)

    async def _scan(self, group: asyncio.TaskGroup, roster: Roster) -> None:
        self._asked.clear()
        now = asyncio.get_running_loop().time()
        seen = self._look()
        if seen == self._seen and now - self._scanned_at < FULL_SCAN_S:
            return
        candidates = await asyncio.to_thread(self._list)
        if candidates is None:
            return
        self._seen = seen
        self._scanned_at = now
        there = {candidate.key: candidate for candidate in candidates}
        for key in self._supervised.keys() - there.keys():
            supervisor, task = self._supervised.pop(key)
            supervisor.device_gone()
            task.cancel()
        for key, candidate in there.items():
            if key in self._supervised:
                self._supervised[key][0].seen_as(candidate)
            else:
                supervisor = PortSupervisor(candidate, self._options, roster, self._listener)
                self._supervised[key] = supervisor, group.create_task(supervisor.run(), name=f"port:{candidate.address}")

    def _look(self) -> tuple[object, ...]:
        """What changes when a device comes or goes: a few stat calls, some microseconds each."""
        devices = [key[0] for key in self._supervised if key[1]]
        return (*map(_changed_at, self._patterns.folders()), *map(_inode, (*self._patterns.paths, *devices)))

    def _list(self) -> tuple[Candidate, ...] | None:
        usb = self._usb_ports() if self._patterns.needs_usb else {}
        return None if usb is None else self._patterns.candidates(usb, self._options.usb_ids)


@contextlib.asynccontextmanager
async def open_module(
    address: Address, options: PortOptions, *, within_s: float = OPEN_LIMIT_S
) -> AsyncIterator[tuple[Identity, PortOwner]]:
    """The module at `address`, for the time of the block. Raises LinkBusy, LinkLost, ReplyTimeout or GarbledReply."""
    owner = PortOwner(address, options)
    try:
        async with asyncio.timeout(within_s):
            identity = await owner.open(feed=True)
    except TimeoutError as fault:
        raise LinkLost(f"{address} did not open within {within_s:g} s") from fault
    serving = asyncio.create_task(owner.serve(), name=f"port:{address}")
    try:
        yield identity, owner
    finally:
        owner.close()
        with contextlib.suppress(LinkError):  # whoever asked was told
            await serving


def _changed_at(folder: str) -> int | None:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116  every second for every folder, a Path would be half the cost
    except OSError:
        return None


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  as above
    except OSError:
        return None
    return found.st_ino, found.st_rdev
