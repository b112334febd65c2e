"""Virtual modules on pseudo terminals, alive in a loop of their own while the command line runs in the test's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from lucid2mqtt.console.server import ConsoleServer, Verb
from lucid2mqtt.sim.bench import Bench
from lucid2mqtt.sim.module import VirtualModule
from lucid2mqtt.sim.world import World

T = TypeVar("T")


class Background:
    """A loop in a thread; `do` runs something in it and waits."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bench")
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:  # Any: what a coroutine yields is asyncio's own affair
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


@contextmanager
def bench_of(folder: Path, *families: str, commissioned: bool = True) -> Iterator[list[VirtualModule]]:
    """One module of each family, serial numbers from 700001 on; their ports are links in `folder`."""
    background = Background()
    modules = [VirtualModule(family, serial=700_001 + place, commissioned=commissioned, now=0.0) for place, family in enumerate(families)]
    bench = Bench(World(modules), folder)
    try:
        background.do(bench.__aenter__())
        try:
            yield modules
        finally:
            background.do(bench.__aexit__(None, None, None))
    finally:
        background.close()


def port_of(folder: Path, family: str) -> str:
    """The link of the module of a family."""
    (link,) = folder.glob(f"usb-*_{family}_*")
    return str(link)


@contextmanager
def console_of(path: Path, verbs: Mapping[str, Verb]) -> Iterator[None]:
    """A console with these verbs, as a running agent has one."""
    background = Background()

    async def begin() -> asyncio.Task[None]:
        ready = asyncio.Event()
        task = asyncio.create_task(ConsoleServer(path, verbs).run(ready=ready.set))
        await ready.wait()
        return task

    async def end(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait({task})

    try:
        task = background.do(begin())
        try:
            yield
        finally:
            background.do(end(task))
    finally:
        background.close()
