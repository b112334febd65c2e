"""Which name a module gets: the places the settings name, and one of its own for every module they do not."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lucid2mqtt.domain.names import heading, slug
from lucid2mqtt.engine.arrival import ChannelState
from lucid2mqtt.engine.fitting import default_label, default_name
from lucid2mqtt.engine.module import LiveModule
from lucid2mqtt.engine.options import ModuleOptions
from lucid2mqtt.engine.poller import Poller
from lucid2mqtt.errors import Reason, RequestRejected
from lucid2mqtt.lucid.exchange import Transactor
from lucid2mqtt.lucid.families import ModuleType
from lucid2mqtt.lucid.identity import Identity

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guest:
    """A module that is there, and the line to it."""

    identity: Identity
    module_type: ModuleType
    line: Transactor
    port: str


class Place:
    """A name for one module at a time; keeps what was known of it while it is empty."""

    def __init__(self, options: ModuleOptions) -> None:
        self.options = options
        self.name = ""
        self.label = ""
        self.detail = "not seen yet"
        self.port: str | None = None
        self.disabled: frozenset[str] = frozenset()
        self.states: Mapping[int, ChannelState] = {}
        self.guest: Guest | None = None
        self.task: asyncio.Task[None] | None = None
        self.poller: Poller | None = None
        self.last: LiveModule | None = None  # in service now, or the last that was

    @property
    def live(self) -> LiveModule | None:
        """The module in service."""
        return None if self.last is None or self.last.gone else self.last

    def welcome(self, guest: Guest) -> None:
        """`guest` is there and being prepared."""
        self.guest = guest
        self.port = guest.port
        self.detail = "being prepared"

    def open(self, live: LiveModule, states: Mapping[int, ChannelState], disabled: frozenset[str]) -> Poller:
        """The guest is in service, its channels as in `states`; `disabled` are the slugs of those that are not."""
        self.last = live
        self.states = states
        self.disabled = disabled
        self.poller = Poller(live)
        self.detail = ""
        return self.poller

    def farewell(self, reason: str) -> LiveModule | None:
        """The guest is gone: what was in service and has not been told so yet."""
        if self.task is not None:
            self.task.cancel()
        live = self.live
        self.guest = self.task = self.poller = None
        self.detail = reason
        return live

    def offline(self) -> RequestRejected:
        return RequestRejected(Reason.MODULE_OFFLINE, f"{self.name} is offline: {self.detail}", "check its cable and port")


class Places:
    """All places by name."""

    def __init__(self, options: Sequence[ModuleOptions]) -> None:
        self._reserved = [Place(each) for each in options if each.serial is not None or each.port is not None]
        self._defaults = next((each for each in options if each.serial is None and each.port is None), ModuleOptions())
        self._by_name: dict[str, Place] = {}
        for place in self._reserved:
            if place.options.name is not None:
                self._take(place, slug(place.options.name), heading(place.options.name))

    def __iter__(self) -> Iterator[Place]:
        return iter([place for _, place in sorted(self._by_name.items())])

    def get(self, name: str) -> Place | None:
        return self._by_name.get(name)

    def known(self, name: str) -> Place:
        """Raises RequestRejected(UNKNOWN_MODULE)."""
        place = self._by_name.get(name)
        if place is None:
            names = ", ".join(sorted(self._by_name)) or "none"
            raise RequestRejected(Reason.UNKNOWN_MODULE, f"there is no module {name}", f"known modules: {names}")
        return place

    def seat(self, guest: Guest) -> Place:
        """The place for a module that arrived: by serial number, by port, else one of its own; never one that is in use."""
        place = self._reserved_for(guest.identity.serial, guest.port)
        own_name = default_name(guest.identity, guest.module_type)
        if place is None:
            place = self._by_name.get(own_name) or Place(self._defaults)
        if not place.name:
            wanted = place.options.name
            if wanted is not None and not self._take(place, slug(wanted), heading(wanted)):
                _log.warning("the module name %s is in use, serial number %d is called %s", slug(wanted), guest.identity.serial, own_name)
        if not place.name:
            self._take(place, own_name, default_label(guest.identity, guest.module_type))
        place.welcome(guest)
        return place

    def _reserved_for(self, serial: int, port: str) -> Place | None:
        free = [place for place in self._reserved if place.guest is None]
        by_serial = (place for place in free if place.options.serial == serial)
        by_port = (place for place in free if place.options.serial is None and _is_same_port(place.options.port, port))
        return next(by_serial, None) or next(by_port, None)

    def _take(self, place: Place, name: str, label: str) -> bool:
        if self._by_name.setdefault(name, place) is not place:
            return False
        place.name = name
        place.label = label
        return True


def _is_same_port(wanted: str | None, port: str) -> bool:
    """True for the same address, or two paths to the same device."""
    if wanted is None or wanted == port:
        return wanted == port
    return wanted.startswith("/") and port.startswith("/") and os.path.realpath(wanted) == os.path.realpath(port)
