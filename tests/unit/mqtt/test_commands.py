from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucid2mqtt.domain.channel import Channel
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.engine.orders import Order, Outcome
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.mqtt.commands import LATEST_S, MOST_UNDER_WAY, Commands, Doors
from lucid2mqtt.mqtt.messages import Message, Outgoing
from lucid2mqtt.mqtt.topics import Errand, ReadThermostat, SetThermostat, Topics
from tests.unit.mqtt.samples import NOON, RELAY, good
from tests.virtual_clock import run_virtual

TOPICS = Topics("l", "n")
SET = "l/n/heaters/living/set"


class House:
    """One relay; `refusal` is what the desk says, `delay_s` how long the module takes."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.asked: list[str] = []
        self.said: list[Outgoing] = []
        self.refusal: RequestRejected | None = None
        self.delay_s = 0.0
        doors = Doors(
            find_output=self._find,
            carry_out=self._carry_out,
            read_channel=self._read_channel,
            read_module=self._read_module,
            confirm=lambda reading: self.asked.append(f"confirm {reading.channel}"),
            expect_news=lambda ref: self.asked.append(f"news of {ref}"),
            ask_thermostat=self._ask_thermostat,
            tell_thermostat=lambda name: self.asked.append(f"tell {name}"),
            publish=self.said.append,
        )
        self.commands = Commands(TOPICS, doors, now=lambda: NOON)

    def _find(self, ref: ChannelRef) -> Channel:
        if ref != RELAY.ref:
            raise RequestRejected(Reason.UNKNOWN_CHANNEL, f"there is no {ref}", "look at the list")
        return RELAY

    async def _carry_out(self, order: Order) -> Outcome:
        self.orders.append(order)
        await asyncio.sleep(self.delay_s)
        if self.refusal is not None:
            raise self.refusal
        return Outcome(good(RELAY, value=True), "done")

    async def _read_channel(self, ref: ChannelRef) -> str | None:
        self.asked.append(str(ref))
        return "OFF"

    async def _read_module(self, module: str) -> None:
        self.asked.append(module)

    def _ask_thermostat(self, incoming: SetThermostat | ReadThermostat, payload: bytes) -> str | None:
        self.asked.append(f"{incoming} {payload!r}")
        if self.refusal is not None:
            raise self.refusal
        return "heat"

    async def hear(self, *messages: Message) -> None:
        """Takes messages as the bridge does, and waits for their end."""
        async with asyncio.TaskGroup() as tasks:
            for message in messages:
                incoming = TOPICS.parse(message.topic)
                assert isinstance(incoming, Errand)
                self.commands.take(incoming, message, tasks)

    def documents(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(message.payload) for message in self.said if message.topic == topic]


def hear(*messages: Message, prepare: Callable[[House], None] = lambda _house: None) -> House:
    house = House()
    prepare(house)
    run_virtual(house.hear(*messages))
    return house


def command(payload: bytes = b"ON", topic: str = SET, **more: Any) -> Message:
    return Message(topic=topic, payload=payload, qos=1, **more)


def test_a_command_becomes_an_order_that_is_not_carried_out_late() -> None:
    async def scenario() -> None:
        house = House()
        arrived = asyncio.get_running_loop().time()
        await house.hear(command(b'{"state":"ON","for_s":30}'))
        (order,) = house.orders
        assert (order.channel, order.value, order.for_s, order.who, order.deadline) == (RELAY.ref, True, 30.0, "mqtt", arrived + LATEST_S)
        assert house.said == []
        assert house.asked == ["confirm heaters/living"]

    run_virtual(scenario())


@pytest.mark.parametrize(("expires_s", "within_s"), [(2, 2.0), (600, LATEST_S)])
def test_a_command_that_expires_sooner_is_carried_out_sooner(expires_s: int, within_s: float) -> None:
    async def scenario() -> None:
        house = House()
        arrived = asyncio.get_running_loop().time()
        await house.hear(command(expires_s=expires_s))
        assert house.orders[0].deadline == arrived + within_s

    run_virtual(scenario())


def test_a_retained_command_moves_nothing_and_is_told_with_the_cure() -> None:
    house = hear(command(retained=True))
    assert house.orders == []
    (told,) = house.documents("l/n/heaters/living/error")
    assert told["reason"] == "retained"
    assert "mosquitto_pub -r -n -t l/n/heaters/living/set" in told["remedy"]
    assert house.commands.refused == {Reason.RETAINED: 1}


def test_clearing_a_retained_command_is_no_command() -> None:
    house = hear(command(b"", retained=True))
    assert (house.orders, house.said, house.commands.refused) == ([], [], {})


def test_a_retained_request_to_read_is_refused_too() -> None:
    house = hear(command(b"", topic="l/n/heaters/get"), command(b"x", topic="l/n/heaters/get", retained=True))
    assert house.asked == ["heaters"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (command(b"maybe"), "not_understood"),
        (command(b"\xff"), "not_text"),
        (command(b"x" * 1_000_000), "too_long"),
        (command(topic="l/n/heaters/kitchen/set"), "unknown_channel"),
    ],
)
def test_a_refusal_is_told_on_the_error_topic_of_the_channel_that_was_named(message: Message, reason: str) -> None:
    house = hear(message)
    (told,) = house.documents(message.topic.replace("/set", "/error"))
    assert told["reason"] == reason
    assert told["remedy"]
    assert house.orders == []
    assert all(len(said.payload) < 1000 for said in house.said)


def test_names_that_cannot_stand_in_a_topic_get_no_error_topic() -> None:
    house = hear(command(topic="l/n/Living Room/x/set"), command(topic="l/n//x/set"))
    assert house.said == []
    assert house.commands.refused == {Reason.UNKNOWN_CHANNEL: 2}


def test_what_the_desk_refuses_is_told_as_well() -> None:
    def claimed(house: House) -> None:
        house.refusal = RequestRejected(Reason.CLAIMED, "it belongs to the thermostat", "command the thermostat")

    house = hear(command(), prepare=claimed)
    assert house.documents("l/n/heaters/living/error")[0]["reason"] == "claimed"


def test_the_asker_gets_the_outcome_with_its_correlation() -> None:
    house = hear(command(response_topic="me/answers", correlation=b"7"))
    (answer,) = house.said
    assert (answer.topic, answer.qos, answer.correlation) == ("me/answers", 1, b"7")
    assert json.loads(answer.payload) == {"result": "done", "state": "ON"}


def test_the_asker_hears_of_a_refusal_and_of_doubt() -> None:
    for reason, result in ((Reason.OUT_OF_RANGE, "rejected"), (Reason.NO_ANSWER, "unknown")):

        def refuse(house: House, reason: Reason = reason) -> None:
            house.refusal = RequestRejected(reason, "m", "r")

        house = hear(command(response_topic="me/answers"), prepare=refuse)
        assert house.documents("me/answers") == [{"result": result, "reason": reason, "message": "m", "remedy": "r"}]


@pytest.mark.parametrize("topic", [SET, "l/n/heaters/living/state", "homeassistant/device/x/config", "a/+", "", "$SYS/x"])
def test_no_answer_goes_where_it_would_do_harm(topic: str) -> None:
    assert hear(command(response_topic=topic)).said == []


def test_a_channel_is_read_on_request() -> None:
    house = hear(command(b"", topic="l/n/heaters/living/get", response_topic="me"))
    assert house.asked == ["heaters/living"]
    assert house.documents("me") == [{"result": "done", "state": "OFF"}]


MODE = "l/n/thermostat/living/mode/set"


def test_a_command_for_a_thermostat_is_carried_out_told_and_answered() -> None:
    house = hear(command(b"heat", topic=MODE, response_topic="me", correlation=b"7"))
    assert house.asked == ["SetThermostat(name='living', what='mode') b'heat'", "tell living"]
    assert house.documents("me") == [{"result": "done", "state": "heat"}]


def test_the_state_of_a_thermostat_is_told_on_request() -> None:
    house = hear(command(b"", topic="l/n/thermostat/living/get"))
    assert house.asked == ["ReadThermostat(name='living') b''", "tell living"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (command(b"heat", topic=MODE, retained=True), "retained"),
        (command(b"heat", topic=MODE, expires_s=0), "expired"),
        (command(b"warm", topic=MODE), "not_understood"),
    ],
)
def test_a_refused_command_for_a_thermostat_is_told_counted_and_the_state_said_again(message: Message, reason: str) -> None:
    def refuse(house: House) -> None:
        house.refusal = RequestRejected(Reason.NOT_UNDERSTOOD, "there is no mode 'warm'", "choose heat")

    house = hear(message, prepare=refuse)
    (told,) = house.documents("l/n/thermostat/living/error")
    assert told["reason"] == reason
    assert told["remedy"]
    assert house.asked[-1] == "tell living"
    assert house.commands.refused == {reason: 1}
    assert len(house.asked) == (1 if reason != "not_understood" else 2), "only what is admitted reaches the thermostat"


def test_a_flood_of_commands_for_a_thermostat_is_refused_beyond_what_can_be_under_way() -> None:
    house = hear(*[command(b"heat", topic=MODE)] * (MOST_UNDER_WAY + 5))
    assert house.commands.refused == {Reason.BUSY: 5}


def test_commands_for_a_thermostat_are_carried_out_in_the_order_they_came() -> None:
    house = hear(command(b"heat", topic=MODE), command(b"22.5", topic="l/n/thermostat/living/target/set"))
    assert [asked.split()[-1] for asked in house.asked if asked.startswith("Set")] == ["b'heat'", "b'22.5'"]


def test_what_was_carried_out_is_confirmed_with_the_read_back_and_nothing_is_told_before() -> None:
    house = hear(command())
    assert house.asked == ["confirm heaters/living"]


def test_after_a_refusal_by_the_desk_the_next_reading_is_told() -> None:
    def claimed(house: House) -> None:
        house.refusal = RequestRejected(Reason.CLAIMED, "it belongs to the thermostat", "command the thermostat")

    assert hear(command(), prepare=claimed).asked == ["news of heaters/living"]


def test_a_command_whose_life_is_over_is_not_carried_out() -> None:
    house = hear(command(expires_s=0))
    assert house.orders == []
    assert house.commands.refused == {Reason.EXPIRED: 1}


def test_a_flood_of_commands_is_refused_beyond_what_can_be_under_way() -> None:
    def slow(house: House) -> None:
        house.delay_s = 1.0

    house = hear(*[command()] * (MOST_UNDER_WAY + 5), prepare=slow)
    assert len(house.orders) == MOST_UNDER_WAY
    assert house.commands.refused == {Reason.BUSY: 5}


def test_after_a_flood_commands_are_taken_again() -> None:
    async def scenario() -> None:
        house = House()
        for _ in range(3):
            await house.hear(*[command()] * MOST_UNDER_WAY)
        assert len(house.orders) == 3 * MOST_UNDER_WAY
        assert house.commands.refused == {}

    run_virtual(scenario())


def test_a_flood_of_refusals_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        house = House()
        await house.hear(*[command(b"maybe")] * 500)
        await asyncio.sleep(60)
        await house.hear(command(b"maybe"))
        assert house.commands.refused == {Reason.NOT_UNDERSTOOD: 501}

    with caplog.at_level(logging.WARNING):
        run_virtual(scenario())
    assert len(caplog.records) == 11
    assert "490 more" in caplog.text


def test_a_bug_of_the_desk_is_not_swallowed() -> None:
    def broken(house: House) -> None:
        house.refusal = ZeroDivisionError()  # type: ignore[assignment]

    with pytest.raises(ExceptionGroup) as caught:
        hear(command(), prepare=broken)
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)


@settings(max_examples=50)
@given(
    st.binary(max_size=200),
    st.text(max_size=20) | st.just("thermostat"),
    st.text(max_size=20) | st.sampled_from(["living/mode", "living/", "/"]),
    st.sampled_from(["set", "get"]),
    st.none() | st.text(max_size=20),
)
def test_nothing_a_stranger_sends_is_an_accident(payload: bytes, module: str, channel: str, verb: str, answer_on: str | None) -> None:
    topic = f"l/n/{module}/{channel}/{verb}"
    incoming = TOPICS.parse(topic)
    if isinstance(incoming, Errand):
        assert len(hear(command(payload, topic=topic, response_topic=answer_on)).said) <= 2
