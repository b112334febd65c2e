"""All listeners, their modules and their clients, joined to the house."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk
from lucid2mqtt.engine.house import House
from lucid2mqtt.passthrough.door import Door, Guest, Lobby
from lucid2mqtt.passthrough.exclusive import DeviceSource, ExclusiveRoom, ModuleSource, OpenDevice
from lucid2mqtt.passthrough.listener import Listener
from lucid2mqtt.passthrough.options import ListenAddress, ListenerOptions, Mode
from lucid2mqtt.passthrough.peer import Peer
from lucid2mqtt.passthrough.shared_module import SharedModule
from lucid2mqtt.passthrough.shared_session import SharedSession
from lucid2mqtt.passthrough.traffic import LoggedFrame
from lucid2mqtt.passthrough.wire import Wire

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatus:
    """A connected client. `bus_share` is the part of the time since it connected that the module worked for it, 0..1: of an
    exclusive client the part that it had it for itself.
    """

    number: int
    target: str  # the module, or the path of the device
    listen: str
    identity: str
    address: str
    access: str
    connected_s: float
    frames: int
    refused: int
    unanswered: int
    framing: int
    bytes_in: int
    bytes_out: int
    bus_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerStatus:
    """A listener; `place` is where it is open, with the port the system chose, None while it is not, for the reason in `detail`."""

    listen: str
    place: str | None
    detail: str
    target: str
    mode: str
    clients: int


class Passthrough:
    """Serves legacy clients. `run` may be called once; everything else only on the loop while it runs."""

    def __init__(
        self,
        options: Sequence[ListenerOptions],
        *,
        house: House,
        desk: Desk,
        board: Board,
        open_device: OpenDevice,
        now: Callable[[], datetime],
    ) -> None:
        """Raises ValueError when two listeners have the same address."""
        self._options = _checked(options)
        self._house = house
        self._desk = desk
        self._board = board
        self._open_device = open_device
        self._now = now
        self._lobby = Lobby()
        self._modules: dict[str, SharedModule] = {}
        self._rooms: dict[str, ExclusiveRoom] = {}
        self._entries: dict[ListenAddress, _Entry] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._known: dict[int, _Client] = {}
        self._numbers = itertools.count(1)

    async def run(self) -> None:
        """Until cancelled; clients are cut off then."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            unsubscribe = self._house.subscribe(self)
            try:
                for options in self._options:
                    self._open(options)
                await asyncio.Event().wait()
            finally:
                unsubscribe()
                self._tasks = None

    async def reload(self, options: Sequence[ListenerOptions]) -> None:
        """Puts new options in force: rights and limits at once and for everybody inside, other changes by opening anew."""
        wanted = {each.listen: each for each in _checked(options)}
        for listen, entry in tuple(self._entries.items()):
            new = wanted.get(listen)
            if new is not None and _is_same_but_rights(entry.door.options, new):
                entry.door.change(new)
            else:
                del self._entries[listen]
                entry.task.cancel()
                await asyncio.wait([entry.task])
                if not self._doors_to(entry.door.target):
                    self._rooms.pop(entry.door.target, None)
        for listen, each in wanted.items():
            if listen not in self._entries:
                self._open(each)

    # -- the house's listener

    def module_online(self, module: Module) -> None:
        shared = self._modules.get(module.name)
        if shared is None:
            return
        for live in self._house.live_modules:
            if live.module is module:
                shared.arrived(live)
        for door in self._doors_to(module.name):
            door.is_back()

    def module_offline(self, module: Module, reason: str) -> None:
        shared = self._modules.get(module.name)
        if shared is None:
            return
        shared.left(reason)
        for door in self._doors_to(module.name):
            door.expect(shared.is_there)

    # -- looking in

    async def opened(self, listen: ListenAddress) -> str:
        """Waits until clients can come in there; where, with the port the system chose."""
        return await self._entries[listen].listener.opened()

    def listeners(self) -> tuple[ListenerStatus, ...]:
        return tuple(
            ListenerStatus(
                listen=str(listen),
                place=entry.listener.place,
                detail=entry.listener.detail,
                target=entry.door.target,
                mode=entry.door.options.mode.value,
                clients=len(entry.door.guests),
            )
            for listen, entry in self._entries.items()
        )

    def clients(self) -> tuple[ClientStatus, ...]:
        """Everybody who is connected, in order of arrival."""
        now = asyncio.get_running_loop().time()
        return tuple(client.status(number, now) for number, client in self._present())

    def log_frames(self, number: int, *, on: bool) -> None:
        """Begins or ends the frame log of a shared client. KeyError when it is not connected."""
        self._guest(number).traffic.keep_log(on=on)

    def frames(self, number: int) -> tuple[LoggedFrame, ...]:
        """The last frames of a client whose log is on, oldest first. KeyError when it is not connected."""
        return tuple(self._guest(number).traffic.log or ())

    def disconnect(self, number: int) -> None:
        """Cuts a client off. KeyError when it is not connected."""
        self._guest(number).cut_off()

    # -- private

    def _present(self) -> list[tuple[int, _Client]]:
        self._known = {number: client for number, client in self._known.items() if client.guest in client.door.guests}
        return list(self._known.items())

    def _guest(self, number: int) -> Guest:
        return dict(self._present())[number].guest

    def _open(self, options: ListenerOptions) -> None:
        if self._tasks is None:
            raise RuntimeError("passthrough does not run")
        door = Door(options, self._lobby, self._serve_of(options))
        listener = Listener(door, self._lobby)
        task = self._tasks.create_task(listener.run(), name=f"listen:{options.listen}")
        self._entries[options.listen] = _Entry(door, listener, task)

    def _serve_of(self, options: ListenerOptions) -> Callable[[Wire, Peer, Door], Guest | str]:
        if options.module is not None and options.mode is Mode.SHARED:
            module = self._module(options.module)
            return lambda wire, peer, door: self._enter(door, self._share(module, wire, peer, door))
        room = self._room(options)
        return lambda wire, peer, door: self._enter(door, room.serve(wire, peer, door))

    def _enter(self, door: Door, guest: Guest | str) -> Guest | str:
        if not isinstance(guest, str):
            if len(self._known) > 2 * len(self._entries) * door.options.max_clients:
                self._present()  # forgets those that left
            self._known[next(self._numbers)] = _Client(guest, door, asyncio.get_running_loop().time())
        return guest

    def _share(self, module: SharedModule, wire: Wire, peer: Peer, door: Door) -> Guest | str:
        if module.line is None and door.options.hold_s == 0:
            return f"{module.name} is away"
        door.expect(module.is_there)
        return SharedSession(wire, peer, module, door)

    def _doors_to(self, target: str) -> list[Door]:
        return [entry.door for entry in self._entries.values() if entry.door.target == target]

    def _module(self, name: str) -> SharedModule:
        module = self._modules.get(name)
        if module is None:
            module = self._modules[name] = SharedModule(
                name, self._board, claimant=self._desk.claimant, look_again=self._house.look_again, now=self._now
            )
            for live in self._house.live_modules:
                if live.module.name == name:
                    module.arrived(live)
            self._spawn(module.run(), f"read back:{name}")
        return module

    def _room(self, options: ListenerOptions) -> ExclusiveRoom:
        """The room of a module or device, the same for all listeners that lead there."""
        target = options.module or options.port or ""
        room = self._rooms.get(target)
        if room is None:
            if options.module is not None:
                room = ExclusiveRoom(ModuleSource(self._module(options.module), self._house, self._desk.pending), self._spawn)
            else:
                room = ExclusiveRoom(DeviceSource(target, options.line, self._open_device), self._spawn)
            self._rooms[target] = room
        return room

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:  # Any: what a coroutine yields is asyncio's own affair
        if self._tasks is None:
            work.close()
        else:
            self._tasks.create_task(work, name=name)


