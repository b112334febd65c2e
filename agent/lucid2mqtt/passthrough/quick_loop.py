"""An event loop that asks the kernel with less ceremony.

A transaction of a legacy client is two turns of the loop with next to nothing in them, so what the loop itself costs counts:
the standard library's selector takes several microseconds of Python per turn, this one a fraction of it. It does the same,
with the same interface; `python -m tests.bench passthrough` shows the difference.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import Mapping
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector, SelectorKey
from types import MappingProxyType
from typing import Protocol


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


FileObject = int | _HasFileno

_READS = select.EPOLLIN
_WRITES = select.EPOLLOUT


def quick_loop() -> asyncio.SelectorEventLoop:
    """For `asyncio.Runner(loop_factory=quick_loop)`."""
    return asyncio.SelectorEventLoop(QuickSelector())


class QuickSelector(BaseSelector):
    """Linux's epoll, level-triggered. Errors are those of `selectors.EpollSelector`: KeyError for a file it does not know or knows already."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._keys: dict[FileObject, SelectorKey] = {}  # by descriptor

    def register(self, fileobj: FileObject, events: int, data: object = None) -> SelectorKey:
        key = SelectorKey(fileobj, _number(fileobj), events, data)
        if key.fd in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        self._epoll.register(key.fd, _mask(events))
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: FileObject) -> SelectorKey:
        key = self._keys.pop(_number(fileobj))
        with contextlib.suppress(OSError):  # closed already: the kernel has forgotten it
            self._epoll.unregister(key.fd)
        return key

    def modify(self, fileobj: FileObject, events: int, data: object = None) -> SelectorKey:
        known = self._keys[_number(fileobj)]
        if events != known.events:
            self._epoll.modify(known.fd, _mask(events))
        key = self._keys[known.fd] = SelectorKey(fileobj, known.fd, events, data)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        keys = self._keys
        ready = []
        # the kernel's own rounding is upwards: a wait is never too short
        for number, happened in self._epoll.poll(-1 if timeout is None else max(timeout, 0)):
            key = keys.get(number)
            if key is not None:  # hang-ups and errors wake readers and writers alike
                events = (EVENT_READ if happened & ~_WRITES else 0) | (EVENT_WRITE if happened & ~_READS else 0)
                ready.append((key, events & key.events))
        return ready

    def close(self) -> None:
        self._keys.clear()
        self._epoll.close()

    def get_map(self) -> Mapping[FileObject, SelectorKey]:
        return MappingProxyType(self._keys)


def _number(fileobj: FileObject) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


def _mask(events: int) -> int:
    return (_READS if events & EVENT_READ else 0) | (_WRITES if events & EVENT_WRITE else 0)
