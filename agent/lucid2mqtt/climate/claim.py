"""The right of a thermostat to one output: asked for until it is given."""

from __future__ import annotations

import logging

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.claims import Claim
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.errors import RequestRejected

_log = logging.getLogger(__name__)


class OutputClaim:
    """Whatever drives the output shows it with every order."""

    def __init__(self, channel: ChannelRef, owner: str, desk: Desk) -> None:
        self.channel = channel
        self.owner = owner
        self.held: Claim | None = None
        self.fault = ""  # why it was not given, a sentence
        self._desk = desk
        self._is_over = False

    def take(self) -> None:
        """Claims the output, unless that is done, or it was given back already; a refusal is logged once."""
        if self.held is not None or self._is_over:
            return
        try:
            self.held = self._desk.claim(self.channel, self.owner)
        except RequestRejected as rejected:
            if not self.fault:
                _log.warning("%s cannot use %s: %s; it is tried again", self.owner, self.channel, rejected)
            self.fault = str(rejected)
        else:
            self.fault = ""

    def release(self) -> None:
        """Gives the output back to everybody, for good: a step that still runs must not switch it any more."""
        self._is_over = True
        if self.held is not None:
            self.held.release()
            self.held = None
