"""The module a user means, among the ports of the settings: by the name it has there, its serial number, or its port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lucid2mqtt.app import port_options
from lucid2mqtt.cli.reach import parse_port, same_port
from lucid2mqtt.domain.names import slug
from lucid2mqtt.engine.fitting import channel_slugs, default_name
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.errors import LinkBusy, LinkError, LinkLost, Reason, RequestRejected
from lucid2mqtt.lucid.families import ModuleType, describe
from lucid2mqtt.lucid.identity import Identity
from lucid2mqtt.port.address import Address
from lucid2mqtt.port.candidates import Patterns
from lucid2mqtt.port.usb import usb_ports
from lucid2mqtt.port.watch import open_module
from lucid2mqtt.settings import Settings


class PortHeld(LinkBusy):
    """Another program has the port, most likely the agent."""

    remedy = "if that is the agent, stop it first: systemctl stop lucid2mqtt"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModule:
    """`name` as topics have it."""

    name: str
    address: Address
    identity: Identity
    type: ModuleType
    options: ModuleOptions

    def channel(self, text: str) -> int:
        """The number of a channel given by number or name. RequestRejected(UNKNOWN_CHANNEL)."""
        slugs = channel_slugs(self.options, self.type)
        for number in self.type.family.channels:
            if text in (str(number), slugs[number]):
                return number
        known = ", ".join(slugs.values())
        raise RequestRejected(Reason.UNKNOWN_CHANNEL, f"{self.name} has no channel {text[:40]}", f"its channels: {known}")


async def find_module(text: str, settings: Settings) -> FoundModule:
    """Asks the ports of the settings, or the one that `text` names, for their modules.

    Raises PortHeld, LinkLost, RequestRejected(NOT_UNDERSTOOD) for a text that cannot name a module.
    """
    wanted = parse_port(text)
    options = port_options(settings)
    if isinstance(wanted, int | str):
        candidates = Patterns.parse(settings.ports).candidates(usb_ports() or {}, settings.usb_ids)
        addresses: Sequence[Address] = [candidate.address for candidate in candidates]
    else:
        addresses = [wanted]
    faults: list[LinkError] = []
    for address in addresses:
        try:
            async with open_module(address, options) as (identity, _):
                found = _module(identity, address, settings.module_options())
        except LinkError as fault:
            faults.append(fault)
            continue
        if not isinstance(wanted, int | str) or wanted in (found.name, identity.serial):
            return found
    if busy := [fault for fault in faults if isinstance(fault, LinkBusy)]:
        more = f"; {len(busy) - 1} more ports are in use too" if len(busy) > 1 else ""
        raise PortHeld(f"{text} was not found: {busy[0]}{more}")
    told = f": {'; '.join(map(str, faults))}" if faults else ""
    raise LinkLost(f"{text} was not found at {', '.join(map(str, addresses)) or 'any port of the settings'}{told}")


def options_for(modules: Sequence[ModuleOptions], identity: Identity, port: str) -> ModuleOptions | None:
    """As the agent matches: a serial number before a port."""
    by_serial = (module for module in modules if module.serial == identity.serial)
    by_port = (module for module in modules if module.serial is None and module.port is not None and same_port(module.port, port))
    return next(by_serial, None) or next(by_port, None)


def _module(identity: Identity, address: Address, modules: Sequence[ModuleOptions]) -> FoundModule:
    """UnknownFamily for a class nobody published."""
    module_type = describe(identity)
    options = options_for(modules, identity, str(address)) or ModuleOptions()
    name = default_name(identity, module_type) if options.name is None else slug(options.name)
    return FoundModule(name=name, address=address, identity=identity, type=module_type, options=options)
