"""A bench: every module of a world on a pseudo terminal or a TCP port, its world going on, faults within reach.

    async with Bench(build_world("house"), directory) as bench:
        bench.port("ri4-500101").address     # DIR/usb-LucidControl_RI4_500101-if00

`run_bench` is the same for a program of its own. Faults and journals can be reached from other programs through the unix
socket `control.sock` in the directory (`sim.remote`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from lucid2mqtt.sim.faults import AnyFault, Replug, SwapNames, Unplug
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.ports import BenchPort, PluggedModule
from lucid2mqtt.sim.pty_port import PtyPort
from lucid2mqtt.sim.remote import serve_remote
from lucid2mqtt.sim.tcp_port import TcpPort
from lucid2mqtt.sim.world import World

STEP_S = 0.1
CONTROL_SOCKET = "control.sock"


def link_name(module: VirtualModule) -> str:
    """The lasting name of a module's pseudo terminal, in the manner of /dev/serial/by-id."""
    return f"usb-LucidControl_{module.family.name}_{module.identity.serial}-if00"


class Bench:
    """Modules plugged in while the context lasts.

    `directory` is created when missing and holds the links and the control socket, both are removed at the end. With `tcp`
    every module has a port of its own on loopback instead, with `tls` a TLS one.
    """

    def __init__(self, world: World, directory: Path, *, tcp: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.world = world
        self.directory = directory
        self._ports: dict[str, BenchPort] = {
            module.name: TcpPort(module, tls=tls) if tcp or tls is not None else PtyPort(module, directory / link_name(module))
            for module in world.modules
        }
        self._step: asyncio.TimerHandle | None = None
        self._replugs: dict[str, asyncio.TimerHandle] = {}
        self._remote: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        for port in self._ports.values():
            await port.open()
            port.plug_in()
        self._go_on()
        self._remote = await serve_remote(self, self.directory / CONTROL_SOCKET)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._remote is not None:
            self._remote.close()
        (self.directory / CONTROL_SOCKET).unlink(missing_ok=True)
        for timer in (self._step, *self._replugs.values()):
            if timer is not None:
                timer.cancel()
        for port in self._ports.values():
            port.close()

    def port(self, name: str) -> BenchPort:
        """Where the module called `name` ("ri4-500101") is; ValueError, with the names there are, for another."""
        if name not in self._ports:
            raise ValueError(f"no module {name!r}; there are {', '.join(self._ports)}")
        return self._ports[name]

    def module(self, name: str) -> VirtualModule:
        """The module called `name`; ValueError like `port`."""
        return self.port(name).module

    def plugged(self) -> tuple[PluggedModule, ...]:
        """Every module of the bench and its port, also when it is pulled out."""
        return tuple(
            PluggedModule(name, port.module.family.name, port.module.identity.serial, port.address) for name, port in self._ports.items()
        )

    def inject(self, name: str, fault: AnyFault) -> None:
        """A fault for the module called `name`, now; ValueError when it cannot have it."""
        port = self.port(name)
        match fault:
            case Unplug(for_s=for_s):
                self._forget_replug(name)
                port.pull_out()
                if for_s is not None:
                    self._replugs[name] = asyncio.get_running_loop().call_later(for_s, self._replug, name)
            case Replug(name=new_name):
                if new_name is not None:
                    self._rename(port, new_name)
                self._forget_replug(name)
                port.pull_out()
                port.plug_in()
            case SwapNames(other=other):
                self._swap(port, self.port(other))
            case _:
                port.module.inject(fault, asyncio.get_running_loop().time())

    def _swap(self, one: BenchPort, other: BenchPort) -> None:
        its_name = one.link_name
        one.rename(other.link_name)
        other.rename(its_name)
        for port in (one, other):
            self._forget_replug(port.module.name)
            port.pull_out()
        one.plug_in()
        other.plug_in()

    def _rename(self, port: BenchPort, link_name: str) -> None:
        taken = {other.link_name for other in self._ports.values() if other is not port}
        if link_name in taken:
            raise ValueError(f"another module is called {link_name}; to change places there is swap")
        port.rename(link_name)

    def _replug(self, name: str) -> None:
        del self._replugs[name]
        self._ports[name].plug_in()

    def _forget_replug(self, name: str) -> None:
        timer = self._replugs.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        self.world.step(loop.time())
        self._step = loop.call_later(STEP_S, self._go_on)


async def run_bench(
    world: World,
    directory: Path,
    *,
    on_ready: Callable[[tuple[PluggedModule, ...]], None],
    tcp: bool = False,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Keep a bench up until cancelled; `on_ready` is told once where every module is reached."""
    async with Bench(world, directory, tcp=tcp, tls=tls) as bench:
        on_ready(bench.plugged())
        await asyncio.Event().wait()
