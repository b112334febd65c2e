"""How long outputs have been on, whoever switched them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading

RETRY_S = 5.0
"""Pause before `on_exceeded` is called again for an output that still does not read OFF."""


class OnTimeLimits:
    """Counts from the first reading that shows ON; a reading that shows OFF ends it, a reading without a value changes nothing."""

    def __init__(self, on_exceeded: Callable[[ChannelRef], None]) -> None:
        self._on_exceeded = on_exceeded
        self._limits_s: dict[ChannelRef, float] = {}
        self._timers: dict[ChannelRef, asyncio.TimerHandle] = {}
        self._exceeded_by: set[ChannelRef] = set()

    def limit(self, channel: ChannelRef, longest_s: float) -> None:
        """From now on `channel` may be on for `longest_s`."""
        self._limits_s[channel] = longest_s

    def is_exceeded(self, channel: ChannelRef) -> bool:
        """True from the moment the time was up until a reading shows OFF."""
        return channel in self._exceeded_by

    def is_running(self, channel: ChannelRef) -> bool:
        """True from the first reading that shows ON until one shows OFF."""
        return channel in self._timers

    def watch(self, readings: Sequence[Reading]) -> None:
        """A listener of the board."""
        if not self._limits_s:
            return
        for reading in readings:
            longest_s = self._limits_s.get(reading.channel)
            if longest_s is None:
                continue
            if reading.value is True and reading.channel not in self._timers:
                self._start(reading.channel, longest_s)
            elif reading.value is False and (timer := self._timers.pop(reading.channel, None)) is not None:
                timer.cancel()
                self._exceeded_by.discard(reading.channel)

    def _start(self, channel: ChannelRef, after_s: float) -> None:
        self._timers[channel] = asyncio.get_running_loop().call_later(after_s, self._exceeded, channel)

    def _exceeded(self, channel: ChannelRef) -> None:
        self._exceeded_by.add(channel)
        self._start(channel, RETRY_S)
        self._on_exceeded(channel)
