"""What the outside hears of one channel, and when."""

from __future__ import annotations

from collections.abc import Callable

from lucid2mqtt.domain.channel import Channel, Signal
from lucid2mqtt.domain.gate import ChangeGate
from lucid2mqtt.domain.reading import Quality, Reading, Value
from lucid2mqtt.mqtt.discovery import expire_after_s
from lucid2mqtt.mqtt.messages import Outgoing, Retain
from lucid2mqtt.mqtt.payloads import OFFLINE, ONLINE, attributes, edge_event, render
from lucid2mqtt.mqtt.topics import Topics

ATTRIBUTES_EVERY_S = 10.0
"""Attributes of a good value go out with its news, but no more often: they cost more than the value itself."""


class Outlet:
    """Publishes the readings of one channel that are news.

    A good reading goes to `state`; a bad one never does: the channel goes `offline` and `attributes` say why. When it is good again
    the state comes before `online`, so nobody sees the old value as a new one. Times are the loop's, in seconds.
    """

    def __init__(self, channel: Channel, topics: Topics, publish: Callable[[Outgoing], object]) -> None:
        self.channel = channel
        self._publish = publish
        self._state_topic = topics.state(channel.ref)
        self._status_topic = topics.channel_status(channel.ref)
        self._attributes_topic = topics.attributes(channel.ref)
        self._event_topic = topics.event(channel.ref) if channel.signal is Signal.EDGE else None
        self._expires_s = expire_after_s(channel)
        # an output has no expire_after in Home Assistant: there a forgotten state would show as unknown for ever
        self._retain = Retain.ALWAYS if channel.is_output else Retain.WHILE_FRESH
        self._qos = 1 if channel.is_output else 0
        self._gate = self._new_gate()
        self._quality: Quality | None = None  # as last told
        self._reason = ""
        self._attributes_at = 0.0
        self._edges: Value | None = None
        self._seen: Reading | None = None  # the latest, news or not
        self._told: Reading | None = None

    def tell(self, reading: Reading, now: float) -> None:
        """Publishes `reading` if it is news."""
        self._seen = reading
        if not self._gate.admits(reading, now):
            return
        self._told = reading
        if reading.value is None:
            self._tell_status(reading)
            self._tell_attributes(reading, now)
            return
        self._tell_value(reading.value)
        changed = self._tell_status(reading)
        if changed or now - self._attributes_at >= ATTRIBUTES_EVERY_S:
            self._tell_attributes(reading, now)

    def tell_anew(self, reading: Reading | None, now: float) -> None:
        """Publishes where the channel stands for somebody who knows nothing; `reading` is its latest, None before the first."""
        self._quality = None
        self._edges = None
        self.expect_news()
        if reading is None:
            self._publish(Outgoing(topic=self._status_topic, payload=OFFLINE, retain=Retain.ALWAYS))
        else:
            self.tell(reading, now)

    def confirm(self, reading: Reading, now: float) -> None:
        """Has told what the channel says since `reading`, the read-back of a command: also when that was no news."""
        if self._seen is not None and self._told is not reading and self._told is not self._seen:
            self.expect_news()
            self.tell(self._seen, now)

    def expect_news(self) -> None:
        """Makes the next reading news, whatever it says: somebody asked."""
        self._gate = self._new_gate()

    def _new_gate(self) -> ChangeGate:
        channel = self.channel
        return ChangeGate(deadband=channel.deadband, min_interval_s=channel.min_interval_s, max_interval_s=channel.max_interval_s)

    def _tell_value(self, value: Value) -> None:
        payload = render(value, self.channel.decimals)
        self._publish(Outgoing(topic=self._state_topic, payload=payload, qos=self._qos, retain=self._retain, expires_s=self._expires_s))
        if self._event_topic is not None:
            if self._edges is not None and value > self._edges:
                self._publish(Outgoing(topic=self._event_topic, payload=edge_event(int(value - self._edges))))
            self._edges = value

    def _tell_status(self, reading: Reading) -> bool:
        """True when the quality, or the reason of a bad one, is not what was told last."""
        was, self._quality = self._quality, reading.quality
        reason, self._reason = self._reason, reading.reason
        is_good = reading.quality is Quality.GOOD
        if was is None or (was is Quality.GOOD) is not is_good:
            self._publish(Outgoing(topic=self._status_topic, payload=ONLINE if is_good else OFFLINE, retain=Retain.ALWAYS))
        return was is not reading.quality or reason != reading.reason

    def _tell_attributes(self, reading: Reading, now: float) -> None:
        self._attributes_at = now
        # what is wrong stays said until it is over: a module that is away has no heartbeat
        expires_s = None if reading.value is None else self._expires_s
        self._publish(Outgoing(topic=self._attributes_topic, payload=attributes(reading), qos=0, retain=Retain.ALWAYS, expires_s=expires_s))
