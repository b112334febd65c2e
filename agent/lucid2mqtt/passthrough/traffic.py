"""What a client did, in numbers, and its last frames in words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lucid2mqtt.errors import LucidError
from lucid2mqtt.lucid.frames import Reply, Request, status_text

LOG_LENGTH = 256


@dataclass(frozen=True, slots=True)
class LoggedFrame:
    """One request and what became of it. `at` is loop time in seconds; `reply` is what the client was sent."""

    at: float
    request: Request
    reply: bytes
    text: str

    def __str__(self) -> str:
        return f"{self.request} [{self.request.encode().hex(' ')}] -> [{self.reply.hex(' ')}] {self.text}"


@dataclass(slots=True)
class Traffic:
    """Totals of one client. `busy_s` is how long the module worked for it, waiting for others not counted.

    An exclusive client keeps it busy all the time it has it.
    """

    frames: int = 0
    refused: int = 0
    unanswered: int = 0  # answered with an error of our own, since the module did not
    framing: int = 0  # torn or impossible requests
    bytes_in: int = 0  # exclusive clients
    bytes_out: int = 0
    busy_s: float = 0.0
    log: deque[LoggedFrame] | None = field(default=None, repr=False)

    def keep_log(self, *, on: bool) -> None:
        """Begins or ends the log of the last LOG_LENGTH frames."""
        if not on:
            self.log = None
        elif self.log is None:
            self.log = deque(maxlen=LOG_LENGTH)


def outcome_text(outcome: Reply | LucidError) -> str:
    """What became of a request, for the log."""
    return status_text(outcome.status) if isinstance(outcome, Reply) else str(outcome)
