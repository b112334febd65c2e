from __future__ import annotations

import json
from dataclasses import replace

from lucid2mqtt.domain.channel import Channel, ChannelKind, Signal
from lucid2mqtt.domain.reading import Quality
from lucid2mqtt.mqtt.messages import Outgoing, Retain
from lucid2mqtt.mqtt.outlet import ATTRIBUTES_EVERY_S, Outlet
from lucid2mqtt.mqtt.topics import Topics
from tests.unit.mqtt.samples import FLOW, RELAY, bad, channel, good


class Ear:
    def __init__(self, of: Channel) -> None:
        self.messages: list[Outgoing] = []
        self.outlet = Outlet(of, Topics("l", "n"), self.messages.append)

    def take(self) -> list[tuple[str, str]]:
        """What was said since the last time: last topic level and payload, attributes by their quality."""
        said = [(message.topic.rsplit("/", 1)[1], message.payload) for message in self.messages]
        self.messages.clear()
        return [(what, json.loads(payload)["quality"] if what == "attributes" else payload) for what, payload in said]


def test_a_first_good_reading_says_state_then_online_then_attributes() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell(good(FLOW, 21.3), 0)
    assert ear.take() == [("state", "21.30"), ("status", "online"), ("attributes", "good")]


def test_an_unchanged_value_is_told_again_with_the_heartbeat_only() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell(good(FLOW, 21.3), 0)
    ear.take()
    ear.outlet.tell(good(FLOW, 21.3), 59)
    assert ear.take() == []
    ear.outlet.tell(good(FLOW, 21.3), 60)
    assert ear.take() == [("state", "21.30"), ("attributes", "good")]


def test_attributes_of_a_busy_channel_come_every_ten_seconds() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell(good(FLOW, 0.0), 0)
    ear.take()
    for second in range(1, int(ATTRIBUTES_EVERY_S)):
        ear.outlet.tell(good(FLOW, float(second)), second)
    assert [what for what, _ in ear.take()] == ["state"] * 9
    ear.outlet.tell(good(FLOW, 99.0), ATTRIBUTES_EVERY_S)
    assert [what for what, _ in ear.take()] == ["state", "attributes"]


def test_a_bad_reading_takes_the_channel_offline_and_never_touches_the_state() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell(good(FLOW, 21.3), 0)
    ear.take()
    ear.outlet.tell(bad(FLOW), 1)
    assert ear.take() == [("status", "offline"), ("attributes", "open sensor")]
    ear.outlet.tell(bad(FLOW), 2)
    assert ear.take() == []
    ear.outlet.tell(bad(FLOW, Quality.STALE, "nothing for a minute"), 3)
    assert ear.take() == [("attributes", "stale")]


def test_a_recovered_channel_says_its_state_before_it_is_online() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell(bad(FLOW), 0)
    ear.take()
    ear.outlet.tell(good(FLOW, 21.3), 1)
    assert ear.take() == [("state", "21.30"), ("status", "online"), ("attributes", "good")]


def test_a_channel_that_was_never_read_is_offline() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell_anew(None, 0)
    assert ear.take() == [("status", "offline")]


def test_everything_is_said_anew_to_somebody_who_knows_nothing() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell(good(FLOW, 21.3), 0)
    ear.take()
    ear.outlet.tell_anew(good(FLOW, 21.3), 1)
    assert ear.take() == [("state", "21.30"), ("status", "online"), ("attributes", "good")]


def test_whoever_asked_hears_an_unchanged_value() -> None:
    ear = Ear(RELAY)
    ear.outlet.tell(good(RELAY, value=True), 0)
    ear.take()
    ear.outlet.expect_news()
    ear.outlet.tell(good(RELAY, value=True), 1)
    assert ear.take() == [("state", "ON")]


def test_dead_band_and_shortest_interval_hold_back_small_changes() -> None:
    calm = replace(FLOW, deadband=0.5, min_interval_s=5)
    ear = Ear(calm)
    ear.outlet.tell(good(calm, 21.0), 0)
    ear.take()
    ear.outlet.tell(good(calm, 21.4), 6)
    ear.outlet.tell(good(calm, 22.0), 4)
    assert ear.take() == []
    ear.outlet.tell(good(calm, 22.0), 6)
    assert ear.take() == [("state", "22.00")]


