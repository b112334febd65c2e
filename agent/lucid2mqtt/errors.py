"""Everything this program raises on purpose, in one tree; each class says what the caller does next.

    LucidError
        LinkError           the way to the module failed; `sent` tells whether the request may have been carried out
            LinkLost        port, network or module gone; the owner reopens, the caller waits for the module to return
            LinkBusy        another program holds the port; try again when it lets go
            ReplyTimeout    no answer in time; the owner has quarantined the port, reads may be asked again, writes never
            GarbledReply    an answer that does not fit the request; handled as a timeout
        DeviceRefused       the module understood and said no; asking again gives the same answer
        RequestRejected     our own "no", with reason and remedy; nothing was written
        SettingsError       the user's settings; every fault with its place and remedy
        StoreError          the state directory cannot be written; go on without, say so

Anything else that is raised is a bug: it ends the process with a trace and the supervisor starts it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LucidError(Exception):
    """Root of all expected faults."""


class LinkError(LucidError):
    """The way to the module failed.

    `sent` is True when at least one byte of the request may have reached the module,
    so a write may have been carried out; False when certainly nothing was written.
    """

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class LinkLost(LinkError):
    """Port, network or module is gone."""


class LinkBusy(LinkError):
    """Another program holds the port; the message names it where the system tells."""


class ReplyTimeout(LinkError):
    """The module did not answer in time."""


class GarbledReply(LinkError):
    """The answer does not fit the request."""


class DeviceRefused(LucidError):
    """The module answered with a status other than 0. Which code a module picks for which fault is open: never branch on it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Reason(StrEnum):
    """Why a request was rejected; the value is what the error topic and `--json` carry."""

    NOT_TEXT = "not_text"
    NOT_UNDERSTOOD = "not_understood"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    UNKNOWN_CHANNEL = "unknown_channel"
    UNKNOWN_MODULE = "unknown_module"
    UNKNOWN_THERMOSTAT = "unknown_thermostat"
    MODULE_OFFLINE = "module_offline"
    NOT_AN_OUTPUT = "not_an_output"
    DISABLED = "disabled"
    CLAIMED = "claimed"
    RETAINED = "retained"
    EXPIRED = "expired"
    BUSY = "busy"
    REFUSED_BY_MODULE = "refused_by_module"
    NO_ANSWER = "no_answer"


class RequestRejected(LucidError):
    """Our own "no". Nothing was written, except for NO_ANSWER where nobody knows."""

    def __init__(self, reason: Reason, message: str, remedy: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class SettingsFault:
    """One thing wrong in the settings. `place` is `file:line:col` or the name of the variable."""

    place: str
    key: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.place}: {self.key}: {self.message}{remedy}"


class SettingsError(LucidError):
    """The settings cannot be used; `faults` lists every one that was found."""

    def __init__(self, faults: tuple[SettingsFault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class StoreError(LucidError):
    """The state directory cannot be read or written."""
