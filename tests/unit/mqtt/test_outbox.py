from __future__ import annotations

from lucid2mqtt.mqtt.messages import Outgoing
from lucid2mqtt.mqtt.outbox import Outbox


def say(topic: str, payload: str = "x") -> Outgoing:
    return Outgoing(topic=topic, payload=payload)


def drain(outbox: Outbox) -> list[tuple[str, str]]:
    taken = []
    while (message := outbox.peek()) is not None:
        outbox.take()
        taken.append((message.topic, message.payload))
    return taken


def test_only_the_latest_message_of_a_topic_waits() -> None:
    outbox = Outbox()
    outbox.put(say("a", "1"))
    outbox.put(say("a", "2"))
    assert drain(outbox) == [("a", "2")]
    assert outbox.dropped == 1


def test_an_overtaken_message_goes_to_the_end_so_that_a_state_stays_before_the_status_said_after_it() -> None:
    outbox = Outbox()
    outbox.put(say("status", "offline"))
    outbox.put(say("state", "21.0"))
    outbox.put(say("status", "online"))
    assert drain(outbox) == [("state", "21.0"), ("status", "online")]


def test_a_full_outbox_keeps_what_it_has_and_counts_what_it_drops() -> None:
    outbox = Outbox(capacity=2)
    for topic in ("a", "b", "c"):
        outbox.put(say(topic))
    outbox.put(say("a", "new"))
    assert drain(outbox) == [("b", "x"), ("a", "new")]
    assert outbox.dropped == 2
    assert outbox.high_water == 2


def test_a_cleared_outbox_has_nothing_to_tell() -> None:
    outbox = Outbox()
    outbox.put(say("a"))
    outbox.clear()
    assert len(outbox) == 0
    assert outbox.peek() is None
