"""What waits while the broker is slower than the house: the latest message of each topic."""

from __future__ import annotations

from lucid2mqtt.mqtt.messages import Outgoing

CAPACITY = 10_000
"""Topics; a house of 64 modules has some 1 500."""


class Outbox:
    """Keeps the latest message per topic, in the order in which they were last said, so that `state` stays before its `status`.

    `dropped` counts messages that nobody will see: overtaken by a newer one, or of a new topic when full.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: dict[str, Outgoing] = {}
        self.dropped = 0
        self.high_water = 0

    def __len__(self) -> int:
        return len(self._held)

    def put(self, message: Outgoing) -> None:
        overtaken = self._held.pop(message.topic, None)
        if overtaken is not None or len(self._held) >= self._capacity:
            self.dropped += 1
        if len(self._held) < self._capacity:
            self._held[message.topic] = message
            self.high_water = max(self.high_water, len(self._held))

    def peek(self) -> Outgoing | None:
        """The message that waits longest, None when none does."""
        return next(iter(self._held.values()), None)

    def take(self) -> None:
        """Removes what `peek` showed."""
        del self._held[next(iter(self._held))]

    def clear(self) -> None:
        """Forgets everything: after a lost connection old news must not be told as new."""
        self._held.clear()
