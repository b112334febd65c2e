"""Decides when a reading is news."""

from __future__ import annotations

from lucid2mqtt.domain.reading import Reading, Value


class ChangeGate:
    """Passes a reading when its value left the dead band, its quality changed, or the heartbeat is due.

    `deadband` is in the reading's unit (0: every change of the value); `min_interval_s` holds back changes of value,
    never of quality or of a switch state; `max_interval_s` repeats an unchanged value (the heartbeat).
    Time is the caller's monotonic clock in seconds.
    """

    def __init__(self, *, deadband: float = 0.0, min_interval_s: float = 0.0, max_interval_s: float = 60.0) -> None:
        self._deadband = deadband
        self._min_interval_s = min_interval_s
        self._max_interval_s = max_interval_s
        self._passed: Reading | None = None
        self._passed_at = 0.0

    def admits(self, reading: Reading, now: float) -> bool:
        """True when `reading` is news at `now`; it is then remembered as the last one told."""
        if not self._is_news(reading, now):
            return False
        self._passed = reading
        self._passed_at = now
        return True

    def _is_news(self, reading: Reading, now: float) -> bool:
        last = self._passed
        if last is None or reading.quality is not last.quality or reading.reason != last.reason:
            return True
        age = now - self._passed_at
        if age >= self._max_interval_s:
            return True
        if isinstance(reading.value, bool):
            return reading.value != last.value
        return age >= self._min_interval_s and self._moved(last.value, reading.value)

    def _moved(self, old: Value | None, new: Value | None) -> bool:
        if old is None or new is None:
            return old is not new
        return old != new if self._deadband <= 0 else abs(new - old) >= self._deadband
