"""What each client had of a module, over all its connections, and after them: who comes back is no newcomer. Pure."""

from __future__ import annotations

import math
from collections import OrderedDict

AVERAGED_S = 1.0
"""Over this time a share of the module's time is averaged: after a silence a client may have so much of its share at once."""
LANE = 8
"""Requests of one client that a line keeps waiting, hence connections of it that take turns as one."""
REMEMBERED = 256


class Account:
    """One client at one module. Times are loop times, seconds.

    In any stretch of time a client whose share is limited has at most that share of it, and of AVERAGED_S more, and then the one
    request that reached the mark; several connections at a time may each have one such request.
    """

    def __init__(self) -> None:
        self._worth_until = -math.inf  # when the time it had is what its share of the time gone by is worth
        self._seats: set[int] = set()

    @property
    def is_present(self) -> bool:
        return bool(self._seats)

    def charge(self, took_s: float, share: float, now: float) -> None:
        """The module worked `took_s` for it, until `now`; its share of the module's time is `share`, above 0 to 1."""
        self._worth_until = max(self._worth_until, now - took_s) + took_s / share

    @property
    def free_at(self) -> float:
        """When it may ask again; in the past when it may ask now."""
        return self._worth_until - AVERAGED_S

    def take_seat(self) -> int:
        """The number of one more connection, the lowest that is free."""
        seat = next(number for number in range(len(self._seats) + 1) if number not in self._seats)
        self._seats.add(seat)
        return seat

    def leave_seat(self, seat: int) -> None:
        self._seats.discard(seat)


class Accounts:
    """The accounts of one module, by the identity of the client; of those who are not there the latest REMEMBERED."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def of(self, identity: str) -> Account:
        account = self._accounts.pop(identity, None) or Account()
        self._accounts[identity] = account
        if len(self._accounts) > REMEMBERED:
            gone = next((known for known, each in self._accounts.items() if not each.is_present and each is not account), None)
            if gone is not None:
                del self._accounts[gone]
        return account


def lane_of(identity: str, seat: int) -> str:
    """Who takes turns at the line: a client as a whole, or each LANE of its connections when it has more."""
    return f"client {identity}" if seat < LANE else f"client {identity}, {1 + seat // LANE}"
