"""attach: keeps the connection of an attached port, for as long as the program runs; the device stays whatever happens to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Callable
from typing import NoReturn, Protocol

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.passthrough.attach_connection import client_context, connect
from lucid2mqtt.passthrough.attach_line import Line
from lucid2mqtt.passthrough.attach_redial import Redial
from lucid2mqtt.passthrough.attach_remote import ClientTls, Remote
from lucid2mqtt.passthrough.wire import Session, Wire

SETTLE_S = 0.5
"""With TLS 1.3 a server turns a client away only after the handshake: a connection counts when it lasted so long."""
_log = logging.getLogger(__name__)


class Device(Protocol):
    """What applications open."""

    async def until_lost(self) -> None:
        """Raises LinkLost when it is gone; waits for ever otherwise."""

    def close(self) -> None: ...


OpenDevice = Callable[[Callable[[Wire], Session]], Device]


async def attach(
    remote: Remote,
    open_device: OpenDevice,
    *,
    tls: ClientTls | None,
    ready: Callable[[], None],
    status: Callable[[str], None],
) -> None:
    """Until cancelled. `ready` is called when the device is there, connected or not; `status` with one line at each change.

    Raises LinkError when the device cannot be opened or is lost, TlsFault when the files of `tls` cannot be used at the start.
    """
    if tls is not None:
        client_context(tls)  # what is wrong from the beginning is for the user at the keyboard, not for the log
    dialer = Dialer(remote, tls, status)
    with contextlib.closing(open_device(dialer.line.open_session)) as device:
        ready()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(dialer.run(), name=f"dial:{remote}")
                tasks.create_task(device.until_lost(), name="device")
        except* LinkLost as lost:
            raise lost.exceptions[0] from None


class Dialer:
    """Dials, and dials again."""

    def __init__(self, remote: Remote, tls: ClientTls | None, status: Callable[[str], None]) -> None:
        self._remote = remote
        self._tls = tls
        self._status = status
        self._loop = asyncio.get_running_loop()
        self._redial = Redial()
        self._is_renewing = False
        self._is_told_connected = False
        self._told: set[str] = set()
        self._away_since = self._loop.time()
        self._dropped_before = 0
        self.line = Line(self._loop.time, renew=self._renew, dropping=self._dropping)

    async def run(self) -> NoReturn:
        while True:
            try:
                reason = await self._one_connection()
            except LinkLost as fault:
                reason = str(fault)
            if self._is_renewing:
                self._is_renewing = False
                continue
            self._tell_lost(reason)
            await asyncio.sleep(self._redial.delay_s(random.random()))  # noqa: S311  spread, not secrecy

    async def _one_connection(self) -> str:
        """Dials once and gives the reason of the end. Raises LinkLost when no connection comes about."""
        self._is_renewing = False
        connection = await connect(self._remote, self.line, await self._context(), None if self._tls is None else self._tls.server_name)
        since = self._loop.time()
        settled = self._loop.call_later(SETTLE_S, self._tell_connected)
        try:
            reason = await connection.closed
        finally:
            settled.cancel()
            connection.abort()
        self._redial.lasted(self._loop.time() - since)
        if self._loop.time() - since >= SETTLE_S:
            self._away_since = self._loop.time()
        return reason

    async def _context(self) -> ssl.SSLContext | None:
        """Read for every connection: certificates are renewed while we run."""
        return None if self._tls is None else await asyncio.to_thread(client_context, self._tls)

    def _renew(self) -> None:
        self._is_renewing = True

    def _dropping(self) -> None:
        _log.warning("%s: no connection; what applications ask now is dropped, not sent later", self._remote)

    def _tell_connected(self) -> None:
        if self._is_told_connected:  # renewed in between
            return
        self._is_told_connected = True
        dropped = self.line.traffic.dropped - self._dropped_before
        lost = f"; {dropped} bytes of applications were dropped" if dropped else ""
        if self._told:
            _log.warning("%s: connected again after %.1f s%s", self._remote, self._loop.time() - self._away_since, lost)
        else:
            _log.info("%s: connected%s", self._remote, lost)
        self._told.clear()
        self._dropped_before = self.line.traffic.dropped
        self._status(f"connected to {self._remote}")

    def _tell_lost(self, reason: str) -> None:
        """Each reason once while the connection is away."""
        level = logging.DEBUG if reason in self._told else logging.WARNING
        _log.log(level, "%s: %s; dialling again, the device stays", self._remote, reason)
        self._told.add(reason)
        self._is_told_connected = False
        self._status(f"no connection to {self._remote}: {reason}")
