"""Who owns an output. A claimed output takes orders from its owner only."""

from __future__ import annotations

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.errors import Reason, RequestRejected


class Claim:
    """The right to command one output, until released. Held by exactly one owner."""

    def __init__(self, channel: ChannelRef, owner: str, book: dict[ChannelRef, Claim]) -> None:
        self.channel = channel
        self.owner = owner
        self._book = book

    def release(self) -> None:
        """Gives the output back to everybody; a second release does nothing."""
        if self._book.get(self.channel) is self:
            del self._book[self.channel]


class Claims:
    """All claims in force. An output need not be plugged in to be claimed."""

    def __init__(self) -> None:
        self._book: dict[ChannelRef, Claim] = {}

    def take(self, channel: ChannelRef, owner: str) -> Claim:
        """Raises RequestRejected(CLAIMED) naming the present owner."""
        self.check(channel, None)
        self._book[channel] = Claim(channel, owner, self._book)
        return self._book[channel]

    def check(self, channel: ChannelRef, claim: Claim | None) -> None:
        """Raises RequestRejected(CLAIMED) when somebody else than the holder of `claim` owns the channel."""
        held = self._book.get(channel)
        if held is not None and held is not claim:
            raise RequestRejected(
                Reason.CLAIMED, f"{channel} belongs to {held.owner}", f"command {held.owner} instead, or take the output out of it"
            )

    def held(self, channel: ChannelRef) -> Claim | None:
        """The claim in force."""
        return self._book.get(channel)

    def __contains__(self, channel: ChannelRef) -> bool:
        return channel in self._book
