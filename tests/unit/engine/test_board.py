"""The board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.board import Board

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def reading(channel: str, value: float, *, taken_at: datetime = NOON) -> Reading:
    return Reading(channel=ChannelRef("lab", channel), value=value, unit="V", quality=Quality.GOOD, taken_at=taken_at)


def test_the_latest_update_stands_even_when_the_wall_clock_went_back() -> None:
    board = Board()
    board.update([reading("a", 1.0)])
    board.update([reading("a", 2.0, taken_at=NOON - timedelta(days=1))])
    latest = board.latest(ChannelRef("lab", "a"))
    assert latest is not None
    assert latest.value == 2.0
    assert board.latest(ChannelRef("lab", "b")) is None


def test_listeners_get_whole_batches_in_the_order_they_came() -> None:
    board = Board()
    heard: list[str] = []
    board.subscribe(lambda batch: heard.append(f"first {len(batch)}"))
    unsubscribe = board.subscribe(lambda batch: heard.append(f"second {len(batch)}"))
    board.update([reading("a", 1.0), reading("b", 2.0)])
    unsubscribe()
    board.update([reading("a", 1.0)])
    assert heard == ["first 2", "second 2", "first 1"]


def test_a_listener_sees_the_board_as_it_is_after_the_batch() -> None:
    board = Board()
    seen: list[int] = []
    board.subscribe(lambda _: seen.append(len(board.snapshot())))
    board.update([reading("a", 1.0), reading("b", 2.0)])
    assert seen == [2]


def test_a_snapshot_does_not_change_any_more() -> None:
    board = Board()
    board.update([reading("a", 1.0)])
    snapshot = board.snapshot()
    board.update([reading("b", 2.0)])
    assert len(snapshot) == 1
    with pytest.raises(TypeError):
        snapshot[ChannelRef("lab", "a")] = reading("a", 3.0)  # type: ignore[index]


def test_what_is_forgotten_is_gone_and_nothing_else() -> None:
    board = Board()
    board.update([reading("a", 1.0), Reading(channel=ChannelRef("attic", "a"), value=1, unit="", quality=Quality.GOOD, taken_at=NOON)])
    board.forget("lab")
    assert list(board.snapshot()) == [ChannelRef("attic", "a")]


def test_a_bug_in_a_listener_reaches_whoever_measured() -> None:
    board = Board()
    board.subscribe(lambda batch: print(1 / (len(batch) - 1)))
    with pytest.raises(ZeroDivisionError):
        board.update([reading("a", 1.0)])
