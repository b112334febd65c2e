"""The board of latest readings: everything measured lands here, everybody who shows or controls looks here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading

BoardListener = Callable[[Sequence[Reading]], None]


class Board:
    """Keeps the latest reading of each channel and tells listeners of every batch, synchronously and in order of subscription.

    A listener must neither block nor raise; what it raises is a bug and reaches whoever measured.
    """

    def __init__(self) -> None:
        self._latest: dict[ChannelRef, Reading] = {}
        self._listeners: tuple[BoardListener, ...] = ()

    def update(self, readings: Sequence[Reading]) -> None:
        """Puts up a batch that was taken together. The order of calls counts, not `taken_at`: wall clocks jump."""
        latest = self._latest
        for reading in readings:
            latest[reading.channel] = reading
        for listener in self._listeners:
            listener(readings)

    def latest(self, channel: ChannelRef) -> Reading | None:
        return self._latest.get(channel)

    def snapshot(self) -> Mapping[ChannelRef, Reading]:
        """All latest readings at this moment; later updates do not change it."""
        return MappingProxyType(dict(self._latest))

    def subscribe(self, listener: BoardListener) -> Callable[[], None]:
        """Calls `listener` with every later batch, until the returned function is called."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def forget(self, module: str) -> None:
        """Takes down everything of a module whose name is no longer in use."""
        for channel in [known for known in self._latest if known.module == module]:
            del self._latest[channel]
