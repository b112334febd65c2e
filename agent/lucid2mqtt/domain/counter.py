"""Makes a total that never falls out of a module's 16-bit counter.

What a module does at 65535, and whether its counter survives a power cut, is open (protocol page 12.6).
The rules here prefer to lose a few pulses over inventing thousands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

COUNTER_SPAN = 65536
"""The counter is an unsigned 16-bit number (protocol page 5, CNT2)."""

FASTEST_HZ = 2000.0
"""Highest countable rate, at 50 % duty (protocol page 10)."""

_JITTER_S = 0.1  # how much later than we think the module may have taken the value


@dataclass(frozen=True, slots=True)
class PulseCount:
    """A total with the raw counter value it was last brought up to; both belong together on disk."""

    total: int = 0
    raw: int | None = None  # None: never read
    stuck: bool = False  # full scale twice in a row: perhaps saturated, the total may be too small

    def after(self, raw: int, *, elapsed_s: float | None) -> PulseCount:
        """The count after the running counter was read as `raw`.

        `elapsed_s` is the time since the last read, None after an interruption (start, module away): then a smaller
        value is a restarted counter, never a wrap. The first reading ever begins the total with the module's own count.
        """
        stuck = raw == self.raw == COUNTER_SPAN - 1
        if self.raw is None or raw >= self.raw:
            return PulseCount(self.total + raw - (self.raw or 0), raw, stuck)
        wrapped = raw + COUNTER_SPAN - self.raw
        gained = wrapped if _is_possible(wrapped, elapsed_s) else raw
        return PulseCount(self.total + gained, raw)

    def after_window(self, raw: int, *, elapsed_s: float | None) -> PulseCount:
        """The count after a counter that resets when read gave `raw`: every value is what was added.

        A repeated full scale that cannot have been reached in the time is a counter that does not reset, and adds nothing.
        """
        full_again = raw == self.raw == COUNTER_SPAN - 1
        if full_again and not _is_possible(raw, elapsed_s):
            return replace(self, stuck=True)
        return PulseCount(self.total + raw, raw, full_again)


def _is_possible(pulses: int, elapsed_s: float | None) -> bool:
    return elapsed_s is not None and pulses <= FASTEST_HZ * (elapsed_s + _JITTER_S)
