"""When a reading is news."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.gate import ChangeGate
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading, Value

FLOW = ChannelRef("boiler", "flow")
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def _reading(value: Value | None, reason: str = "") -> Reading:
    quality = Quality.GOOD if value is not None else Quality.OPEN_SENSOR
    return Reading(channel=FLOW, value=value, unit="°C", quality=quality, taken_at=THEN, reason=reason)


def test_the_first_reading_is_news_and_the_same_again_is_not() -> None:
    gate = ChangeGate()
    assert gate.admits(_reading(21.0), 0.0)
    assert not gate.admits(_reading(21.0), 1.0)
    assert gate.admits(_reading(21.1), 2.0)


def test_inside_the_dead_band_nothing_is_news_until_the_heartbeat() -> None:
    gate = ChangeGate(deadband=0.5, max_interval_s=60.0)
    assert gate.admits(_reading(21.0), 0.0)
    assert not gate.admits(_reading(21.4), 59.9)
    assert gate.admits(_reading(21.4), 60.0)
    assert not gate.admits(_reading(21.0), 61.0), "the dead band is around what was told last"
    assert gate.admits(_reading(21.9), 62.0)


def test_a_slow_drift_leaves_the_dead_band_in_the_end() -> None:
    gate = ChangeGate(deadband=0.5, max_interval_s=1e9)
    told = [step for step in range(100) if gate.admits(_reading(20 + step * 0.125), float(step))]
    assert told == list(range(0, 100, 4))


def test_a_change_of_quality_or_of_its_reason_is_news_at_once() -> None:
    gate = ChangeGate(deadband=5.0, min_interval_s=60.0)
    assert gate.admits(_reading(21.0), 0.0)
    assert gate.admits(_reading(None, "wire open"), 0.1)
    assert not gate.admits(_reading(None, "wire open"), 0.2)
    assert gate.admits(_reading(None, "wire shorted"), 0.3)
    assert gate.admits(_reading(21.0), 0.4)


def test_the_shortest_interval_holds_back_numbers_but_no_switch() -> None:
    numbers = ChangeGate(min_interval_s=10.0)
    assert numbers.admits(_reading(1.0), 0.0)
    assert not numbers.admits(_reading(2.0), 9.9)
    assert numbers.admits(_reading(2.0), 10.0)
    switch = ChangeGate(min_interval_s=10.0)
    assert switch.admits(_reading(value=True), 0.0)
    assert switch.admits(_reading(value=False), 0.1)


@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(0.01, 30)), min_size=1), st.floats(0, 5), st.floats(1, 100))
def test_what_was_told_last_is_never_older_than_the_heartbeat_nor_further_off_than_the_dead_band(
    steps: list[tuple[float, float]], deadband: float, heartbeat_s: float
) -> None:
    gate = ChangeGate(deadband=deadband, max_interval_s=heartbeat_s)
    now, told_at, told = 0.0, 0.0, 0.0
    for value, pause in steps:
        now += pause
        if gate.admits(_reading(value), now):
            told_at, told = now, value
        assert now - told_at < heartbeat_s
        assert abs(value - told) < deadband or value == told
