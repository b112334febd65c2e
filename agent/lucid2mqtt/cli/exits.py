"""Exit codes, part of the contract with scripts."""

from __future__ import annotations

from enum import IntEnum

from lucid2mqtt.errors import LinkError, LucidError, Reason, RequestRejected, SettingsError, StoreError

_NOT_REACHED = frozenset({Reason.MODULE_OFFLINE, Reason.NO_ANSWER})


class Exit(IntEnum):
    """How a verb ended."""

    DONE = 0
    REFUSED = 1  # the module or the broker said no
    USAGE = 2
    LINK = 3  # port or network
    SETTINGS = 4
    INTERRUPTED = 130  # Ctrl-C, as shells count it


def exit_of(error: LucidError) -> Exit:
    """The code for an expected fault."""
    match error:
        case LinkError():
            return Exit.LINK
        case RequestRejected() if error.reason in _NOT_REACHED:
            return Exit.LINK
        case RequestRejected(reason=Reason.NOT_UNDERSTOOD):
            return Exit.USAGE
        case SettingsError() | StoreError():
            return Exit.SETTINGS
    return Exit.REFUSED
