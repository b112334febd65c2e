"""Names that stand in topics, and over values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.names import ChannelRef, heading, is_slug, slug


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Living room", "living-room"), ("Büro Süd", "buero-sued"), ("flow_2", "flow_2"), ("  a--b  ", "a-b"), ("Größe №3", "groesse-no3"), ("é", "e")],
)  # fmt: skip
def test_a_slug_keeps_what_can_stand_in_a_topic(text: str, wanted: str) -> None:
    assert slug(text) == wanted


@pytest.mark.parametrize("text", ["", "---", "日本", "+/#", " "])
def test_a_name_of_nothing_but_signs_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no letter or digit"):
        slug(text)


@given(st.text())
def test_whatever_becomes_a_slug_is_one_and_stays_itself(text: str) -> None:
    try:
        made = slug(text)
    except ValueError:
        return
    assert is_slug(made)
    assert slug(made) == made


@pytest.mark.parametrize("text", ["", "A", "a b", "a/b", "+", "#", "-a", "a-", "a--b", "ä"])
def test_what_cannot_stand_in_a_topic_is_no_slug(text: str) -> None:
    assert not is_slug(text)


@pytest.mark.parametrize(
    ("name", "shown"), [("living", "Living"), ("floor-2", "Floor 2"), ("Flow (süd)", "Flow (süd)"), ("radiator valve", "Radiator valve")]
)
def test_a_heading_is_the_users_name_as_people_write_it(name: str, shown: str) -> None:
    assert heading(name) == shown


def test_a_channel_is_printed_as_it_stands_in_the_settings() -> None:
    assert str(ChannelRef("boiler", "flow")) == "boiler/flow"
