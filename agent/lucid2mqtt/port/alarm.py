"""One timer for many times: it rings at the earliest of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `on_ring` once, at the earliest time it was set to since it rang last. Times are the loop's, in seconds."""

    def __init__(self, on_ring: Callable[[], None]) -> None:
        self._on_ring = on_ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def set(self, when: float) -> None:
        """Rings at `when`, or before."""
        if self._timer is None or self._timer.when() > when:
            self.stop()
            self._timer = self._loop.call_at(when, self._ring)

    def stop(self) -> None:
        """Forgets what it was set to."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._on_ring()
