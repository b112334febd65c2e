"""Claims."""

from __future__ import annotations

import pytest

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.claims import Claims
from lucid2mqtt.errors import Reason, RequestRejected

HEATER = ChannelRef("heaters", "living")


def test_a_claim_holds_against_everybody_else_until_released() -> None:
    claims = Claims()
    claim = claims.take(HEATER, "thermostat living")
    claims.check(HEATER, claim)
    assert claims.held(HEATER) is claim
    with pytest.raises(RequestRejected, match="belongs to thermostat living") as caught:
        claims.check(HEATER, None)
    assert caught.value.reason is Reason.CLAIMED
    with pytest.raises(RequestRejected):
        claims.take(HEATER, "thermostat bath")
    claim.release()
    claims.check(HEATER, None)
    assert HEATER not in claims


def test_a_claim_released_twice_does_not_take_away_the_next_one() -> None:
    claims = Claims()
    first = claims.take(HEATER, "one")
    first.release()
    second = claims.take(HEATER, "two")
    first.release()
    assert claims.held(HEATER) is second
    with pytest.raises(RequestRejected):
        claims.check(HEATER, first)


def test_other_channels_are_free() -> None:
    claims = Claims()
    claims.take(HEATER, "one")
    claims.check(ChannelRef("heaters", "bath"), None)
