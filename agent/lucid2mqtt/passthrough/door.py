"""Who comes in at a listener: limits, rights, and the slow closing of what is turned away.

Some programs connect again the moment they are refused. A refused connection is therefore held for a second, silent,
before it is closed, which slows such a program down to one try per second; a few are held at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from lucid2mqtt.passthrough.options import ListenerOptions
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.rights import Access, Grant, Rights
from lucid2mqtt.passthrough.traffic import Traffic
from lucid2mqtt.passthrough.wire import Session, Wire

MOST_CONNECTIONS = 64
"""Connections of all listeners together, those turned away and those still shaking hands included."""
MOST_HANDSHAKES = 16
MOST_HELD = 16
HELD_S = 1.0
BURST = 200
PER_SECOND = 50.0
"""How often one client may connect: scripts that run a command per connection do so in quick succession, but not for ever."""
REMEMBERED = 256
_log = logging.getLogger(__name__)


class Guest(Session, Protocol):
    """A session that was let in."""

    peer: Peer
    traffic: Traffic

    @property
    def grant(self) -> Grant: ...
    def dismiss(self) -> None:
        """Close the connection when everything asked so far is answered."""

    def cut_off(self) -> None:
        """Close the connection at once."""

    def rights_changed(self) -> None:
        """Look whether the client may stay."""


class Lobby:
    """What all listeners share."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections = 0
        self._handshakes = 0
        self._held = 0
        self._told: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def enter(self) -> bool:
        """Counts one more connection, until `leave`; False when it is one too many."""
        self._connections += 1
        return self._connections <= MOST_CONNECTIONS

    def leave(self) -> None:
        self._connections -= 1

    def begin_handshake(self) -> bool:
        """Counts one more client nobody knows yet; False when there are too many. `end_handshake` takes it back."""
        if self._handshakes >= MOST_HANDSHAKES:
            return False
        self._handshakes += 1
        return True

    def end_handshake(self) -> None:
        self._handshakes -= 1

    def hold(self) -> bool:
        """Counts one more refused connection that is held for a while; False when there are too many."""
        if self._held >= MOST_HELD:
            return False
        self._held += 1
        return True

    def let_go(self) -> None:
        self._held -= 1

    def may_connect(self, identity: str) -> bool:
        """False while a client connects more often than it may."""
        now = self._loop.time()
        budget, at = self._budgets.pop(identity, (float(BURST), now))
        budget = min(BURST, budget + (now - at) * PER_SECOND)
        self._budgets[identity] = (max(budget - 1, 0.0), now)
        if len(self._budgets) > REMEMBERED:
            self._budgets.popitem(last=False)
        return budget >= 1

    def is_news(self, *what: str) -> bool:
        """True the first time, so that a client which tries for ever is one line in the log."""
        if what in self._told:
            return False
        self._told[what] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True


class TurnedAway:
    """A connection that is not served; it closes after a while."""

    controls = None

    def __init__(self, wire: Wire, lobby: Lobby) -> None:
        self._lobby = lobby
        self._timer: asyncio.TimerHandle | None = None
        wire.hold()
        if lobby.hold():
            self._timer = asyncio.get_running_loop().call_later(HELD_S, wire.abort)
        else:
            wire.abort()

    def received(self, chunk: bytes) -> None: ...
    def peer_finished(self) -> None: ...
    def stalled(self) -> None: ...
    def flowing(self) -> None: ...
    def lost(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._lobby.let_go()


Serve = Callable[[Wire, Peer, "Door"], Guest | str]
"""Makes the session of a client, or says why it cannot be served now."""


class Door:
    """One listener. `rights` may be replaced at any time and hold for the next frame of everybody inside."""

    def __init__(self, options: ListenerOptions, lobby: Lobby, serve: Serve) -> None:
        self.name = str(options.listen)
        self.target = options.module or options.port or ""
        self.guests: list[Guest] = []
        self._options = options
        self._lobby = lobby
        self._serve = serve
        self._waiting: asyncio.TimerHandle | None = None

    @property
    def options(self) -> ListenerOptions:
        return self._options

    @property
    def rights(self) -> Rights:
        return self._options.rights

    def change(self, options: ListenerOptions) -> None:
        """Puts new rights and limits in force. Who has no right any more is sent away."""
        self._options = options
        for guest in tuple(self.guests):
            guest.rights_changed()

    def admit(self, wire: Wire, peer: Peer) -> Session:
        """The session of a client that just came; one that is turned away gets a session that says nothing."""
        why = self._objection(peer)
        if not why:
            made = self._serve(wire, peer, self)
            if not isinstance(made, str):
                self.guests.append(made)
                _log.debug("%s: %s connected", self.name, peer)
                return made
            why = made
        self.complain(peer.identity, "turned away", f"it is turned away: {why}")
        return TurnedAway(wire, self._lobby)

    def leave(self, guest: Guest) -> None:
        """A guest is gone."""
        if guest in self.guests:
            self.guests.remove(guest)

    def expect(self, is_back: Callable[[], bool]) -> None:
        """Everybody is sent away when the module is not back in time."""
        hold_s = self._options.hold_s
        if self._waiting is None and hold_s is not None and not is_back():
            self._waiting = asyncio.get_running_loop().call_later(hold_s, self._give_up, is_back)

    def is_back(self) -> None:
        """The module is there again: nobody is sent away."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self, is_back: Callable[[], bool]) -> None:
        self._waiting = None
        if not is_back():
            for guest in tuple(self.guests):
                guest.dismiss()

    def complain(self, identity: str, about: str, words: str) -> None:
        """Tells the owner of the house about a client, once per client and matter."""
        level = logging.WARNING if self._lobby.is_news(self.name, identity, about) else logging.DEBUG
        _log.log(level, "%s (%s): client %s: %s", self.name, self.target, identity, words)

    def _objection(self, peer: Peer) -> str:
        if self.rights.of(peer).most is Access.NONE:
            return "it has no right here"
        if not self._lobby.may_connect(peer.identity):
            return "it connects too often"
        if len(self.guests) >= self._options.max_clients:
            return f"there are {self._options.max_clients} clients already"
        return ""
