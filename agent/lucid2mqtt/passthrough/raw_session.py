"""A client that has a line for itself: bytes both ways, untouched."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from lucid2mqtt.passthrough.door import Door
from lucid2mqtt.passthrough.line import RawLine
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.rights import Access, Grant
from lucid2mqtt.passthrough.traffic import Traffic
from lucid2mqtt.passthrough.wire import LineControls, Wire

LINGER_S = 0.25
"""How long answers are still passed on, after the last of them, to a client that has said its last word."""


class RawSession:
    """A connection, held until the line is there, then joined to it. Also the user of that line."""

    def __init__(self, wire: Wire, peer: Peer, door: Door) -> None:
        self.peer = peer
        self.identity = peer.identity
        self.traffic = Traffic()
        self.controls: LineControls | None = None
        self._wire = wire
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._line: RawLine | None = None
        self._moved_at = 0.0
        self._is_finished = False
        self._over = asyncio.Event()
        wire.hold()

    @property
    def grant(self) -> Grant:
        return self._door.rights.of(self.peer)

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    @property
    def is_leaving(self) -> bool:
        """True when it says nothing more, so that the next client can wait for it."""
        return self._is_finished or self.is_over

    async def use(self, line: RawLine, controls: LineControls | None, idle_s: float | None, recall: Callable[[], str]) -> str:
        """Passes bytes until the client is gone, nothing was said for `idle_s`, or `recall` says why it is over; tells why it ended."""
        self._line, self.controls = line, controls
        self._moved_at = self._loop.time()
        self._wire.go_on()
        try:
            return await self._end(idle_s, recall)
        finally:
            self._line = self.controls = None

    async def _end(self, idle_s: float | None, recall: Callable[[], str]) -> str:
        begun = self._loop.time()
        while not self._over.is_set():
            self.traffic.busy_s = self._loop.time() - begun
            if why := recall():
                return why
            limit_s = LINGER_S if self._is_finished else idle_s
            left_s = None if limit_s is None else self._moved_at + limit_s - self._loop.time()
            if left_s is not None and left_s <= 0:
                return "it is done" if self._is_finished else f"nothing was said for {limit_s:g} s"
            with contextlib.suppress(TimeoutError):
                # a client's last word shortens the wait, a recall ends it: look again by then at the latest
                async with asyncio.timeout(LINGER_S if left_s is None else min(left_s, LINGER_S)):
                    await self._over.wait()
        return "it left"

    # -- the wire's side

    def received(self, chunk: bytes) -> None:
        self._moved_at = self._loop.time()
        self.traffic.bytes_in += len(chunk)
        if self._line is not None and not self._line.write(chunk):
            self._wire.hold()

    def peer_finished(self) -> None:
        self._is_finished = True
        self._moved_at = self._loop.time()

    def stalled(self) -> None:
        """Nothing to do: a device does not wait, and a wire that is stuck too long is cut off."""

    def flowing(self) -> None: ...
    def lost(self) -> None:
        self._over.set()
        self._door.leave(self)

    # -- the line's side

    def bytes_arrived(self, chunk: bytes) -> None:
        self._moved_at = self._loop.time()
        self.traffic.bytes_out += len(chunk)
        self._wire.write(chunk)

    def all_written(self) -> None:
        self._wire.go_on()

    def link_lost(self, reason: str) -> None:
        self._door.complain(self.identity, "lost", f"its connection is closed: {reason}")
        self.dismiss()

    # -- the door's side

    def dismiss(self) -> None:
        """Closes the connection when everything written is out."""
        self._over.set()
        self._wire.finish()

    def cut_off(self) -> None:
        """Closes the connection at once."""
        self._over.set()
        self._wire.abort()

    def rights_changed(self) -> None:
        if self.grant.most < Access.ALL:
            self.dismiss()
