"""The house: every module that is there, was there or should be there, by name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading
from lucid2mqtt.engine.arrival import Arrival, ChannelState
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.fitting import Fitting, channel_slugs
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.engine.places import Guest, Place, Places
from lucid2mqtt.engine.point import Point
from lucid2mqtt.engine.poller import Poller
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.engine.tally import TallyBook
from lucid2mqtt.errors import LinkError, Reason, RequestRejected
from lucid2mqtt.lucid.exchange import Transactor, Turn
from lucid2mqtt.lucid.families import UnknownFamily, describe
from lucid2mqtt.lucid.identity import Identity

ARRIVAL_RETRY_S = 1.0
"""Pause before a module that could not be prepared is tried again."""

_log = logging.getLogger(__name__)


class HouseListener(Protocol):
    """Hears of modules coming and going, on the loop, in order; must neither block nor raise."""

    def module_online(self, module: Module) -> None:
        """`module` is in service; its readings follow on the board. Channels may differ from the last time.

        Called again without `module_offline` in between when somebody changed how its channels work.
        """

    def module_offline(self, module: Module, reason: str) -> None:
        """`module` is gone; its channels already say LINK_LOST on the board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleView:
    """A module as the house knows it. `module` is None for one that the settings name and nobody has seen yet."""

    name: str
    online: bool
    module: Module | None
    port: str | None  # where it is, or was last
    detail: str  # why it is offline, else empty


