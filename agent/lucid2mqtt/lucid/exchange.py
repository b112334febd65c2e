"""What the rest of the program needs from a line to a module: one request, one reply, and who goes first."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from lucid2mqtt.lucid.frames import Reply, Request


class Turn(IntEnum):
    """Who goes next when several wait; lower goes first. SHARED takes turns by client."""

    SAFETY = 0
    COMMAND = 1
    SHARED = 2


class Transactor(Protocol):
    """A line to one module."""

    async def transact(self, request: Request, *, turn: Turn, client: str, deadline: float | None = None) -> Reply:
        """The module's reply to `request`, sent once.

        A status other than 0 is returned, not raised. Raises LinkLost, ReplyTimeout or GarbledReply, whose `sent` tells
        whether the request may have been carried out, and RequestRejected: EXPIRED when `deadline` (the loop's clock,
        seconds) passed before the request was sent, BUSY when too many wait already.
        """
        ...
