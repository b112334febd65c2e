"""The way to the module that PORT names: through the agent when it holds that port, else straight to it."""

from __future__ import annotations

import contextlib
import os
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from lucid2mqtt.cli.printing import Document
from lucid2mqtt.console.client import ConsoleClient
from lucid2mqtt.domain.names import is_slug
from lucid2mqtt.engine.orders import Toggle
from lucid2mqtt.errors import LinkError, LinkLost, Reason, RequestRejected
from lucid2mqtt.port.address import Address, parse_address
from lucid2mqtt.port.candidates import Patterns
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.usb import usb_ports
from lucid2mqtt.port.watch import open_module
from lucid2mqtt.settings.machine import console_path

_SERIAL = "serial:"
SERVICE_CONSOLE = Path("/run/lucid2mqtt/console.sock")
"""Where the agent listens when systemd or root started it, whoever asks."""

PORT_HELP = "device path, serial:NUMBER, tcp://host:port, tls://host:port, or the name of a module that the running agent knows"


class ReachedModule(Protocol):
    """A module one can read and write. `document` describes it as the console does."""

    @property
    def document(self) -> Document: ...

    async def read(self, numbers: Sequence[int]) -> Sequence[Document]: ...
    async def write(self, number: int, value: bool | float | Toggle) -> Document: ...


class ModuleOfAgent:
    """A module that a running agent serves; its rules hold."""

    def __init__(self, client: ConsoleClient, document: Document) -> None:
        self._client = client
        self.document = document

    async def read(self, numbers: Sequence[int]) -> Sequence[Document]:
        readings: Sequence[Document] = self._client.ask("read", module=self.document["name"], channels=list(numbers))
        return readings

    async def write(self, number: int, value: bool | float | Toggle) -> Document:
        said = value.value if isinstance(value, Toggle) else value
        outcome: Document = self._client.ask("write", module=self.document["name"], channel=number, value=said)
        return outcome


def add_console_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--console", metavar="PATH", type=Path, help="socket of the running agent (default: where agents listen by default)"
    )


def agents_console(arguments: Namespace) -> ConsoleClient | None:
    """The running agent; None where there is none, or none that talks to us. Raises LinkLost for a console that was named."""
    if named := _named_console(arguments):
        return ConsoleClient.connect(Path(named))
    for path in dict.fromkeys((console_path(), SERVICE_CONSOLE)):
        with contextlib.suppress(LinkLost):
            if (client := ConsoleClient.connect(path)) is not None:
                return client
    return None


def running_agent(arguments: Namespace) -> ConsoleClient:
    """The running agent. Raises LinkLost where there is none."""
    if (client := agents_console(arguments)) is not None:
        return client
    if named := _named_console(arguments):
        raise LinkLost(f"no agent listens at {named}; start lucid2mqtt run, or name the socket of one that runs (console.path)")
    raise LinkLost("no agent was found here; start lucid2mqtt run, or name the socket of one that runs with --console PATH")


def _named_console(arguments: Namespace) -> Path | str | None:
    return arguments.console or os.environ.get("LUCID2MQTT_CONSOLE__PATH")


@asynccontextmanager
async def reach(port: str, arguments: Namespace) -> AsyncIterator[ReachedModule]:
    """The module PORT names. Raises LinkError, RequestRejected(NOT_UNDERSTOOD) when PORT names nothing."""
    wanted = parse_port(port)
    if (client := agents_console(arguments)) is not None:
        with client:
            if (served := _served(client.ask("modules"), wanted)) is not None:
                yield ModuleOfAgent(client, served)
                return
    from lucid2mqtt.cli.direct import open_direct  # noqa: PLC0415  the engine, not needed when the agent does it

    if isinstance(wanted, str):
        remedy = f"did you mean {_SERIAL}{wanted}?" if wanted.isdecimal() else f"PORT is a {PORT_HELP}"
        raise RequestRejected(Reason.UNKNOWN_MODULE, f"no running agent knows a module {wanted}", remedy)
    address = await find_serial(wanted) if isinstance(wanted, int) else wanted
    async with open_direct(address) as module:
        yield module


def parse_port(text: str) -> Address | int | str:
    """An address, the serial number of `serial:NUMBER`, or the name of a module as the agent calls it. Raises RequestRejected."""
    number = text.removeprefix(_SERIAL)
    if number != text:
        if number.isascii() and number.isdigit():
            return int(number)
        raise RequestRejected(Reason.NOT_UNDERSTOOD, f"{text!r} holds no serial number", "write it like serial:591921152")
    if is_slug(text):
        return text
    try:
        return parse_address(text)
    except ValueError as fault:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, str(fault), f"PORT is a {PORT_HELP}") from None


async def find_serial(serial: int) -> Address:
    """The USB port behind which the module with this serial number answers. Raises LinkLost."""
    options = PortOptions()
    candidates = Patterns.parse(options.patterns).candidates(usb_ports() or {}, options.usb_ids)
    silent: list[str] = []
    for candidate in candidates:
        try:
            async with open_module(candidate.address, options) as (identity, _):
                if identity.serial == serial:
                    return candidate.address
        except LinkError as fault:
            silent.append(f"{candidate.address}: {fault}")
    seen = f"; not asked: {'; '.join(silent)}" if silent else ""
    raise LinkLost(f"no module with serial number {serial} among {len(candidates)} USB ports{seen}; lucid2mqtt list shows what is there")


def _served(modules: Sequence[Document], wanted: Address | int | str) -> Document | None:
    for module in modules:
        if "serial" in module and (
            wanted in (module["serial"], module["name"]) or (isinstance(module["port"], str) and same_port(module["port"], str(wanted)))
        ):
            return module
    return None


def same_port(port: str, wanted: str) -> bool:
    """True for the same address, or two paths to the same device."""
    if port.startswith("/") and wanted.startswith("/"):
        return os.path.realpath(port) == os.path.realpath(wanted)
    return port == wanted
