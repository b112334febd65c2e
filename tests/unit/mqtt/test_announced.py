from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.mqtt.announced import Announcement, from_document, steps, to_document

SENSOR = {"platform": "sensor", "unique_id": "u0"}
SWITCH = {"platform": "switch", "unique_id": "u1"}
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)
COMPONENTS = st.dictionaries(st.sampled_from(["channel_0", "channel_1", "channel_2"]), st.sampled_from([SENSOR, SWITCH]))
ANNOUNCEMENTS = st.builds(Announcement, st.text(max_size=4), st.lists(st.text(max_size=4)).map(tuple), COMPONENTS, COMPONENTS)


def test_a_component_that_is_no_more_is_left_over() -> None:
    before = Announcement("boiler", ("flow", "return"), {"channel_0": SENSOR, "channel_1": SWITCH})
    after = before.followed_by(Announcement("boiler", ("flow",), {"channel_0": SENSOR}))
    assert after.leftovers == {"channel_1": SWITCH}
    assert after.followed_by(after.cleaned()).leftovers == {"channel_1": SWITCH}
    assert after.cleaned().followed_by(after.cleaned()).leftovers == {}


def test_a_component_that_came_back_is_not_removed() -> None:
    before = Announcement("boiler", (), {"channel_0": SENSOR}, {"channel_1": SWITCH})
    assert before.followed_by(Announcement("boiler", (), {"channel_0": SENSOR, "channel_1": SWITCH})).leftovers == {}


def test_a_component_of_another_platform_is_another_component() -> None:
    before = Announcement("boiler", (), {"channel_0": SENSOR})
    assert before.followed_by(Announcement("boiler", (), {"channel_0": SWITCH})).leftovers == {"channel_0": SENSOR}


def test_a_renamed_channel_leaves_nothing_over() -> None:
    before = Announcement("boiler", ("flow",), {"channel_0": SENSOR | {"name": "Flow"}})
    assert before.followed_by(Announcement("cellar", ("return",), {"channel_0": SENSOR | {"name": "Return"}})).leftovers == {}


def test_a_removal_goes_from_full_over_the_marker_to_clean() -> None:
    device = {"device": {"name": "Boiler"}, "components": {"channel_0": SENSOR}}
    full, marker, clean = steps(device, {"channel_1": SWITCH})
    assert full == {"device": {"name": "Boiler"}, "components": {"channel_0": SENSOR, "channel_1": SWITCH}}
    assert marker == {"device": {"name": "Boiler"}, "components": {"channel_0": SENSOR, "channel_1": {"platform": "switch"}}}
    assert clean == device
    assert steps(device, {}) == (device,)


@given(st.dictionaries(st.text(max_size=4), ANNOUNCEMENTS, max_size=3))
def test_what_is_remembered_survives_the_disk(announcements: dict[str, Announcement]) -> None:
    assert from_document(json.loads(json.dumps(to_document(announcements)))) == announcements


@given(st.none() | st.dictionaries(st.sampled_from(["devices", "x"]), JSON))
def test_a_memory_that_makes_no_sense_is_no_memory(document: dict[str, object] | None) -> None:
    assert all(isinstance(one, Announcement) for one in from_document(document).values())


def test_an_entry_with_a_component_without_platform_is_left_out() -> None:
    entry = {"module": "boiler", "channels": [], "components": {"channel_0": {}}, "leftovers": {}}
    assert from_document({"devices": {"d": entry}}) == {}


@pytest.mark.parametrize("names", [[], ["living", "bath"]])
def test_a_thermostat_that_is_not_one_is_left_out(names: list[str]) -> None:
    entry = {"module": "thermostat", "channels": names, "components": {"climate": {"platform": "climate"}}, "leftovers": {}}
    assert from_document({"devices": {"d": entry}}) == {}
