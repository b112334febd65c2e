"""What counts as progress of pollers and thermostats."""

from __future__ import annotations

from datetime import UTC, datetime

from lucid2mqtt.domain.channel import Channel, ChannelKind, Module, Signal
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.observe.notify import Heartbeats
from lucid2mqtt.observe.progress import PATIENCE_BEATS, PATIENCE_S, STEP_PATIENCE_S, PollProgress, StepProgress

FLOW = ChannelRef("boiler", "flow")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _module(poll_s: float, *, channels: int = 1) -> Module:
    described = tuple(
        Channel(ref=FLOW, number=number, kind=ChannelKind.TEMPERATURE, signal=Signal.TEMPERATURE, label="Flow", poll_s=poll_s)
        for number in range(channels)
    )
    return Module(name="boiler", label="Boiler", family="RI4", type_text="", serial=1, firmware=1, hardware=1, channels=described)


def _bad_reading() -> Reading:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    return Reading(channel=FLOW, value=None, unit="°C", quality=Quality.STALE, taken_at=then, reason="no answer")


def test_a_module_that_puts_nothing_on_the_board_stalls() -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock)
    PollProgress(heartbeats).module_online(_module(2.0))
    clock.now = PATIENCE_S + PATIENCE_BEATS * 2.0
    assert heartbeats.stalled() == ()
    clock.now += 0.1
    assert heartbeats.stalled() == ("poll:boiler",)


def test_a_bad_reading_is_progress_too() -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock)
    progress = PollProgress(heartbeats)
    progress.module_online(_module(1.0))
    for _ in range(10):
        clock.now += PATIENCE_S
        progress.readings_came([_bad_reading()])
        assert heartbeats.stalled() == ()


def test_a_module_that_left_and_one_without_channels_are_not_waited_for() -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock)
    progress = PollProgress(heartbeats)
    progress.module_online(_module(1.0))
    progress.module_offline(_module(1.0), "unplugged")
    progress.module_online(_module(1.0, channels=0))
    progress.readings_came([])
    clock.now = 1e6
    assert heartbeats.stalled() == ()


def test_a_thermostat_that_makes_no_step_stalls() -> None:
    clock = Clock()
    heartbeats = Heartbeats(clock)
    progress = StepProgress(heartbeats, ["living", "bath"])
    clock.now = STEP_PATIENCE_S
    assert heartbeats.stalled() == ()
    progress.stepped("bath")
    clock.now += 1.0
    assert heartbeats.stalled() == ("thermostat:living",)
