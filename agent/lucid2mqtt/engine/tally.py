"""Pulse totals of all counting inputs, kept over restarts together with the raw value they were made from."""

from __future__ import annotations

import logging
from typing import Any

from lucid2mqtt.domain.counter import PulseCount
from lucid2mqtt.engine.store import StateStore

SAVE_WITHIN_S = 60.0
"""Totals are on disk at most this late; also at every orderly stop."""

_DOCUMENT = "counters"

_log = logging.getLogger(__name__)


class Tally:
    """The running total of one input."""

    def __init__(self, key: str, count: PulseCount, book: TallyBook) -> None:
        self._key = key
        self._count = count
        self._book = book
        self._taken_at: float | None = None

    def interrupted(self) -> None:
        """The module was away: what its counter did meanwhile is unknown."""
        self._taken_at = None

    def running(self, raw: int, at: float) -> PulseCount:
        """Counts on from a counter that runs by itself, read at loop time `at`."""
        return self._keep(self._count.after(raw, elapsed_s=self._elapsed(at)), at)

    def resetting(self, raw: int, at: float) -> PulseCount:
        """Counts on from a counter or an edge that reading sets back to 0."""
        return self._keep(self._count.after_window(raw, elapsed_s=self._elapsed(at)), at)

    def _elapsed(self, at: float) -> float | None:
        return None if self._taken_at is None else at - self._taken_at

    def _keep(self, count: PulseCount, at: float) -> PulseCount:
        self._taken_at = at
        if count != self._count:
            self._count = count
            self._book.note(self._key, count)
        return count


class TallyBook:
    """Hands out tallies; one document holds them all. What is unusable in it begins anew, with a log line."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._document = store.load(_DOCUMENT) or {}
        self._tallies: dict[str, Tally] = {}

    def open(self, key: str) -> Tally:
        """The tally of `key` ("serial/channel/signal"); the same one every time."""
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally(key, _count_from(key, self._document.get(key)), self)
        return tally

    def note(self, key: str, count: PulseCount) -> None:
        self._document[key] = {"total": count.total, "raw": count.raw}
        self._store.save_soon(_DOCUMENT, self._document, within_s=SAVE_WITHIN_S)


def _count_from(key: str, entry: Any) -> PulseCount:  # Any: read from a file that anybody may have edited
    match entry:
        case None:
            return PulseCount()
        case {"total": int(total), "raw": int(raw)} if total >= 0 and 0 <= raw < 65536:
            return PulseCount(total, raw)
    _log.warning("the kept total of counter %s cannot be used: %r; it begins anew", key, entry)
    return PulseCount()
