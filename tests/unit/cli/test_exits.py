import pytest

from lucid2mqtt.cli.exits import Exit, exit_of
from lucid2mqtt.errors import (
    DeviceRefused,
    LinkBusy,
    LinkLost,
    LucidError,
    Reason,
    ReplyTimeout,
    RequestRejected,
    SettingsError,
    StoreError,
)
from lucid2mqtt.lucid.families import UnknownFamily


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LinkLost("x"), 3),
        (LinkBusy("x"), 3),
        (ReplyTimeout("x"), 3),
        (DeviceRefused(0xB8, "x"), 1),
        (UnknownFamily("x"), 1),
        (LucidError("x"), 1),
        (RequestRejected(Reason.CLAIMED, "x", ""), 1),
        (RequestRejected(Reason.OUT_OF_RANGE, "x", ""), 1),
        (RequestRejected(Reason.MODULE_OFFLINE, "x", ""), 3),
        (RequestRejected(Reason.NO_ANSWER, "x", ""), 3),
        (RequestRejected(Reason.NOT_UNDERSTOOD, "x", ""), 2),
        (SettingsError(()), 4),
        (StoreError("x"), 4),
    ],
)
def test_every_expected_fault_has_its_code(error: LucidError, code: int) -> None:
    assert exit_of(error) == code


def test_the_codes_are_those_of_the_contract() -> None:
    assert [Exit.DONE, Exit.REFUSED, Exit.USAGE, Exit.LINK, Exit.SETTINGS] == [0, 1, 2, 3, 4]
