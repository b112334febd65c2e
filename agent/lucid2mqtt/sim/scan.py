"""One converter for all channels of a module, taking them in turn; between two turns a channel's value is old (sections 7.4 and 7.6)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol


class Converted(Protocol):
    """A channel the converter serves."""

    @property
    def conversion_s(self) -> float:
        """How long the converter is busy with the channel; 0 for a channel it leaves out."""

    def convert(self, at: float) -> None:
        """Take the signal the terminal has at `at` as the channel's new value."""


def noise_source(seed: str, at: float = 0.0) -> Random:
    """Noise that depends on the channel and the time of its conversion alone, so that a run can be repeated."""
    return Random(f"{seed} {at:.6f}")  # noqa: S311


class SequentialScan:
    """Converts channel after channel, round and round. A round begins at power-on; the first values stand there at once."""

    def __init__(self, channels: Sequence[Converted]) -> None:
        self._channels = channels
        self._turn = 0
        self._turn_ends_at = 0.0

    def restart(self, now: float) -> None:
        """Power-on: the modules scan while the host is still enumerating, so every active channel has its value."""
        for channel in self._channels:
            if channel.conversion_s > 0:
                channel.convert(now)
        self._turn = -1
        self._turn_ends_at = now
        if self._channels:
            self._next_turn()

    def advance(self, now: float) -> None:
        """Carry out every conversion that ended until `now`; of several of one channel the last one tells."""
        if now < self._turn_ends_at or not self._channels:
            return
        round_s = sum(channel.conversion_s for channel in self._channels)
        if round_s <= 0:
            self._turn_ends_at = now
            return
        skipped = int((now - self._turn_ends_at) / round_s) - 1
        if skipped > 0:
            self._turn_ends_at += skipped * round_s
        while self._turn_ends_at <= now:
            channel = self._channels[self._turn]
            if channel.conversion_s > 0:
                channel.convert(self._turn_ends_at)
            self._next_turn()

    def _next_turn(self) -> None:
        """Give the converter to the next active channel."""
        count = len(self._channels)
        for step in range(1, count + 1):
            self._turn = (self._turn + 1) % count
            if self._channels[self._turn].conversion_s > 0 or step == count:
                break
        self._turn_ends_at += self._channels[self._turn].conversion_s
