"""A request on its way through a line, with whoever asked."""

from __future__ import annotations

import math
from collections.abc import Callable

from lucid2mqtt.errors import LucidError
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Request

Outcome = Reply | LucidError
Done = Callable[[Outcome], None]
Veto = Callable[[], LucidError | None]
"""Asked just before a request that had to wait is sent: what came up meanwhile that forbids it, None when nothing did."""


class Job:
    """A request with its asker. `due` is the loop time after which it is not sent any more.

    `took_s` is how long the module had it, once that is over; 0 for one that was not sent.
    """

    __slots__ = ("abandoned", "client", "done", "due", "has_deadline", "request", "sent_at", "took_s", "turn", "veto")

    def __init__(
        self, request: Request, turn: Turn, client: str, due: float, *, has_deadline: bool, done: Done, veto: Veto | None = None
    ) -> None:
        self.request = request
        self.turn = turn
        self.client = client
        self.due = due
        self.has_deadline = has_deadline
        self.done = done
        self.veto = veto
        self.abandoned = False
        self.sent_at = math.inf
        self.took_s = 0.0

    @property
    def is_begun(self) -> bool:
        """True once it was sent."""
        return self.sent_at < math.inf

    def abandon(self) -> None:
        """The asker left: the request is not sent if it still waits, and `done` is not called any more."""
        self.abandoned = True
