"""list: ports and the modules behind them."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence

from lucid2mqtt.cli.exits import Exit
from lucid2mqtt.cli.printing import Document, complain, print_json, print_table
from lucid2mqtt.cli.reach import add_console_option, agents_console, same_port
from lucid2mqtt.console.documents import port_document
from lucid2mqtt.errors import LinkBusy, LinkError, LinkLost, Reason, RequestRejected
from lucid2mqtt.port.address import Address
from lucid2mqtt.port.candidates import AUTO, Patterns
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.usb import usb_ports
from lucid2mqtt.port.watch import PortState, PortStatus, open_module

_HEADING = ("PORT", "STATE", "FAMILY", "SERIAL", "FIRMWARE", "CHANNELS", "TYPE")
_SHOWN = ("family", "serial", "firmware", "channels", "type")


def add_list(parser: ArgumentParser) -> None:
    add_port_patterns(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_console_option(parser)
    parser.set_defaults(run=lambda arguments: asyncio.run(_list(arguments)))


def add_port_patterns(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        action="append",
        metavar="PATTERN",
        help="look here: auto (USB, the default), a path with * and ?, tcp://host:port, tls://host:port; may be given again",
    )


async def _list(arguments: Namespace) -> int:
    found = await found_ports(arguments)
    if arguments.json:
        print_json(found)
    elif found:
        _tell(found, *_names_at_agent(arguments))
        for port in found:
            if port["detail"]:
                complain(port["detail"] if port["port"] in port["detail"] else f"{port['port']}: {port['detail']}")
    else:
        complain("no LucidControl module found", "plug one in, or name its port with --port")
    return Exit.DONE


def _tell(found: Sequence[Document], names: Mapping[int, str], away: Sequence[str]) -> None:
    """`names` and `away` as of `_names_at_agent`; without an agent there is no column for them."""
    rows = [_row(port) for port in found]
    if not names and not away:
        print_table(rows, heading=_HEADING)
        return
    called = [names.get((port["module"] or {}).get("serial", 0), "-") for port in found]
    rows = [(name, *row) for name, row in zip(called, rows, strict=True)]
    rows += [(name, "-", "away", *("-" for _ in _SHOWN)) for name in away]
    print_table(rows, heading=("MODULE", *_HEADING))


async def found_ports(arguments: Namespace) -> list[Document]:
    """Ports of the running agent, then those found here that it does not hold; what `list --json` prints. Raises RequestRejected."""
    held = _held_by_agent(arguments)
    return [*held, *await _found_here(tuple(arguments.port or (AUTO,)), [port["port"] for port in held])]


def _held_by_agent(arguments: Namespace) -> list[Document]:
    client = agents_console(arguments)
    if client is None:
        return []
    with client:
        ports: list[Document] = client.ask("status")["ports"]
        return ports


def _names_at_agent(arguments: Namespace) -> tuple[Mapping[int, str], Sequence[str]]:
    """What the running agent calls its modules: those that are there by serial number, and those that are not."""
    client = agents_console(arguments)
    if client is None:
        return {}, ()
    with client:
        modules: list[Document] = client.ask("modules")
    names = {module["serial"]: module["name"] for module in modules if module["online"]}
    return names, [module["name"] for module in modules if not module["online"]]


async def _found_here(patterns: tuple[str, ...], held: Sequence[str]) -> list[Document]:
    """Every matching port that the agent does not hold, asked who is there, all at once."""
    options = PortOptions(patterns=patterns)
    try:
        wanted = Patterns.parse(patterns)
    except ValueError as fault:
        raise RequestRejected(Reason.NOT_UNDERSTOOD, str(fault), "see lucid2mqtt list --help") from None
    candidates = wanted.candidates(usb_ports() or {}, options.usb_ids)
    addresses = [candidate.address for candidate in candidates if not any(same_port(port, str(candidate.address)) for port in held)]
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_ask(address, options), name=f"ask:{address}") for address in addresses]
    missing = [PortStatus(path, PortState.WAITING, "nothing is there") for path in wanted.missing()]
    return [port_document(port) for port in (*(task.result() for task in asked), *missing)]


async def _ask(address: Address, options: PortOptions) -> PortStatus:
    try:
        async with open_module(address, options) as (identity, _):
            return PortStatus(str(address), PortState.OPEN, identity=identity)
    except LinkBusy as fault:
        return PortStatus(str(address), PortState.BUSY, str(fault))
    except LinkLost as fault:
        return PortStatus(str(address), PortState.WAITING, str(fault))
    except LinkError as fault:
        return PortStatus(str(address), PortState.SILENT, str(fault))


def _row(port: Document) -> tuple[str, ...]:
    module = port["module"] or {}
    return port["port"], port["state"], *(str(module.get(key) or "-") for key in _SHOWN)
