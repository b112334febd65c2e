"""What passthrough needs of a line to a module, beside `Transactor`: answers by callback, and the bare line on loan."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from lucid2mqtt.errors import LucidError
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.frames import Reply, Request

Outcome = Reply | LucidError
Veto = Callable[[], LucidError | None]
"""Asked just before a request that had to wait is sent: what came up meanwhile that forbids it, None when nothing did."""


class Submitted(Protocol):
    """A request on its way."""

    @property
    def took_s(self) -> float:
        """How long the module had it, once that is over; 0 for one that was not sent."""

    @property
    def is_begun(self) -> bool:
        """True once the module has it, and afterwards."""

    def abandon(self) -> None:
        """The asker left: what was begun is finished, nothing is told any more."""


class RawUser(Protocol):
    """Who has a bare line. Called on the loop."""

    def bytes_arrived(self, chunk: bytes) -> None: ...
    def all_written(self) -> None: ...
    def link_lost(self, reason: str) -> None:
        """The last call: the line is gone."""


class RawLine(Protocol):
    """A bare line."""

    def write(self, request: bytes) -> bool:
        """Sends without blocking; False when a rest has to wait, `all_written` then tells the end."""

    def flush_input(self) -> None: ...


@runtime_checkable
class SharedLine(Protocol):
    """A line that several clients use by turns, and one at a time may borrow."""

    def submit(
        self,
        request: Request,
        *,
        turn: Turn,
        client: str,
        deadline: float | None = None,
        done: Callable[[Outcome], None],
        veto: Veto | None = None,
    ) -> Submitted:
        """Sends in its turn; `done` is called exactly once, perhaps before this returns, with what `veto` gave when that forbade it."""

    def lend(self, user: RawUser, *, who: str) -> AbstractAsyncContextManager[RawLine]:
        """The bare line, after the running transaction, for the time of the block; everybody else is told LinkLost meanwhile.

        Raises LinkBusy when it is on loan, LinkLost. After the block the line is put in step before anybody else may use it.
        """
