"""The desk: whatever is switched passes here, so that "why did the relay go off at 3 am?" is one line of the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.claims import Claim, Claims
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.orders import Incident, Order, Outcome, Toggle
from lucid2mqtt.engine.pulses import Pulses
from lucid2mqtt.engine.standing import StandingOrders
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.engine.switching import MAX_PENDING, Switching
from lucid2mqtt.errors import Reason, RequestRejected

__all__ = ["MAX_PENDING", "Claim", "Desk", "Incident", "Order", "Outcome", "Toggle"]


class Desk:
    """Carries out orders, and by itself what the user declared: start, exit, broker loss, longest time on, ends of pulses.

    `run()` must be running before the first module arrives.
    """

    def __init__(self, house: House, board: Board, store: StateStore, *, now: Callable[[], datetime]) -> None:
        self._claims = Claims()
        self._pulses = Pulses(store, now=now)
        self._switching = Switching(house, board, self._claims, self._pulses)
        self._standing = StandingOrders(house, board, self._claims, self._pulses, self._switching)
        self._is_leaving = False

    async def run(self) -> None:
        """Serves the timers until cancelled; a bug in one of them comes out here."""
        await self._standing.run()

    async def carry_out(self, order: Order) -> Outcome:
        """Writes and reads back. Raises RequestRejected; something may have been written only when its reason is NO_ANSWER.

        From the exit states on only owners of outputs are obeyed: nobody would take back what is switched on then.
        """
        if self._is_leaving and order.claim is None:
            raise RequestRejected(Reason.BUSY, f"{order.channel} was not switched: the agent is leaving", "send it again when it is back")
        return await self._switching.carry_out(order)

    async def repeat(self, order: Order) -> None:
        """Writes what holds already once more, for an output that needs to hear it again: not read back, told at debug level only.

        Raises RequestRejected; something may have been written only when its reason is NO_ANSWER.
        """
        await self._switching.repeat(order)

    def claim(self, channel: ChannelRef, owner: str) -> Claim:
        """Makes `owner` the only one who may command `channel`. Raises RequestRejected(CLAIMED) when it is taken.

        Declared states skip claimed outputs, except an exit state of OFF: the owner brings its output to its own safe state first.
        """
        return self._claims.take(channel, owner)

    def claimant(self, channel: ChannelRef) -> str | None:
        """Who owns `channel`; None when it takes orders from everybody."""
        claim = self._claims.held(channel)
        return None if claim is None else claim.owner

    def pending(self, channel: ChannelRef) -> str:
        """What the desk is still to do at an output by itself: end a pulse, or the longest time on. In words; empty when nothing."""
        return self._standing.pending(channel)

    def on_incident(self, listener: Callable[[Incident], None]) -> None:
        """Calls `listener` with what the owner of an output must hear although nobody gave a command."""
        self._standing.on_incident(listener)

    def broker_lost(self, at: float) -> None:
        """The broker is out of reach since loop time `at`; call it at the start too when there is none yet."""
        self._standing.broker_lost(at)

    def broker_back(self) -> None:
        """The broker is there again: what has not happened yet does not happen."""
        self._standing.broker_back()

    async def apply_exit_states(self, within_s: float) -> None:
        """Ends pulses and puts outputs to their exit states, all at once; what is not done after `within_s` is given up, with a log line."""
        self._is_leaving = True
        await self._standing.apply_exit_states(within_s)
