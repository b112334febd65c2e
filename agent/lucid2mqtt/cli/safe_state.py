"""safe-state: every output into the exit state that the settings declare for it; those of thermostats give neither heat nor cold."""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from pathlib import Path

from lucid2mqtt.app import port_options
from lucid2mqtt.cli.direct import DirectModule
from lucid2mqtt.cli.exits import Exit, exit_of
from lucid2mqtt.cli.find_module import options_for
from lucid2mqtt.cli.printing import complain, print_json
from lucid2mqtt.domain.names import ChannelRef, slug
from lucid2mqtt.engine.options import HOLD, ModuleOptions
from lucid2mqtt.engine.pulses import PULSES
from lucid2mqtt.engine.store import StateStore
from lucid2mqtt.errors import LinkBusy, LucidError
from lucid2mqtt.port.address import Address
from lucid2mqtt.port.candidates import Patterns
from lucid2mqtt.port.options import PortOptions
from lucid2mqtt.port.usb import usb_ports
from lucid2mqtt.port.watch import open_module
from lucid2mqtt.settings import Settings, load


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one output, or of a whole port or module when `channel` is None."""

    where: str
    channel: int | None = None
    text: str
    remedy: str = ""
    exit_code: Exit = Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """What was found at one port; `module` is what the settings say of it, None when they do not name it. `name` as topics have it."""

    module: ModuleOptions | None
    name: str  # "" where nothing could be looked at
    reports: Sequence[Report]
    port_is_held: bool


def add_safe_state(parser: ArgumentParser) -> None:
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="settings file that declares the states (exit of each channel)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_safe_state)


def _safe_state(arguments: Namespace) -> int:
    # no module needs a secret; and where systemd runs this after the agent, its credentials are named but cannot be read any more
    environ = {name: value for name, value in os.environ.items() if name != "CREDENTIALS_DIRECTORY"}
    reports = asyncio.run(_everywhere(load(arguments.config, environ)))
    if arguments.json:
        print_json([asdict(report) for report in reports])
    else:
        for report in reports:
            _tell(report)
    return max((report.exit_code for report in reports), default=Exit.DONE)


def _tell(report: Report) -> None:
    where = report.where if report.channel is None else f"{report.where} {report.channel}"
    line = report.text if report.text.startswith(where) else f"{where}: {report.text}"
    if report.exit_code is Exit.DONE:
        print(line)
    else:
        complain(line, report.remedy)


async def _everywhere(settings: Settings) -> list[Report]:
    """All ports at once; whatever happens at one, the others are served."""
    options = port_options(settings)
    patterns = Patterns.parse(settings.ports)
    modules = settings.module_options()
    pulses = frozenset(StateStore(settings.state_dir).load(PULSES) or ())
    at_rest = {output: state for thermostat in settings.climate_options() for output, state in thermostat.at_rest.items()}
    async with asyncio.TaskGroup() as tasks:
        visits = [
            tasks.create_task(_at_port(candidate.address, options, modules, pulses, at_rest), name=f"port:{candidate.address}")
            for candidate in patterns.candidates(usb_ports() or {}, settings.usb_ids)
        ]
    ended = [visit.result() for visit in visits]
    reports = [report for visit in ended for report in visit.reports]
    met = [visit.module for visit in ended]
    remedy = "its port may be one of those in use" if any(visit.port_is_held for visit in ended) else "check its cable and port"
    heaters = {output.module for output in at_rest} - {visit.name for visit in ended}
    missing: list[str] = []
    for module in modules:
        own_name = "" if module.name is None else slug(module.name)
        if not any(module is one for one in met) and (own_name in heaters or _declares_exit(module)):
            missing.append(module.name or (f"serial {module.serial}" if module.serial is not None else str(module.port)))
        heaters.discard(own_name)
    missing += sorted(heaters)  # modules that go by the name they give themselves
    return reports + [Report(where=name, text="this module was not reached", remedy=remedy, exit_code=Exit.LINK) for name in missing]


async def _at_port(
    address: Address,
    options: PortOptions,
    modules: Sequence[ModuleOptions],
    pulses: AbstractSet[str],
    at_rest: Mapping[ChannelRef, bool | float],
) -> _Visit:
    matched = None
    name = ""
    port_is_held = False
    reports: list[Report] = []
    try:
        async with open_module(address, options) as (identity, line):
            matched = options_for(modules, identity, str(address))
            module = await DirectModule.look_at(identity, line, str(address), matched)
            name = str(module.document["name"])
            for channel in module.outputs:
                rest = at_rest.get(module.ref(channel))
                reports.append(await _settle(module, channel, rest=rest, in_pulse=f"{identity.serial}/{channel}" in pulses))
    except LucidError as fault:
        reports.append(_failure(str(address), None, fault))
        port_is_held = isinstance(fault, LinkBusy)
    return _Visit(module=matched, name=name, reports=reports, port_is_held=port_is_held)


async def _settle(module: DirectModule, channel: int, *, rest: bool | float | None, in_pulse: bool) -> Report:
    """`rest` is what a thermostat's output is without heat, whatever else is declared for it; None: no thermostat has it."""
    state = module.exit_state(channel) if rest is None else rest
    if state == HOLD and in_pulse:  # the agent that should have ended it is gone
        state = False
    where = str(module.document["name"])
    if state == HOLD:
        return Report(where=where, channel=channel, text="hold, left as it is")
    try:
        outcome = await module.write(channel, module.declared(channel, state))
    except LucidError as fault:
        return _failure(where, channel, fault)
    return Report(where=where, channel=channel, text=outcome["text"])


def _failure(where: str, channel: int | None, fault: LucidError) -> Report:
    return Report(where=where, channel=channel, text=str(fault), remedy=getattr(fault, "remedy", ""), exit_code=exit_of(fault))


def _declares_exit(module: ModuleOptions) -> bool:
    return any(channel.exit != HOLD for channel in module.channels.values())