class House:
    """Takes modules in service as they arrive, each in its own task: the fault of one never reaches another.

    `options` with neither serial nor port are for modules that no others match.
    """

    def __init__(self, options: Sequence[ModuleOptions], board: Board, store: StateStore, *, now: Callable[[], datetime]) -> None:
        self._board = board
        self._tallies = TallyBook(store)
        self._now = now
        self._places = Places(options)
        self._guests: dict[tuple[int, int, int], Place] = {}
        self._listeners: tuple[HouseListener, ...] = ()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Serves modules until cancelled; a bug in serving one comes out here."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for place in self._guests.values():
                self._begin(place)
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    # -- looking in --------------------------------------------------------------------------------------------------

    @property
    def modules(self) -> tuple[ModuleView, ...]:
        """All modules by name, those that are missing too."""
        return tuple(
            ModuleView(
                name=place.name,
                online=place.live is not None,
                module=None if place.last is None else place.last.module,
                port=place.port,
                detail=place.detail,
            )
            for place in self._places
        )

    @property
    def live_modules(self) -> tuple[LiveModule, ...]:
        """The modules in service."""
        return tuple(place.live for place in self._places if place.live is not None)

    def subscribe(self, listener: HouseListener) -> Callable[[], None]:
        """Tells `listener` of every later coming and going, until the returned function is called."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def output(self, ref: ChannelRef) -> tuple[LiveModule, Point]:
        """The output `ref` of a module that is there. Raises RequestRejected with what is wrong about it."""
        place, live, point = self._find(ref)
        if not point.channel.is_output:
            raise RequestRejected(Reason.NOT_AN_OUTPUT, f"{ref} is an input, it cannot be switched", "choose an output")
        _check_in_service(place, live, point)
        return live, point

    async def read_now(self, module: str, channel: str | None = None) -> tuple[Reading, ...]:
        """Reads a module, or one channel, outside the grid; the readings are on the board when this returns.

        Raises RequestRejected when there is nothing to read. Of a whole module, what does not answer keeps its last reading.
        """
        if channel is not None:
            return (await self._read_one(ChannelRef(module, channel)),)
        place = self._places.known(module)
        if place.live is None or place.poller is None:
            raise place.offline()
        await place.poller.read_all()
        readings = [self._board.latest(described.ref) for described in place.live.module.channels] if place.live else []
        return tuple(reading for reading in readings if reading is not None)

    async def look_again(self, module: str) -> None:
        """Somebody else may have changed how the channels of a module work: puts them in service as they are now.

        Nothing is written: what the settings declare is for the next arrival. Raises LinkError and RequestRejected.
        """
        place = self._places.known(module)
        guest, live = place.guest, place.live
        if guest is None or live is None:
            raise place.offline()
        states = await Arrival(place.name, guest.module_type, place.options, guest.line).look()
        if self._tasks is None or place.live is not live or states == place.states:
            return
        live.refit(*self._fitting(place, guest).fit(states))
        if place.task is not None:
            place.task.cancel()
        _log.info("%s: its channels work otherwise than before", place.name)
        poller = self._put_in_service(place, guest, live, states)
        place.task = self._tasks.create_task(poller.run(), name=f"poll:{place.name}")

    async def _read_one(self, ref: ChannelRef) -> Reading:
        place, live, point = self._find(ref)
        _check_in_service(place, live, point)
        try:
            return await live.read(point, turn=Turn.COMMAND, client="read now")
        except LinkError as fault:
            raise RequestRejected(Reason.NO_ANSWER, f"{ref} could not be read: {fault}", "check cable and port, then ask again") from fault

    def _find(self, ref: ChannelRef) -> tuple[Place, LiveModule, Point]:
        place = self._places.known(ref.module)
        if place.last is None:
            raise place.offline()
        point = place.last.points.get(ref.channel)
        if point is None and ref.channel in place.disabled:
            raise RequestRejected(Reason.DISABLED, f"{ref} is disabled in the settings", "set `enabled: true` for it")
        if point is None:
            channels = ", ".join(place.last.points) or "none"
            raise RequestRejected(Reason.UNKNOWN_CHANNEL, f"{ref.module} has no channel {ref.channel}", f"its channels: {channels}")
        return place, place.last, point

    # -- coming and going (the port watch's ModuleListener) ------------------------------------------------------------

    def module_arrived(self, identity: Identity, line: Transactor, port: str) -> None:
        """A module answers at `port`, over `line`, until it left."""
        try:
            module_type = describe(identity)
        except UnknownFamily as error:
            _log.warning("%s: %s; it is left alone", port, error)
            return
        self.module_left(identity, f"it is found again at {port}")
        self._guests[identity.key] = place = self._places.seat(Guest(identity, module_type, line, port))
        if self._tasks is not None:
            self._begin(place)

    def module_left(self, identity: Identity, reason: str) -> None:
        """The module does not answer any more."""
        place = self._guests.pop(identity.key, None)
        live = None if place is None else place.farewell(reason)
        if live is None:
            return
        _log.info("%s is offline: %s", live.module.name, reason)
        live.leave(reason)
        for listener in self._listeners:
            listener.module_offline(live.module, reason)

    def _begin(self, place: Place) -> None:
        if self._tasks is not None and place.guest is not None:
            place.task = self._tasks.create_task(self._serve(place, place.guest), name=f"poll:{place.name}")

    async def _serve(self, place: Place, guest: Guest) -> None:
        states = await self._prepare(place, guest)
        module, points = self._fitting(place, guest).fit(states)
        live = LiveModule(module, points, module_type=guest.module_type, line=guest.line, board=self._board, now=self._now)
        if place.last is not None and place.last.module.serial != module.serial:
            self._board.forget(place.name)
        _log.info("%s is online: %s, %s, at %s", place.name, module.family, module.type_text, guest.port)
        known = {number: replace(state, was_asleep=False) for number, state in states.items()}
        await self._put_in_service(place, guest, live, known).run()

    def _put_in_service(self, place: Place, guest: Guest, live: LiveModule, states: Mapping[int, ChannelState]) -> Poller:
        poller = place.open(live, states, frozenset(channel_slugs(place.options, guest.module_type).values()) - live.points.keys())
        for listener in self._listeners:
            listener.module_online(live.module)
        asleep = [point for point in live.points.values() if not point.is_active]
        live.publish_fault(asleep, Quality.INACTIVE, "the module has this channel switched off")
        return poller

    def _fitting(self, place: Place, guest: Guest) -> Fitting:
        return Fitting(guest.identity, guest.module_type, place.name, place.label, place.options, self._tallies)

    async def _prepare(self, place: Place, guest: Guest) -> Mapping[int, ChannelState]:
        arrival = Arrival(place.name, guest.module_type, place.options, guest.line)
        level = logging.WARNING
        while True:
            try:
                return await arrival.prepare()
            except (LinkError, RequestRejected) as fault:
                _log.log(level, "%s cannot be taken in service yet: %s", place.name, fault)
                level = logging.DEBUG
                await asyncio.sleep(ARRIVAL_RETRY_S)


def _check_in_service(place: Place, live: LiveModule, point: Point) -> None:
    if live.gone:
        raise place.offline()
    if not point.is_active:
        remedy = "set its mode, or have it woken at the next arrival with `activate: true`"
        raise RequestRejected(Reason.DISABLED, f"{point.channel.ref} is switched off in the module", remedy)