def test_inputs_are_kept_by_the_broker_while_fresh_and_outputs_always() -> None:
    for of, value, qos, retain in ((FLOW, 21.3, 0, Retain.WHILE_FRESH), (RELAY, True, 1, Retain.ALWAYS)):
        ear = Ear(of)
        ear.outlet.tell(good(of, value), 0)
        state, status, attributes = ear.messages
        assert (state.qos, state.retain, state.expires_s) == (qos, retain, 180)
        assert (status.qos, status.retain, status.expires_s) == (1, Retain.ALWAYS, None)
        assert (attributes.retain, attributes.expires_s) == (Retain.ALWAYS, 180)


def test_what_is_wrong_stays_said_until_it_is_over() -> None:
    ear = Ear(FLOW)
    ear.outlet.tell(bad(FLOW), 0)
    assert [message.expires_s for message in ear.messages] == [None, None]


def test_edges_are_events_once_each_and_never_retained() -> None:
    button = channel(ChannelKind.DIGITAL_INPUT, signal=Signal.EDGE)
    ear = Ear(button)
    ear.outlet.tell_anew(good(button, 7), 0)
    assert [what for what, _ in ear.take()] == ["state", "status", "attributes"]
    ear.outlet.tell(good(button, 8), 1)
    ear.outlet.tell(good(button, 11), 2)
    events = [message for message in ear.messages if message.topic.endswith("/event")]
    assert [json.loads(event.payload) for event in events] == [{"event_type": "edge", "count": 1}, {"event_type": "edge", "count": 3}]
    assert all(event.retain is Retain.NEVER for event in events)


def test_edges_seen_while_the_broker_was_away_are_not_told_as_new() -> None:
    button = channel(ChannelKind.DIGITAL_INPUT, signal=Signal.EDGE)
    ear = Ear(button)
    ear.outlet.tell_anew(good(button, 7), 0)
    ear.outlet.tell_anew(good(button, 9), 1)
    assert "event" not in [what for what, _ in ear.take()]


def test_a_total_begun_anew_is_no_event() -> None:
    button = channel(ChannelKind.DIGITAL_INPUT, signal=Signal.EDGE)
    ear = Ear(button)
    ear.outlet.tell_anew(good(button, 7), 0)
    ear.outlet.tell(good(button, 0), 1)
    assert "event" not in [what for what, _ in ear.take()]


def test_the_read_back_of_a_command_is_told_also_when_it_is_no_news() -> None:
    ear = Ear(RELAY)
    ear.outlet.tell(good(RELAY, value=True), 0)
    ear.take()
    read_back = good(RELAY, value=True)
    ear.outlet.tell(read_back, 1)
    assert ear.take() == []
    ear.outlet.confirm(read_back, 1)
    assert ear.take() == [("state", "ON")]


def test_a_read_back_that_was_news_is_not_told_twice() -> None:
    ear = Ear(RELAY)
    ear.outlet.tell(good(RELAY, value=False), 0)
    read_back = good(RELAY, value=True)
    ear.outlet.tell(read_back, 1)
    ear.take()
    ear.outlet.tell(good(RELAY, value=True), 2)
    ear.outlet.confirm(read_back, 2)
    assert ear.take() == []


def test_what_was_read_since_a_read_back_is_never_overtaken_by_it() -> None:
    ear = Ear(RELAY)
    read_back = good(RELAY, value=True)
    ear.outlet.tell(read_back, 1)
    ear.outlet.tell(good(RELAY, value=False), 2)
    ear.take()
    ear.outlet.confirm(read_back, 2)
    assert ear.take() == []


def test_a_read_back_held_back_by_the_shortest_interval_is_told_when_it_was_asked_for() -> None:
    ear = Ear(replace(FLOW, min_interval_s=10.0))
    ear.outlet.tell(good(FLOW, 20.0), 0)
    ear.take()
    read_back = good(FLOW, 21.0)
    ear.outlet.tell(read_back, 1)
    ear.outlet.confirm(read_back, 1)
    assert ear.take() == [("state", "21.00")]


def test_nothing_is_confirmed_before_the_first_reading() -> None:
    ear = Ear(RELAY)
    ear.outlet.confirm(good(RELAY, value=True), 1)
    assert ear.take() == []
