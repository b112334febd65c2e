"""ON for a while: when each pulse ends, kept on disk so that a crash does not leave an output on.

Running pulses follow the loop's clock; the wall clock is used only across a restart, and then never for longer than the
pulse was meant to last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.claims import Claim
from lucid2mqtt.engine.orders import Order
from lucid2mqtt.engine.point import LONGEST_PULSE_S, Point
from lucid2mqtt.engine.store import StateStore

RETRY_S = 5.0
"""Pause before an end that could not be written is tried again."""

SAVE_WITHIN_S = 1.0

PULSES = "pulses"
"""Name of the document in the state store: by serial/channel, the pulses that have not ended."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulse:
    """An output that is to go OFF at loop time `ends_at`, by the order of `who`."""

    channel: ChannelRef
    ends_at: float
    who: str
    claim: Claim | None = None


class Plan:
    """What an order about to be written means for the pulse of its channel; `revoke` when it was certainly not written."""

    def __init__(self, pulses: Pulses, point: Point, before: Pulse | None, *, begins_one: bool) -> None:
        self._pulses = pulses
        self._point = point
        self._before = before
        self._begins_one = begins_one

    def revoke(self) -> None:
        """All is as it was before the order."""
        self._pulses.restore(self._point, self._before)

    def doubt(self) -> None:
        """Nobody knows whether the order was carried out: whichever pulse there is stays, so that the output ends OFF."""
        if not self._begins_one:
            self.revoke()


class Pulses:
    """All pulses that run. `on_end` is called when one is over, again every few seconds until it is dropped or replaced."""

    def __init__(self, store: StateStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._document: dict[str, Any] = store.load(PULSES) or {}
        self._running: dict[str, Pulse] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.on_end: Callable[[Pulse], None] = lambda _: None

    @property
    def running(self) -> tuple[Pulse, ...]:
        return tuple(self._running.values())

    def is_running(self, point: Point, pulse: Pulse) -> bool:
        """False when a newer order replaced `pulse`."""
        return self._running.get(point.key) is pulse

    def plan(self, point: Point, order: Order, value: bool | float) -> Plan:
        """Replaces the pulse of the channel by what `order` says: ON for a while begins one, everything else ends it.

        Called before the write, so that a crash in between cannot leave the output on for ever.
        """
        before = self._running.get(point.key)
        lasts_s = order.for_s if order.for_s is not None else point.options.pulse_s
        if begins_one := value is True and lasts_s is not None:
            ends_at = asyncio.get_running_loop().time() + lasts_s
            self._put(point, Pulse(order.channel, ends_at, order.who, order.claim), lasts_s)
        else:
            self.drop(point)
        return Plan(self, point, before, begins_one=begins_one)

    def drop(self, point: Point) -> None:
        """The channel has no pulse any more."""
        self._running.pop(point.key, None)
        self._stop_timer(point.key)
        if self._document.pop(point.key, None) is not None:
            self._save()

    def restore(self, point: Point, pulse: Pulse | None) -> None:
        """Puts a pulse back that an order had replaced in vain; one that is over is tried again after a pause."""
        if pulse is None:
            self.drop(point)
            return
        now = asyncio.get_running_loop().time()
        self._put(point, pulse, max(pulse.ends_at - now, 0.0), timer_at=max(pulse.ends_at, now + RETRY_S))

    def resume(self, point: Point) -> bool:
        """The module of `point` arrived: its pulse goes on, and ends at once when it is over. False when there is none."""
        pulse = self._running.get(point.key)
        if pulse is None:
            left_s = self._left_s(point.key)
            if left_s is None:
                return False
            pulse = Pulse(point.channel.ref, asyncio.get_running_loop().time() + left_s, "a pulse from before the restart")
        self._running[point.key] = pulse
        self._start_timer(point.key, pulse.ends_at)
        return True

    def _put(self, point: Point, pulse: Pulse, left_s: float, *, timer_at: float | None = None) -> None:
        self._running[point.key] = pulse
        self._start_timer(point.key, pulse.ends_at if timer_at is None else timer_at)
        self._document[point.key] = {"ends_at": self._now().timestamp() + left_s, "lasts_s": left_s}
        self._save()

    def _start_timer(self, key: str, at: float) -> None:
        self._stop_timer(key)
        self._timers[key] = asyncio.get_running_loop().call_at(at, self._over, key)

    def _stop_timer(self, key: str) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _over(self, key: str) -> None:
        self._start_timer(key, asyncio.get_running_loop().time() + RETRY_S)
        self.on_end(self._running[key])

    def _left_s(self, key: str) -> float | None:
        entry = self._document.get(key)
        match entry:
            case None:
                return None
            case {"ends_at": int() | float() as ends_at, "lasts_s": int() | float() as lasts_s} if 0 <= lasts_s <= LONGEST_PULSE_S:
                return min(lasts_s, max(0.0, ends_at - self._now().timestamp()))  # in this order NaN gives 0
        _log.warning("the kept pulse %s cannot be used: %r; it ends now", key, entry)
        return 0.0

    def _save(self) -> None:
        self._store.save_soon(PULSES, self._document, within_s=SAVE_WITHIN_S)
