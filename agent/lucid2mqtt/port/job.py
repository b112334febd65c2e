"""A request on its way through a line, with whoever asked."""

from __future__ import annotations

from collections.abc import Callable

from lucid2mqtt.errors import LucidError
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Request

Outcome = Reply | LucidError
Done = Callable[[Outcome], None]


class Job:
    """A request with its asker. `due` is the loop time after which it is not sent any more."""

    __slots__ = ("abandoned", "client", "done", "due", "has_deadline", "request", "turn")

    def __init__(self, request: Request, turn: Turn, client: str, due: float, *, has_deadline: bool, done: Done) -> None:
        self.request = request
        self.turn = turn
        self.client = client
        self.due = due
        self.has_deadline = has_deadline
        self.done = done
        self.abandoned = False

    def abandon(self) -> None:
        """The asker left: the request is not sent if it still waits, and `done` is not called any more."""
        self.abandoned = True
