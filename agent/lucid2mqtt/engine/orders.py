"""What can be asked of the desk and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.claims import Claim
from lucid2mqtt.errors import Reason
from lucid2mqtt.lucid.exchange import Turn


class Toggle(Enum):
    """The order to invert a switch; the desk reads it first."""

    TOGGLE = "TOGGLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One wish. `value` is a switch state, or a number in the channel's unit; `who` stands in the log ("mqtt", "console")."""

    channel: ChannelRef
    value: bool | float | Toggle
    who: str
    for_s: float | None = None  # switches only: OFF is written when this time is up
    deadline: float | None = None  # loop time after which nothing may be written any more
    claim: Claim | None = None
    turn: Turn = Turn.COMMAND
    settles_in_s: float = 0.0  # how long the output takes to do what was written: it is read back that much later
    still_due: Callable[[], bool] = lambda: True  # asked when it is this order's turn; otherwise it is EXPIRED


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the module said afterwards, and one line for the owner."""

    reading: Reading
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something about an output that its owner must hear although nobody gave a command."""

    channel: ChannelRef
    what: str  # "max_on_s"
    reason: Reason | None  # None: nothing went wrong, it was done
    message: str
    remedy: str = ""
