"""Where a virtual module can be reached: what pseudo terminals and TCP ports have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lucid2mqtt.sim.module import VirtualModule


class BenchPort(Protocol):
    """A module and its cable."""

    module: VirtualModule

    @property
    def address(self) -> str:
        """As the agent takes it: a path, `tcp://host:port` or `tls://host:port`."""

    @property
    def link_name(self) -> str:
        """Name of the link; ValueError where there is none."""

    async def open(self) -> None:
        """Once, before the first `plug_in`."""

    def close(self) -> None:
        """Once, at the end; pulls the cable out."""

    def plug_in(self) -> None:
        """Power the module and make it reachable; nothing when it is."""

    def pull_out(self) -> None:
        """Cut whoever is connected and take the power; nothing when it is out."""

    def rename(self, link_name: str) -> None:
        """The link's name from the next `plug_in` on; ValueError where there is none, or for one that is no plain file name."""


@dataclass(frozen=True, slots=True)
class PluggedModule:
    """What a bench says of a module: `ri4-500101`, `RI4`, its serial number and where it is reached."""

    name: str
    family: str
    serial: int
    port: str
