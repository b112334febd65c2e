"""What happened on a port, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class PortCounters:
    """Totals of one port since it was first seen; they outlive the modules that come and go on it."""

    transactions: int = 0
    refused: int = 0  # answered with a status other than 0
    timeouts: int = 0
    garbled: int = 0  # answers that did not fit
    stray_bytes: int = 0  # arrived while nothing was asked
    resynced: int = 0  # put in order after a timeout or a garbled answer
    reopened: int = 0
    lost: int = 0  # ended by the device or the network
    expired: int = 0  # requests never sent, their time was over
    turned_away: int = 0  # requests never sent, the queue was full
    queue_high_water: int = 0
