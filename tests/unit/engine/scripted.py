"""A module made of tables, a house around it, and a wall clock that goes where the test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

from lucid2mqtt.domain.channel import Module
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.reading import Quality, Reading, Value
from lucid2mqtt.engine.board import Board
from lucid2mqtt.engine.desk import Desk, Incident, Order, Outcome, Toggle
from lucid2mqtt.engine.house import House
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import RequestRejected
from lucid2mqtt.lucid.exchange import Turn
from lucid2mqtt.lucid.families import FAMILIES
from lucid2mqtt.lucid.frames import Opcode, Reply, Request
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.lucid.values import ValueType, decode, encode

P = ParamSpec("P")
T = TypeVar("T")

REFUSED = Reply(0xD0)
DONE = Reply(0)


def identity(family: str, type_code: int = 0x1000, serial: int = 4711) -> Identity:
    class_code = next(code for code, known in FAMILIES.items() if known.name == family)
    return Identity(firmware=22, hardware=3, class_code=class_code, type_code=type_code, serial=serial)


class ScriptedModule:
    """A Transactor. `values` are what GetIo gives, `parameters` what GetParam gives; `fault` may answer first.

    A fault that is a Reply is answered instead, an exception is raised, None lets the module answer; `fault_after` is
    asked once the module has carried the request out.
    """

    def __init__(self, who: Identity, *, answer_s: float = 0.001) -> None:
        self.identity = who
        self.answer_s = answer_s
        self.values: dict[int, Value] = dict.fromkeys(FAMILIES[who.class_code].channels, 0)
        self.parameters: dict[tuple[int, int], bytes] = {}
        self.modes = bytes((1,))
        self.clears = False  # reading a counter sets it to 0
        self.fault: Callable[[Request], Reply | Exception | None] = lambda _: None
        self.fault_after: Callable[[Request], Reply | Exception | None] = lambda _: None
        self.log: list[tuple[float, Request, Turn, str]] = []

    async def transact(self, request: Request, *, turn: Turn, client: str, deadline: float | None = None) -> Reply:
        self.log.append((asyncio.get_running_loop().time(), request, turn, client))
        if self.answer_s:
            await asyncio.sleep(self.answer_s)
        first = self.fault(request)
        reply = first if first is not None else self._carry_out(request)
        last = self.fault_after(request)
        reply = last if last is not None else reply
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def writes(self) -> list[Request]:
        return [request for _, request, _, _ in self.log if request.is_write]

    @property
    def switched(self) -> list[Value]:
        """Every value SetIo carried, in order."""
        return [decode(ValueType(each.option), each.data) for each in self.writes if each.opcode == Opcode.SET_IO]

    def times_of(self, opcode: Opcode) -> list[float]:
        return [at for at, request, _, _ in self.log if request.opcode == opcode]

    def _carry_out(self, request: Request) -> Reply:
        channel = request.selector[0]
        match request.opcode:
            case Opcode.SET_IO:
                self.values[channel] = decode(ValueType(request.option), request.data)
                return DONE
            case Opcode.GET_IO | Opcode.GET_IO_GROUP:
                data = b"".join(encode(ValueType(request.option), self.values[each]) for each in request.channels)
                if self.clears:
                    self.values.update(dict.fromkeys(request.channels, 0))
                return Reply(0, data)
            case Opcode.GET_PARAM:
                address = int.from_bytes(request.data, "little")
                default = self.modes if address & 0xFF == 0 and address & 0xF00 in (0x100, 0x500, 0x900) else b"\x00"
                return Reply(0, self.parameters.get((channel, address), default))
            case Opcode.SET_PARAM:
                self.parameters[channel, int.from_bytes(request.data[:2], "little")] = request.data[2:]
                return DONE
        return Reply(0xA0)


class InlineExecutor(Executor):
    """Runs at once in the caller: a thread would be overtaken by the virtual clock."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except OSError as error:
            future.set_exception(error)
        return future


class Household:
    """House, board, desk and store around scripted modules, with everything they said."""

    def __init__(self, options: Sequence[ModuleOptions] = (), store: StateStore | None = None, *, now: datetime | None = None) -> None:
        self.wall = now or datetime(2026, 11, 23, 12, tzinfo=UTC)
        self.began = asyncio.get_running_loop().time()
        self.board = Board()
        self.store = store or StateStore(None)
        self.house = House(options, self.board, self.store, now=self.now)
        self.desk = Desk(self.house, self.board, self.store, now=self.now)
        self.readings: list[Reading] = []
        self.incidents: list[Incident] = []
        self.events: list[tuple[str, str]] = []
        self.described: dict[str, Module] = {}
        self.board.subscribe(self.readings.extend)
        self.desk.on_incident(self.incidents.append)
        self.house.subscribe(self)

    def now(self) -> datetime:
        return self.wall + timedelta(seconds=asyncio.get_running_loop().time() - self.began)

    def module_online(self, module: Module) -> None:
        self.described[module.name] = module
        self.events.append(("online", module.name))

    def module_offline(self, module: Module, reason: str) -> None:
        self.events.append(("offline", module.name))

    def plug(self, module: ScriptedModule, port: str = "/dev/ttyACM0") -> None:
        self.house.module_arrived(module.identity, module, port)

    def unplug(self, module: ScriptedModule, reason: str = "unplugged") -> None:
        self.house.module_left(module.identity, reason)

    async def order(self, channel: str, value: bool | float | Toggle, for_s: float | None = None) -> Outcome:
        return await self.desk.carry_out(Order(channel=ref(channel), value=value, who="test", for_s=for_s))

    async def refusal(self, channel: str, value: bool | float | Toggle, for_s: float | None = None) -> RequestRejected:
        try:
            outcome = await self.order(channel, value, for_s)
        except RequestRejected as rejected:
            return rejected
        raise AssertionError(f"carried out: {outcome.text}")

    def quality(self, channel: str) -> Quality:
        latest = self.board.latest(ref(channel))
        assert latest is not None, f"no reading of {channel}"
        return latest.quality

    def value(self, channel: str) -> Value | None:
        latest = self.board.latest(ref(channel))
        assert latest is not None, f"no reading of {channel}"
        return latest.value


def ref(text: str) -> ChannelRef:
    module, channel = text.split("/")
    return ChannelRef(module, channel)


@contextlib.asynccontextmanager
async def living(household: Household, *modules: ScriptedModule, settle_s: float = 0.1) -> AsyncIterator[Household]:
    """The household running, with `modules` plugged in and read once."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each) for each in (household.store.run(), household.desk.run(), household.house.run())]
        await asyncio.sleep(0)
        for module in modules:
            household.plug(module, f"/dev/port-{module.identity.serial}")
        await asyncio.sleep(settle_s)
        yield household
        for task in running:
            task.cancel()
