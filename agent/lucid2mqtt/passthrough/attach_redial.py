"""When to dial again. Pure."""

from __future__ import annotations

FASTEST_S = 0.25
SLOWEST_S = 15.0
STEADY_S = 5.0
"""A connection that lasted so long was a good one. Shorter ones count as failures: a server that lets only the latest client
stay would otherwise be dialled in turns by two of us, for ever and as fast as the network goes."""


class Redial:
    """Waits twice as long after each failure in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def lasted(self, seconds: float) -> None:
        """A connection came about and lasted so long."""
        if seconds >= STEADY_S:
            self._failures = 0

    def delay_s(self, spread: float) -> float:
        """Seconds until the next try, 0.25 to 15. `spread` from 0 to 1 shortens it by up to half: many clients of one server must not
        come back in step.
        """
        longest = min(FASTEST_S * 2.0 ** min(self._failures, 10), SLOWEST_S)
        self._failures += 1
        return max(longest * (1 - spread / 2), FASTEST_S / 2)
