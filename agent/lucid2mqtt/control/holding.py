"""Which duty holds a temperature, found by watching a law that has come to rest."""

from __future__ import annotations

_AGREES = 0.06  # of the duty, absolute
_AGREES_SHARE = 0.2


class HoldingDuty:
    """Finds the duty that holds a temperature: the mean of two spans in a row that agree, while nothing moves."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._sum_s = 0.0
        self._mean: float | None = None

    def step(self, now: float, duty: float, elapsed_s: float, *, span_s: float, is_calm: bool) -> float | None:
        """The duty once it is known, from spans of `span_s`. Motion (not `is_calm`) begins anew."""
        if not is_calm:
            self._since = self._mean = None
            return None
        if self._since is None:
            self._since, self._sum_s = now, 0.0
            return None
        self._sum_s += duty * elapsed_s
        if now - self._since < span_s:
            return None
        before, self._mean = self._mean, self._sum_s / (now - self._since)
        self._since, self._sum_s = now, 0.0
        agree = before is not None and abs(self._mean - before) <= max(_AGREES, _AGREES_SHARE * before)
        return (self._mean + before) / 2 if agree and before is not None else None
