"""What the rest of the program needs from a line to a module: one request, the reply that fits it, and who goes first."""

from __future__ import annotations

import contextlib
from enum import IntEnum
from typing import Protocol

from lucid2mqtt.errors import GarbledReply
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from lucid2mqtt.lucid.identity import parse_identity


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


def fits(reply: Reply, request: Request) -> bool:
    """Whether `reply` can be the answer to `request`: every error status can; a good answer must have the length its request implies."""
    if reply.status:
        return True
    if request.reply_length is not None:
        return len(reply.data) == request.reply_length
    if request.opcode == Opcode.GET_ID:
        with contextlib.suppress(GarbledReply):
            return bool(parse_identity(reply.data))
        return False
    return True
