"""Between a virtual module and the wire it hangs on, driven by callbacks on the running loop.

With a reply delay of 0 the answer is written in the callback that read the request.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from lucid2mqtt.sim.module import VirtualModule


class Wire(Protocol):
    """The client's side of a pump."""

    def send(self, data: bytes) -> None:
        """Write all of it, now or as soon as the client takes it."""

    def hold_back(self, *, held: bool) -> None:
        """Read nothing from the client while `held`."""


class Pump:
    """Moves bytes between a module and a wire, and wakes up when a reply is due."""

    def __init__(self, module: VirtualModule, wire: Wire) -> None:
        self._module = module
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._surplus = b""
        self._holds_back = False
        self.flush()

    def receive(self, data: bytes) -> None:
        """Bytes for the module; what it has no room for waits here, and the client with it."""
        self._surplus += data
        self.flush()

    def flush(self) -> None:
        """Send what is due, and come back for the rest."""
        self._move()
        if bool(self._surplus) != self._holds_back:
            self._holds_back = not self._holds_back
            self._wire.hold_back(held=self._holds_back)
        self.stop()
        due = self._module.next_event()
        if due is not None:
            self._timer = self._loop.call_at(due, self.flush)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _move(self) -> None:
        now = self._loop.time()
        while True:
            data = self._surplus[: self._module.room]
            if data:
                self._surplus = self._surplus[len(data) :]
                self._module.receive(data, now)
            replies = self._module.replies_due(now)
            if replies:
                self._wire.send(replies)
            elif not data:
                return
