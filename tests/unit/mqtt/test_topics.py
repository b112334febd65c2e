from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucid2mqtt.domain.names import RESERVED_MODULE_NAMES, ChannelRef
from lucid2mqtt.mqtt.topics import (
    Birth,
    ReadChannel,
    ReadModule,
    ReadThermostat,
    Rescan,
    SetChannel,
    SetThermostat,
    Topics,
    thermostat_ref,
    topic_fault,
)

TOPICS = Topics("lucid2mqtt", "az-2")
SLUGS = st.from_regex(r"[a-z0-9]+([_-][a-z0-9]+)*", fullmatch=True).filter(lambda text: len(text) < 40)
MODULES = SLUGS.filter(lambda text: text not in RESERVED_MODULE_NAMES)
LEVELS = st.text(st.characters(exclude_characters="+#/\0", codec="utf-8"), min_size=1, max_size=12)

TAILS = st.lists(st.sampled_from(["thermostat", "remote", "living", "mode", "set", "get", "diagnostics", "rescan"]), max_size=5).map(
    lambda levels: "/".join(["lucid2mqtt/az-2", *levels])
)


def covers(wanted: str, topic: str) -> bool:
    levels, names = wanted.split("/"), topic.split("/")
    return len(levels) == len(names) and all(level in ("+", name) for level, name in zip(levels, names, strict=True))


@given(MODULES, SLUGS)
def test_what_is_commanded_comes_back_as_the_channel_it_was_built_from(module: str, channel: str) -> None:
    ref = ChannelRef(module, channel)
    assert TOPICS.parse(TOPICS.command(ref)) == SetChannel(ref)
    assert TOPICS.parse(f"lucid2mqtt/az-2/{module}/{channel}/get") == ReadChannel(ref)
    assert TOPICS.parse(f"lucid2mqtt/az-2/{module}/get") == ReadModule(module)


@given(SLUGS, st.sampled_from(["mode", "target", "preset", "duty", "autotune", "reset"]))
def test_a_command_for_a_thermostat_comes_back_as_it_was_built(name: str, what: str) -> None:
    assert TOPICS.parse(TOPICS.thermostat_command(name, what)) == SetThermostat(name, what)
    assert TOPICS.parse(f"lucid2mqtt/az-2/thermostat/{name}/set") == SetThermostat(name, "")
    assert TOPICS.parse(f"lucid2mqtt/az-2/thermostat/{name}/get") == ReadThermostat(name)
    assert TOPICS.parse(f"lucid2mqtt/az-2/{name}/living/{what}/set") is None or name == "thermostat"


def test_no_module_can_take_the_place_of_the_thermostats_or_of_values_that_come_by_topic() -> None:
    assert {"thermostat", "remote"} <= RESERVED_MODULE_NAMES


def test_the_agents_own_topics_are_read_as_what_they_are() -> None:
    assert TOPICS.parse(TOPICS.rescan) == Rescan()
    assert TOPICS.parse("homeassistant/status") == Birth()


@given(MODULES, SLUGS)
def test_nothing_the_agent_publishes_is_taken_for_a_command(module: str, channel: str) -> None:
    ref = ChannelRef(module, channel)
    published = [TOPICS.status, TOPICS.diagnostics, TOPICS.module_status(module), TOPICS.discovery("x")]
    published += [topic(thermostat_ref(channel)) for topic in (TOPICS.state, TOPICS.channel_status, TOPICS.error)]
    published += [topic(ref) for topic in (TOPICS.state, TOPICS.channel_status, TOPICS.attributes, TOPICS.error, TOPICS.event)]
    assert [TOPICS.parse(topic) for topic in published] == [None] * len(published)
    assert not any(covers(wanted, topic) for wanted in TOPICS.subscriptions() for topic in published)


@given(st.one_of(st.text(max_size=60), st.lists(LEVELS, max_size=5).map(lambda levels: "/".join(["lucid2mqtt/az-2", *levels])), TAILS))
def test_any_topic_is_read_without_an_accident_and_understood_only_when_subscribed(topic: str) -> None:
    if TOPICS.parse(topic) is not None:
        assert sum(covers(wanted, topic) for wanted in TOPICS.subscriptions()) == 1


@given(st.lists(LEVELS, min_size=1, max_size=3).map("/".join), SLUGS)
def test_a_base_of_several_levels_round_trips(base: str, node: str) -> None:
    if topic_fault(base):
        with pytest.raises(ValueError, match="base topic"):
            Topics(base, node)
    else:
        assert Topics(base, node).parse(f"{base}/{node}/heaters/living/set") == SetChannel(ChannelRef("heaters", "living"))


@pytest.mark.parametrize("base", ["", "a/+", "#", "/a", "a/", "$SYS", "a\0b", "x" * 70000])
def test_a_base_that_is_no_topic_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="base topic"):
        Topics(base, "az-2")


def test_a_node_that_is_no_slug_is_refused() -> None:
    with pytest.raises(ValueError, match="node"):
        Topics("lucid2mqtt", "AZ 2")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "answers/+",
        "answers/#",
        "$SYS/x",
        "lucid2mqtt/az-2",
        "lucid2mqtt/az-2/heaters/living/set",
        "lucid2mqtt/az-2/status",
        "homeassistant/device/x/config",
        "homeassistant/status",
        "x" * 70000,
    ],
)
def test_no_answer_goes_where_it_could_command_or_forge(topic: str) -> None:
    assert not TOPICS.may_answer_on(topic)


@pytest.mark.parametrize("name", sorted(RESERVED_MODULE_NAMES))
def test_what_no_module_may_be_called_cannot_be_read_as_one(name: str) -> None:
    assert TOPICS.parse(f"lucid2mqtt/az-2/{name}/get") is None


def test_an_answer_goes_to_a_topic_of_the_asker() -> None:
    assert TOPICS.may_answer_on("client/7/answers")
    assert TOPICS.may_answer_on("lucid2mqtt/az-20/x")


def test_home_assistants_prefix_and_birth_topic_are_settings() -> None:
    topics = Topics("l", "n", "ha", "ha/born")
    assert topics.discovery("lucid2mqtt_RI4-1") == "ha/device/lucid2mqtt_RI4-1/config"
    assert topics.parse("ha/born") == Birth()
    assert topics.parse("homeassistant/status") is None
