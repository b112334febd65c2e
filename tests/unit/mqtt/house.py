"""A small house to stand in for the engine: real board, modules that come and go by hand, a desk that does as it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lucid2mqtt.domain.channel import Channel, Module
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.house import HouseListener, ModuleView
from lucid2mqtt.engine.orders import Incident, Order, Outcome, Toggle
from lucid2mqtt.errors import Reason, RequestRejected
from tests.unit.mqtt.samples import bad, good


@dataclass
class Point:
    channel: Channel


class SmallHouse:
    """House and desk in one; every channel is an output to it."""

    def __init__(self, *modules: Module) -> None:
        self.board = Board()
        self.orders: list[Order] = []
        self.broker: list[str] = []
        self.refusal: RequestRejected | None = None
        self._modules = {module.name: module for module in modules}
        self._online: set[str] = set()
        self._listeners: list[HouseListener] = []
        self._incidents: list[Callable[[Incident], None]] = []

    # -- the house

    @property
    def modules(self) -> tuple[ModuleView, ...]:
        return tuple(
            ModuleView(name=name, online=name in self._online, module=module, port=None, detail="")
            for name, module in self._modules.items()
        )

    def subscribe(self, listener: HouseListener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def output(self, ref: ChannelRef) -> tuple[object, Point]:
        module = self._modules.get(ref.module)
        if module is None:
            raise RequestRejected(Reason.UNKNOWN_MODULE, f"there is no module {ref.module}", "look at the list")
        for channel in module.channels:
            if channel.ref == ref:
                return None, Point(channel)
        raise RequestRejected(Reason.UNKNOWN_CHANNEL, f"there is no {ref}", "look at the list")

    async def read_now(self, module: str, channel: str | None = None) -> tuple[Reading, ...]:
        latest = [self.board.latest(known.ref) for known in self._modules[module].channels if channel in (None, known.ref.channel)]
        readings = tuple(replace(reading) for reading in latest if reading is not None)
        self.board.update(readings)
        return readings

    # -- the desk

    async def carry_out(self, order: Order) -> Outcome:
        self.orders.append(order)
        if self.refusal is not None:
            raise self.refusal
        _, point = self.output(order.channel)
        value = True if order.value is Toggle.TOGGLE else order.value
        reading = good(point.channel, value)
        self.board.update([reading])
        return Outcome(reading, "done")

    def on_incident(self, listener: Callable[[Incident], None]) -> None:
        self._incidents.append(listener)

    def broker_lost(self, at: float) -> None:
        self.broker.append("lost")

    def broker_back(self) -> None:
        self.broker.append("back")

    # -- what the test does to it

    def plug(self, module: Module) -> None:
        self._modules[module.name] = module
        self._online.add(module.name)
        for listener in list(self._listeners):
            listener.module_online(module)

    def pull(self, module: Module) -> None:
        self._online.discard(module.name)
        self.board.update([bad(channel, Quality.LINK_LOST, "unplugged") for channel in module.channels])
        for listener in list(self._listeners):
            listener.module_offline(module, "unplugged")

    def happens(self, event: Incident) -> None:
        for listener in self._incidents:
            listener(event)


class Forgetful:
    """A state store without a disk."""

    def load(self, name: str) -> dict[str, Any] | None:
        return None

    def save_soon(self, name: str, document: dict[str, Any]) -> None:
        pass
