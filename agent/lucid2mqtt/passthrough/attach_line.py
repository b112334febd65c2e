"""Joins the application that has the device open to the other side. Pure: time is a parameter, bytes come and go by calls.

What is asked while there is no connection is dropped and counted. Sent later it would be answered later, when the application
has long given up and taken the answer for that to its next question; a module that is silent for a while it knows how to bear.

Answers carry no mark of whose they are. When an application leaves, an answer to it may still be under way; when the next one
begins while that is so, the connection is given up for a new one, so that the answer goes nowhere. The few milliseconds of
dialling the bytes of the newcomer are held. An answer is taken to be under way while the last word was the application's: of one
that asked twice at once and left between the two answers, the second may be missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lucid2mqtt.passthrough.wire import LineControls, Session, Wire

RENEWAL_S = 0.25
"""How long bytes are held for a renewed connection: what applications wait for a module, at least."""
HELD_LIMIT = 4096


@dataclass(slots=True)
class Traffic:
    """Bytes since the start. `dropped` came from applications without a connection, `stray` from the other side without an application."""

    sent: int = 0
    received: int = 0
    dropped: int = 0
    stray: int = 0


class Line:
    """`clock` gives seconds. `renew` is called to have the connection, which is being closed, dialled anew at once.
    `dropping` is called at the first bytes dropped after a connection was lost.
    """

    def __init__(self, clock: Callable[[], float], *, renew: Callable[[], None], dropping: Callable[[], None]) -> None:
        self._clock = clock
        self._renew = renew
        self._tell_dropping = dropping
        self._remote: Wire | None = None
        self._remote_is_stalled = False
        self._visit: _Visit | None = None
        self._is_owed = False  # the last word was the application's
        self._held = b""
        self._hold_until = clock()
        self._is_dropping = False
        self.traffic = Traffic()

    # -- the device

    def open_session(self, wire: Wire) -> Session:
        """An application begins to use the device."""
        self._visit = visit = _Visit(self, wire)
        if self._is_owed and self._remote is not None:
            remote = self._remote
            self.disconnected()
            self._hold_until = self._clock() + RENEWAL_S
            self._renew()
            remote.abort()
        if self._remote_is_stalled:
            wire.hold()
        return visit

    def from_application(self, chunk: bytes) -> None:
        if self._remote is not None:
            self._is_owed = True
            self.traffic.sent += len(chunk)
            self._remote.write(chunk)
        elif self._clock() < self._hold_until and len(self._held) + len(chunk) <= HELD_LIMIT:
            self._held += chunk
        else:
            self._drop(self._held + chunk)

    def application_stalled(self, *, stalled: bool) -> None:
        if self._remote is not None:
            if stalled:
                self._remote.hold()
            else:
                self._remote.go_on()

    def application_left(self, visit: _Visit) -> None:
        if self._visit is visit:
            self._visit = None
            self._held = b""
            self.application_stalled(stalled=False)

    # -- the other side

    def connected(self, remote: Wire) -> None:
        """A fresh connection: nothing is owed over it."""
        self._remote = remote
        self._is_owed = self._is_dropping = False
        if self._visit is not None and self._visit.is_stalled:
            remote.hold()
        held, self._held = self._held, b""
        if held and self._clock() < self._hold_until:
            self.from_application(held)
        elif held:
            self._drop(held)

    def received(self, chunk: bytes) -> None:
        self._is_owed = False
        if self._visit is None:
            self.traffic.stray += len(chunk)
        else:
            self.traffic.received += len(chunk)
            self._visit.wire.write(chunk)

    def remote_stalled(self, *, stalled: bool) -> None:
        self._remote_is_stalled = stalled
        if self._visit is not None:
            if stalled:
                self._visit.wire.hold()
            else:
                self._visit.wire.go_on()

    def disconnected(self) -> None:
        self._remote = None
        if self._remote_is_stalled:
            self.remote_stalled(stalled=False)

    def _drop(self, chunk: bytes) -> None:
        self._held = b""
        self.traffic.dropped += len(chunk)
        if not self._is_dropping:
            self._is_dropping = True
            self._tell_dropping()


class _Visit:
    """One application, from its first byte to its leaving."""

    controls: LineControls | None = None

    def __init__(self, line: Line, wire: Wire) -> None:
        self._line = line
        self.wire = wire
        self.is_stalled = False

    def received(self, chunk: bytes) -> None:
        self._line.from_application(chunk)

    def peer_finished(self) -> None:
        self.wire.abort()

    def stalled(self) -> None:
        self.is_stalled = True
        self._line.application_stalled(stalled=True)

    def flowing(self) -> None:
        self.is_stalled = False
        self._line.application_stalled(stalled=False)

    def lost(self) -> None:
        self._line.application_left(self)
