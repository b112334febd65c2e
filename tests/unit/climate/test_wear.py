from __future__ import annotations

import pytest

from lucid2mqtt.climate.wear import RelayBook
from tests.unit.climate.test_sight import said
from tests.unit.engine.scripted import ref

RELAY = ref("heaters/living")
DAY = 86_400.0


def closed(book: RelayBook, times: int, now: float) -> None:
    for _ in range(times):
        book.note(said("heaters/living", value=False), now)
        book.note(said("heaters/living", value=True), now)


def test_closures_are_counted_as_read_and_days_end_by_themselves() -> None:
    book = RelayBook([RELAY], 0.0, rated=100)
    book.note(said("heaters/living", value=True), 1.0)  # found closed: it did not close just now
    closed(book, 3, 2.0)
    book.note(said("rtd/room", 21.0), 3.0)
    assert (book.today, book.total) == (3, 3)
    book.pass_time(DAY + 1.0)
    assert (book.today, book.total) == (0, 3)


def test_a_relay_that_goes_away_while_closed_has_not_closed_when_it_is_back() -> None:
    book = RelayBook([RELAY], 0.0, rated=100)
    closed(book, 1, 1.0)
    book.note(said("heaters/living", None), 2.0)
    book.note(said("heaters/living", value=True), 3.0)
    assert book.total == 1


def test_a_worn_relay_is_named() -> None:
    book = RelayBook([RELAY], 0.0, rated=10)
    closed(book, 7, 1.0)
    assert not list(book.warnings)
    closed(book, 1, 2.0)
    assert [text for text in book.warnings if "heaters/living: relay has closed 8 times of 10" in text]


def test_the_book_goes_on_after_a_restart_and_a_new_relay_begins_at_nothing() -> None:
    book = RelayBook([RELAY], 0.0, rated=10)
    closed(book, 4, 1.0)
    later = RelayBook([RELAY, ref("heaters/bath")], 500.0, rated=10)
    later.restore(book.saved(), 500.0)
    assert (later.today, later.total) == (4, 4)
    with pytest.raises(ValueError, match="should be a number"):
        later.restore({"heaters/living": {"total": 1}}, 500.0)
    assert later.total == 4


def test_the_first_relay_to_wear_out_says_how_long_they_last() -> None:
    other = ref("heaters/bath")
    book = RelayBook([RELAY, other], 0.0, rated=100)
    assert (book.per_day, book.days_left) == (None, None)
    closed(book, 10, 1.0)
    book.pass_time(DAY + 1.0)
    assert (book.per_day, book.days_left) == (10.0, 9.0)
