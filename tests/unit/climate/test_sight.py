from __future__ import annotations

from datetime import UTC, datetime

from lucid2mqtt.climate.sight import Sight
from lucid2mqtt.control.sensing import Sample
from lucid2mqtt.domain.reading import Quality, Reading, Value
from lucid2mqtt.engine.board import Board
from tests.unit.engine.scripted import ref

ROOM, CONTACT = ref("rtd/room"), ref("di/window")


def said(channel: str, value: Value | None, reason: str = "") -> Reading:
    quality = Quality.LINK_LOST if value is None else Quality.GOOD
    return Reading(channel=ref(channel), value=value, unit="", quality=quality, taken_at=datetime(1999, 1, 1, tzinfo=UTC), reason=reason)


def test_the_age_counts_from_the_arrival_not_from_the_wall_clock() -> None:
    sight = Sight(Board(), [ROOM], 100.0)
    sight.note(said("rtd/room", 21), 110.0)
    assert sight.sample(ROOM, 125.0) == Sample(21.0, 15.0)


def test_news_is_what_differs_and_what_is_not_watched_is_none() -> None:
    sight = Sight(Board(), [ROOM], 0.0)
    assert sight.note(said("rtd/room", 21.0), 1.0)
    assert not sight.note(said("rtd/room", 21.0), 2.0)
    assert sight.note(said("rtd/room", None), 3.0)
    assert not sight.note(said("rtd/flow", 50.0), 4.0)


def test_what_is_no_temperature_says_why() -> None:
    sight = Sight(Board(), [ROOM, CONTACT], 0.0)
    assert sight.sample(ROOM, 1.0).reason == "rtd/room has not been seen yet"
    assert not sight.has_heard(ROOM)
    sight.note(said("rtd/room", None, "unplugged"), 2.0)
    assert sight.sample(ROOM, 3.0) == Sample(None, 1.0, "rtd/room: unplugged")
    sight.note(said("di/window", value=True), 2.0)
    assert sight.sample(CONTACT, 2.0).value is None
    assert sight.optional_sample(None, 2.0) is None


def test_a_contact_is_known_only_while_it_reads_as_a_switch() -> None:
    board = Board()
    board.update([said("di/window", value=True)])
    sight = Sight(board, [ROOM, CONTACT], 0.0)
    assert sight.state(CONTACT) is True
    sight.note(said("di/window", None), 1.0)
    sight.note(said("rtd/room", 1.0), 1.0)
    assert sight.state(CONTACT) is sight.state(ROOM) is sight.state(None) is None
