from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.mqtt.options import Protocol
from lucid2mqtt.mqtt.redial import Trouble, VersionChoice, retry_delay_s


@given(st.floats(0, 1e6), st.floats(0, 1))
def test_the_next_try_comes_within_a_tenth_of_the_outage_and_never_later_than_five_seconds(away_s: float, spread: float) -> None:
    delay_s = retry_delay_s(away_s, Trouble.UNREACHABLE, spread)
    assert 0.2 <= delay_s <= 5.0
    assert delay_s <= max(away_s / 10, 0.4)


def test_a_wrong_password_is_tried_slowly() -> None:
    assert 15 <= retry_delay_s(0.1, Trouble.BAD_CREDENTIALS, 1.0) <= retry_delay_s(0.1, Trouble.BAD_CREDENTIALS, 0.0) == 30


@pytest.mark.parametrize("trouble", [Trouble.WRONG_VERSION, Trouble.SILENT])
def test_a_broker_that_refuses_or_ignores_version_5_is_asked_in_the_other(trouble: Trouble) -> None:
    choice = VersionChoice(Protocol.AUTO)
    assert choice.failed(trouble)
    assert choice.current is Protocol.V311


def test_versions_alternate_until_one_works_and_that_one_stays() -> None:
    choice = VersionChoice(Protocol.AUTO)
    tried = []
    for _ in range(3):
        choice.failed(Trouble.SILENT)
        tried.append(choice.current)
    choice.worked()
    assert not choice.failed(Trouble.UNREACHABLE)
    assert [*tried, choice.current] == [Protocol.V311, Protocol.V5, Protocol.V311, Protocol.V311]


def test_a_broker_that_hangs_after_version_5_worked_is_not_taken_for_an_old_one() -> None:
    choice = VersionChoice(Protocol.AUTO)
    choice.worked()
    assert not choice.failed(Trouble.SILENT)
    assert choice.current is Protocol.V5


@pytest.mark.parametrize("wanted", [Protocol.V5, Protocol.V311])
def test_a_version_the_user_chose_is_kept_whatever_happens(wanted: Protocol) -> None:
    choice = VersionChoice(wanted)
    assert not choice.failed(Trouble.WRONG_VERSION)
    assert choice.current is wanted
