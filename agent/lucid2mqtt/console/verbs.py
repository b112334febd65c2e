"""What the running agent does for its command line. Switching goes over the desk, so its rules hold here too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from lucid2mqtt.console.documents import PortView, module_document, port_document, reading_document
from lucid2mqtt.console.server import Verb
from lucid2mqtt.console.wire import Document
from lucid2mqtt.domain.channel import Channel, Module
from lucid2mqtt.domain.names import ChannelRef
from lucid2mqtt.domain.numbers import plain_number
from lucid2mqtt.domain.reading import Reading
from lucid2mqtt.engine.orders import Order, Outcome, Toggle
from lucid2mqtt.errors import Reason, RequestRejected


class ModuleView(Protocol):
    """A module as the house knows it; `module` is None for one that was never seen."""

    @property
    def name(self) -> str: ...
    @property
    def online(self) -> bool: ...
    @property
    def module(self) -> Module | None: ...
    @property
    def port(self) -> str | None: ...
    @property
    def detail(self) -> str: ...


class Modules(Protocol):
    """The house."""

    @property
    def modules(self) -> Sequence[ModuleView]: ...
    async def read_now(self, module: str, channel: str | None = None) -> tuple[Reading, ...]: ...


class Switches(Protocol):
    """The desk."""

    async def carry_out(self, order: Order) -> Outcome: ...


class Ports(Protocol):
    """The port watch."""

    def status(self) -> Sequence[PortView]: ...
    def rescan(self) -> None: ...


class Clients(Protocol):
    """The passthrough. The numbered calls raise KeyError for a client that is not connected."""

    def clients(self) -> Sequence[Any]: ...  # Any: frozen dataclasses of what JSON can carry
    def listeners(self) -> Sequence[Any]: ...
    def log_frames(self, number: int, *, on: bool) -> None: ...
    def frames(self, number: int) -> Sequence[object]: ...
    def disconnect(self, number: int) -> None: ...


class ConsoleVerbs:
    """The verbs over the agent's rooms.

    `about` says what the agent as a whole has to report: version, node, broker. `forget` takes a module off the broker and out of
    Home Assistant, False when it was never announced.
    """

    def __init__(
        self,
        modules: Modules,
        switches: Switches,
        ports: Ports,
        clients: Callable[[], Clients | None],
        *,
        about: Callable[[], Mapping[str, object]],
        forget: Callable[[str], bool],
    ) -> None:
        self._forget = forget
        self._clients = clients
        self._modules = modules
        self._switches = switches
        self._ports = ports
        self._about = about

    def verbs(self) -> Mapping[str, Verb]:
        return {
            "status": self.status,
            "modules": self.modules,
            "read": self.read,
            "write": self.write,
            "rescan": self.rescan,
            "forget": self.forget,
            "clients": self.clients,
            "trace": self.trace,
            "disconnect": self.disconnect,
        }

    async def clients(self, request: Document) -> Document:
        """Listeners of the passthrough and everybody connected."""
        del request
        passthrough = self._clients()
        return {
            "listeners": [asdict(each) for each in passthrough.listeners()] if passthrough else [],
            "clients": [asdict(each) for each in passthrough.clients()] if passthrough else [],
        }

    async def trace(self, request: Document) -> list[str]:
        """The last frames of the `client` with this number, in words; its log begins with the first call and ends with `"on": false`."""
        number = _number(request)
        passthrough = self._clients()
        if passthrough is None:
            raise _no_client(number)
        try:
            passthrough.log_frames(number, on=request.get("on") is not False)
            return [str(frame) for frame in passthrough.frames(number)]
        except KeyError:
            raise _no_client(number) from None

    async def disconnect(self, request: Document) -> None:
        """Cuts the `client` with this number off; it may come back."""
        number = _number(request)
        passthrough = self._clients()
        if passthrough is None:
            raise _no_client(number)
        try:
            passthrough.disconnect(number)
        except KeyError:
            raise _no_client(number) from None

    async def status(self, request: Document) -> Document:
        """The agent and its ports."""
        del request
        return {**self._about(), "ports": [port_document(port) for port in self._ports.status()]}

    async def modules(self, request: Document) -> list[Document]:
        """Every module; of one that was never seen only its name."""
        del request
        return [
            {
                **({"name": view.name} if view.module is None else module_document(view.module)),
                "online": view.online,
                "port": view.port,
                "detail": view.detail,
            }
            for view in self._modules.modules
        ]

    async def rescan(self, request: Document) -> None:
        """Looks at the ports now."""
        del request
        self._ports.rescan()

    async def forget(self, request: Document) -> None:
        """Takes `module`, which will not come back, off the broker and out of Home Assistant."""
        wanted = str(request.get("module"))
        if any(view.online for view in self._modules.modules if view.name == wanted):
            raise RequestRejected(Reason.BUSY, f"{wanted} is online and would be announced again", "unplug it first")
        if not self._forget(wanted):
            raise RequestRejected(Reason.UNKNOWN_MODULE, f"no module {wanted!r} was announced", "lucid2mqtt list shows the names")

    async def read(self, request: Document) -> list[Document]:
        """Reads `channels` (numbers or names; null: all) of `module` now."""
        module = self._module(request)
        channels = {channel.ref.channel: channel for channel in module.channels}
        asked = request.get("channels")
        if asked is None:
            readings = await self._modules.read_now(module.name)
        elif isinstance(asked, list) and asked:
            wanted = [_channel(module, key) for key in asked]
            readings = tuple([reading for channel in wanted for reading in await self._modules.read_now(module.name, channel.ref.channel)])
        else:
            raise _not_understood(f"channels {asked!r}", "send a list of numbers or names, or leave it out for all")
        return [reading_document(reading, channels[reading.channel.channel]) for reading in readings]

    async def write(self, request: Document) -> Document:
        """Writes `value` (true, false, "TOGGLE" or a number in the channel's unit) to `channel` of `module`."""
        module = self._module(request)
        channel = _channel(module, request.get("channel"))
        ref = ChannelRef(module.name, channel.ref.channel)
        outcome = await self._switches.carry_out(Order(channel=ref, value=_value(request.get("value")), who="console"))
        return {"text": outcome.text, "reading": reading_document(outcome.reading, channel)}

    def _module(self, request: Document) -> Module:
        wanted = request.get("module")
        for view in self._modules.modules:
            if view.name == wanted:
                if view.module is None:
                    raise RequestRejected(Reason.MODULE_OFFLINE, f"{wanted} is offline: {view.detail}", "check its cable and port")
                return view.module
        names = ", ".join(view.name for view in self._modules.modules) or "none"
        raise RequestRejected(Reason.UNKNOWN_MODULE, f"there is no module {wanted!r}", f"known modules: {names}")


def _channel(module: Module, key: object) -> Channel:
    for channel in module.channels:
        if (isinstance(key, int) and not isinstance(key, bool) and channel.number == key) or channel.ref.channel == key:
            return channel
    names = ", ".join(f"{channel.number} ({channel.ref.channel})" for channel in module.channels)
    raise RequestRejected(Reason.UNKNOWN_CHANNEL, f"{module.name} has no channel {key!r}", f"its channels: {names}")


def _value(given: object) -> bool | float | Toggle:
    if given == Toggle.TOGGLE.value:
        return Toggle.TOGGLE
    if isinstance(given, bool) or (isinstance(given, int | float) and plain_number(str(given)) is not None):
        return given
    raise _not_understood(f"value {given!r}", "send true, false, TOGGLE or a number")


def _number(request: Document) -> int:
    number = request.get("client")
    if isinstance(number, int):
        return number
    raise _not_understood(f"client {number!r}", "send its number, as lucid2mqtt clients shows it")


def _no_client(number: int) -> RequestRejected:
    return RequestRejected(Reason.NOT_UNDERSTOOD, f"no client {number} is connected", "lucid2mqtt clients shows who is")


def _not_understood(what: str, remedy: str) -> RequestRejected:
    return RequestRejected(Reason.NOT_UNDERSTOOD, f"{what} is not understood", remedy)
