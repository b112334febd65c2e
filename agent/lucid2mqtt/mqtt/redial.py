"""When to try the broker again, and in which version of MQTT. Pure."""

from __future__ import annotations

from enum import Enum

from lucid2mqtt.errors import LucidError
from lucid2mqtt.mqtt.options import Protocol

FASTEST_S = 0.4
SLOWEST_S = 5.0
AFTER_BAD_CREDENTIALS_S = 30.0
"""Brokers and their guards lock out who knocks too often with a wrong password."""


class Trouble(Enum):
    """Why there is no connection."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"  # connected, but no answer to the CONNECT
    WRONG_VERSION = "wrong version"
    BAD_CREDENTIALS = "bad credentials"
    REFUSED = "refused"


class BrokerUnavailable(LucidError):
    """No connection to the broker; the link tries again by itself."""

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble


def retry_delay_s(away_s: float, trouble: Trouble, spread: float) -> float:
    """Seconds to wait before the next try after the broker has been away for `away_s`.

    A tenth of the outage, so that the way back never takes much longer than the outage itself, within 0.4 and 5 s.
    `spread` from 0 to 1 shortens it by up to half: many agents of one broker must not come back in step.
    """
    longest = AFTER_BAD_CREDENTIALS_S if trouble is Trouble.BAD_CREDENTIALS else min(max(away_s / 10, FASTEST_S), SLOWEST_S)
    return longest * (1 - spread / 2)


class VersionChoice:
    """Which version the next try uses.

    A broker that does not know MQTT 5 may refuse it or never answer; silence counts only until 5 has worked once,
    because later it means that the broker hangs.
    """

    def __init__(self, wanted: Protocol) -> None:
        self._may_change = wanted is Protocol.AUTO
        self._v5_works = False
        self.current = Protocol.V5 if wanted is Protocol.AUTO else wanted

    def worked(self) -> None:
        self._v5_works = self._v5_works or self.current is Protocol.V5

    def failed(self, trouble: Trouble) -> bool:
        """True when the next try uses the other version."""
        is_suspect = trouble is Trouble.WRONG_VERSION or (trouble is Trouble.SILENT and not self._v5_works)
        if not (self._may_change and is_suspect):
            return False
        self.current = Protocol.V311 if self.current is Protocol.V5 else Protocol.V5
        return True
