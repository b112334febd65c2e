"""What a thermostat sees of the house: the channels it watches, each with the moment it last spoke."""

from __future__ import annotations

from collections.abc import Iterable

from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.board import Board


class Sight:
    """Times are loop times: the age of a reading counts from the batch's arrival, because wall clocks jump.

    What is on the board already counts as just arrived; the poller lets nothing stand there as good that is old.
    """

    def __init__(self, board: Board, channels: Iterable[ChannelRef], now: float) -> None:
        self._seen: dict[ChannelRef, tuple[Reading | None, float]] = {channel: (board.latest(channel), now) for channel in channels}

    def note(self, reading: Reading, now: float) -> bool:
        """Takes in what a channel said; True when it says something else than before. Channels not watched are passed over."""
        known = self._seen.get(reading.channel)
        if known is None:
            return False
        before = known[0]
        self._seen[reading.channel] = (reading, now)
        return before is None or before.value != reading.value or before.quality is not reading.quality

    def has_heard(self, channel: ChannelRef) -> bool:
        return self._seen[channel][0] is not None

    def sample(self, channel: ChannelRef, now: float) -> Sample:
        """A temperature, or why there is none."""
        reading, at = self._seen[channel]
        if reading is None:
            return Sample(None, reason=f"{channel} has not been seen yet")
        if reading.value is None:
            return Sample(None, now - at, f"{channel}: {reading.reason or reading.quality}")
        if isinstance(reading.value, bool):
            return Sample(None, now - at, f"{channel} is a switch, it has no temperature")
        return Sample(float(reading.value), now - at)

    def optional_sample(self, channel: ChannelRef | None, now: float) -> Sample | None:
        return None if channel is None else self.sample(channel, now)

    def state(self, channel: ChannelRef | None) -> bool | None:
        """What a switch or contact says; None while that is not known."""
        reading = self._seen[channel][0] if channel is not None else None
        return reading.value if reading is not None and isinstance(reading.value, bool) else None