@dataclass(frozen=True, slots=True)
class _Entry:
    door: Door
    listener: Listener
    task: asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class _Client:
    guest: Guest
    door: Door
    since: float

    def status(self, number: int, now: float) -> ClientStatus:
        traffic, connected_s = self.guest.traffic, now - self.since
        return ClientStatus(
            number=number,
            target=self.door.target,
            listen=self.door.name,
            identity=self.guest.peer.identity,
            address=self.guest.peer.address,
            access=str(self.guest.grant),
            connected_s=round(connected_s, 1),
            frames=traffic.frames,
            refused=traffic.refused,
            unanswered=traffic.unanswered,
            framing=traffic.framing,
            bytes_in=traffic.bytes_in,
            bytes_out=traffic.bytes_out,
            bus_share=round(min(1.0, traffic.busy_s / connected_s), 4) if connected_s > 0 else 0.0,
        )


def _checked(options: Sequence[ListenerOptions]) -> tuple[ListenerOptions, ...]:
    listening = [each.listen for each in options]
    for listen in listening:
        if listening.count(listen) > 1:
            raise ValueError(f"{listen} is listed twice: every listener needs an address of its own")
    return tuple(options)


def _is_same_but_rights(old: ListenerOptions, new: ListenerOptions) -> bool:
    """True when a listener can go on as it is with new rights and limits."""
    return all(getattr(old, name) == getattr(new, name) for name in ("module", "port", "mode", "tls", "file_rights", "line"))
