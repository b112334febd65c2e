"""One-shot access to a module on a port that no agent holds: the engine's own reading and writing, without the engine's tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from lucid2mqtt.console.documents import module_document, reading_document
from lucid2mqtt.console.wire import Document
from lucid2mqtt.domain.channel import Signal
from lucid2mqtt.domain.names import ChannelRef, slug
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.arrival import Arrival
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.fitting import Fitting, default_label, default_name
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.options import DeclaredState, ModuleOptions
from lucid2mqtt.engine.orders import Order, Toggle
from lucid2mqtt.engine.point import Point
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.engine.tally import TallyBook
from lucid2mqtt.errors import DeviceRefused, Reason, RequestRejected
from lucid2mqtt.lucid.exchange import Transactor, Turn
from lucid2mqtt.lucid.families import describe
from lucid2mqtt.lucid.frames import get_io
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import decode
from lucid2mqtt.port.address import Address
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.watch import open_module

_WHO = "console"
_RAW = frozenset({Signal.TOTAL, Signal.EDGE})
"""Signals of which the agent keeps totals; a single look shows what the module itself says."""


class DirectModule:
    """A module looked at with `options`; nothing is woken or set, whatever they say."""

    def __init__(self, live: LiveModule, port: str) -> None:
        self._live = live
        self._points = {point.number: point for point in live.points.values()}
        self.port = port
        self.document: Document = module_document(live.module)

    @classmethod
    async def look_at(cls, identity: Identity, line: Transactor, port: str, options: ModuleOptions | None = None) -> DirectModule:
        """Asks for the modes of all channels. Raises LinkError, UnknownFamily."""
        module_type = describe(identity)
        settled = ModuleOptions(activate=False, channels={} if options is None else options.channels)
        label = default_label(identity, module_type)
        name = default_name(identity, module_type)
        if options is not None and options.name is not None:
            label, name = options.name, slug(options.name)
        states = await Arrival(name, module_type, settled, line).prepare()
        module, points = Fitting(identity, module_type, name, label, settled, TallyBook(StateStore(None))).fit(states)
        return cls(LiveModule(module, points, module_type=module_type, line=line, board=Board(), now=_now), port)

    @property
    def outputs(self) -> Sequence[int]:
        """The numbers of the outputs in service, ascending."""
        return [number for number, point in self._points.items() if point.channel.is_output]

    def exit_state(self, number: int) -> DeclaredState:
        """What the options declare for the end."""
        return self._points[number].options.exit

    def ref(self, number: int) -> ChannelRef:
        """The channel's name."""
        return self._points[number].channel.ref

    def declared(self, number: int, state: bool | float) -> bool | float:
        """A declared state as a value of this output. Raises RequestRejected where it has no meaning."""
        return self._points[number].declared(state)

    async def read(self, numbers: Sequence[int]) -> list[Document]:
        """Readings in the order asked for. Raises LinkError."""
        return [reading_document(await self._read(self._points[number]), self._points[number].channel) for number in numbers]

    async def write(self, number: int, value: bool | float | Toggle) -> Document:
        """Writes and reads back. Raises RequestRejected before anything is written, DeviceRefused, LinkError."""
        point = self._points[number]
        order = Order(channel=point.channel.ref, value=value, who=_WHO)
        if not point.is_active:
            raise RequestRejected(Reason.DISABLED, f"{order.channel} is inactive in the module", "let the agent wake it, or set its mode")
        point.check_order(order)
        if isinstance(value, Toggle):
            present = await self._read(point)
            if present.value is None:
                raise RequestRejected(Reason.REFUSED_BY_MODULE, f"{order.channel} cannot be toggled: {present.reason}", "write on or off")
            value = not present.value
        await self._live.write(point, value, turn=Turn.COMMAND, client=_WHO, deadline=None)
        reading = await self._read(point)
        text = f"{order.channel}: {point.show_value(value)} written, the module says {point.show(reading)}"
        return {"text": text, "reading": reading_document(reading, point.channel)}

    async def _read(self, point: Point) -> Reading:
        if not point.is_active:
            return point.fault(Quality.INACTIVE, "the module has this channel switched off", _now())
        for value_type in point.types:
            point.value_type = value_type
            try:
                if point.channel.signal not in _RAW:
                    return await self._live.read_strictly(point, turn=Turn.COMMAND, client=_WHO)
                data = await self._live.ask(get_io(point.number, value_type), turn=Turn.COMMAND, client=_WHO)
                raw = decode(value_type, data)
                return Reading(channel=point.channel.ref, value=int(raw), unit=point.channel.unit, quality=Quality.GOOD, taken_at=_now())
            except DeviceRefused as refusal:
                refused = self._live.refused(point, refusal)
        return refused


@asynccontextmanager
async def open_direct(address: Address, options: PortOptions | None = None) -> AsyncIterator[DirectModule]:
    """The module at `address` for the time of the block. Raises LinkError (LinkBusy names the holder), UnknownFamily."""
    async with open_module(address, options or PortOptions()) as (identity, owner):
        yield await DirectModule.look_at(identity, owner, str(address))


def _now() -> datetime:
    return datetime.now(UTC)
