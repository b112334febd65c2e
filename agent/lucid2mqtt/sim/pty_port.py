"""A virtual module behind a pseudo terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from pathlib import Path

from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.pump import Pump

CHUNK = 4096


class PtyPort:
    """A module behind a pseudo terminal, under a link with a lasting name."""

    def __init__(self, module: VirtualModule, link: Path) -> None:
        self.module = module
        self.link = link
        self._made_link = link
        self._master: int | None = None
        self._slave: int | None = None
        self._pump: Pump | None = None
        self._unsent = b""
        self._is_full = False
        self._is_held = False

    @property
    def address(self) -> str:
        return str(self.link)

    @property
    def link_name(self) -> str:
        return self.link.name

    async def open(self) -> None:
        """Nothing to prepare: the terminal is made when the cable is put in."""

    def close(self) -> None:
        self.pull_out()

    def rename(self, link_name: str) -> None:
        if not link_name or Path(link_name).name != link_name:
            raise ValueError(f"{link_name!r} is no file name")
        self.link = self.link.with_name(link_name)

    def plug_in(self) -> None:
        if self._master is not None:
            return
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        # the bench's own slave end keeps the terminal alive while no client has it open
        self._master, self._slave = master, slave
        loop = asyncio.get_running_loop()
        self.module.power_on(loop.time())
        self._watch_for_requests()
        self._pump = Pump(self.module, self)
        fresh = self.link.with_name(f".{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self.link)
        self._made_link = self.link

    def pull_out(self) -> None:
        if self._master is None or self._slave is None or self._pump is None:
            return
        loop = asyncio.get_running_loop()
        self._made_link.unlink(missing_ok=True)
        self._pump.stop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = self._pump = None
        self._unsent = b""
        self._is_full = self._is_held = False
        self.module.power_off(loop.time())

    def send(self, data: bytes) -> None:
        """What the terminal does not take waits, and no request is read until it has: a module waits for its host, too."""
        self._unsent += data
        self._write()

    def hold_back(self, *, held: bool) -> None:
        self._is_held = held
        self._watch_for_requests()

    def _readable(self) -> None:
        if self._master is None or self._pump is None:
            return
        try:
            data = os.read(self._master, CHUNK)
        except BlockingIOError:
            return
        self._pump.receive(data)

    def _write(self) -> None:
        if self._master is None:
            return
        was_full = self._is_full
        with contextlib.suppress(BlockingIOError):
            self._unsent = self._unsent[os.write(self._master, self._unsent) :]
        self._is_full = bool(self._unsent)
        if self._is_full == was_full:
            return
        if self._is_full:
            asyncio.get_running_loop().add_writer(self._master, self._write)
        else:
            asyncio.get_running_loop().remove_writer(self._master)
        self._watch_for_requests()

    def _watch_for_requests(self) -> None:
        if self._master is None:
            return
        if self._is_held or self._is_full:
            asyncio.get_running_loop().remove_reader(self._master)
        else:
            asyncio.get_running_loop().add_reader(self._master, self._readable)
