"""What the bridge needs of house, desk and link: small enough to stand in for in a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lucid2mqtt.domain.channel import Channel
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.house import HouseListener, ModuleView
from lucid2mqtt.engine.orders import Incident, Order, Outcome
from lucid2mqtt.mqtt.link import LinkCounters, LinkListener
from lucid2mqtt.mqtt.messages import Outgoing, Subscription
from lucid2mqtt.mqtt.options import Protocol as MqttVersion


class Point(Protocol):
    @property
    def channel(self) -> Channel: ...


class Rooms(Protocol):
    """The house."""

    @property
    def modules(self) -> tuple[ModuleView, ...]: ...

    def subscribe(self, listener: HouseListener) -> Callable[[], None]: ...

    def output(self, ref: ChannelRef) -> tuple[object, Point]: ...

    async def read_now(self, module: str, channel: str | None = None) -> tuple[Reading, ...]: ...


class Switchboard(Protocol):
    """The desk."""

    async def carry_out(self, order: Order) -> Outcome: ...

    def on_incident(self, listener: Callable[[Incident], None]) -> None: ...

    def broker_lost(self, at: float) -> None: ...

    def broker_back(self) -> None: ...


class BrokerLink(Protocol):
    """The link."""

    @property
    def is_connected(self) -> bool: ...

    @property
    def protocol(self) -> MqttVersion | None: ...

    @property
    def address(self) -> str: ...

    @property
    def counters(self) -> LinkCounters: ...

    def publish(self, message: Outgoing) -> bool: ...

    async def run(self, *, will: Outgoing, subscriptions: Sequence[Subscription], listener: LinkListener) -> None: ...

    async def stop(self, last: Outgoing, *, within_s: float) -> None: ...
