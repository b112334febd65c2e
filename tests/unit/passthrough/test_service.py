"""What concerns all listeners together; the rest is told by the scenarios."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lucid2mqtt.passthrough.options import ListenerOptions
from lucid2mqtt.passthrough.service import Passthrough
from lucid2mqtt.port.plain_serial import open_plain
from tests.unit.engine.scripted import Household
from tests.unit.passthrough.fakes import ANYWHERE, options
from tests.virtual_clock import run_virtual


def made(household: Household, *listeners: ListenerOptions) -> Passthrough:
    return Passthrough(
        listeners,
        house=household.house,
        desk=household.desk,
        board=household.board,
        open_device=open_plain,
        now=lambda: datetime.now(UTC),
    )


def test_two_listeners_cannot_have_one_address() -> None:
    async def scene() -> None:
        household = Household()
        with pytest.raises(ValueError, match=r"tcp://127\.0\.0\.1:0 is listed twice"):
            made(household, options(), options())
        with pytest.raises(ValueError, match="listed twice"):
            await made(household).reload([options(), options()])

    run_virtual(scene())


def test_before_it_runs_there_is_nobody() -> None:
    async def scene() -> None:
        passthrough = made(Household(), options())
        assert passthrough.clients() == ()
        assert passthrough.listeners() == ()
        with pytest.raises(KeyError):
            await passthrough.opened(ANYWHERE)
        with pytest.raises(KeyError):
            passthrough.disconnect(1)

    run_virtual(scene())
