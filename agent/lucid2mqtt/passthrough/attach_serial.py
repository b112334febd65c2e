"""The device of an attached port where there are no pseudo terminals: an existing serial port, such as one end of a com0com pair.

Nothing here needs more than pyserial and threads, so it works on Windows too, where the loop cannot watch a serial port: one
thread reads, one writes, because a write lasts until the application at the other end reads. Nobody tells when an application
comes or goes; all of them together count as one that never leaves.
"""

from __future__ import annotations

import asyncio
import errno
import queue
import threading
from collections.abc import Callable

import serial

from lucid2mqtt.errors import LinkBusy, LinkError, LinkLost
from lucid2mqtt.passthrough.wire import LONGEST_CHUNK, UNREAD_LIMIT, Session, Wire

BAUD_RATE = 9600
"""As the vendor's programs set it; a pair of virtual ports does not care."""
_PATIENCE_S = 0.2
"""How long one read or write may last, and so how long closing takes at most."""
_MOST_WAITING = UNREAD_LIMIT // LONGEST_CHUNK


class SerialPort:
    """An open serial port, a wire towards its session, until `close`."""

    def __init__(self, path: str, open_session: Callable[[Wire], Session]) -> None:
        """Raises LinkBusy or LinkLost."""
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._device = _open(path)
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._waiting: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        self._may_read = threading.Event()
        self._may_read.set()
        self._is_closing = False
        self.unread = 0  # bytes thrown away because no application took them
        self._session = open_session(self)
        self._threads = [threading.Thread(target=work, name=f"{work.__name__}:{path}", daemon=True) for work in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    async def until_lost(self) -> None:
        """Raises LinkLost when the port is gone."""
        raise LinkLost(f"{self._path} is lost: {await self._lost}")

    def close(self) -> None:
        self._is_closing = True
        self._may_read.set()
        for thread in self._threads:
            thread.join()
        self._device.close()

    # -- a wire, called on the loop

    def write(self, data: bytes) -> None:
        try:
            self._waiting.put_nowait(data)
        except queue.Full:
            self.unread += len(data)

    def hold(self) -> None:
        self._may_read.clear()

    def go_on(self) -> None:
        self._may_read.set()

    def finish(self) -> None:
        """Nobody ends a serial port but its owner."""

    abort = finish

    # -- the threads

    def _read(self) -> None:
        try:
            while not self._is_closing:
                self._may_read.wait()
                chunk = self._device.read(1)
                if chunk:
                    chunk += self._device.read(min(self._device.in_waiting, LONGEST_CHUNK))
                    self._loop.call_soon_threadsafe(self._session.received, chunk)
        except (OSError, TypeError) as fault:  # TypeError: pyserial's, when the descriptor goes while it reads
            self._fail(fault)

    def _write(self) -> None:
        while not self._is_closing:
            try:
                data = self._waiting.get(timeout=_PATIENCE_S)
            except queue.Empty:
                continue
            try:
                self._device.write(data)
            except serial.SerialTimeoutException:
                self.unread += len(data)
            except (OSError, TypeError) as fault:
                self._fail(fault)
                return

    def _fail(self, fault: Exception) -> None:
        def tell() -> None:
            if not self._lost.done():
                self._lost.set_result(str(fault))

        self._loop.call_soon_threadsafe(tell)


def _open(path: str) -> serial.Serial:
    try:
        device = serial.Serial(path, BAUD_RATE, timeout=_PATIENCE_S, write_timeout=_PATIENCE_S, exclusive=True)
        device.reset_input_buffer()  # what was asked before we came
    except (OSError, ValueError) as fault:
        raise _in_words(path, fault) from fault
    return device


def _in_words(path: str, fault: Exception) -> LinkError:
    code = getattr(fault, "errno", None)
    if code in (errno.EAGAIN, errno.EBUSY) or "PermissionError" in str(fault):  # as pyserial words it on Windows
        return LinkBusy(f"{path} is in use by another program, or not for this user: stop that program")
    if code == errno.ENOENT or "FileNotFoundError" in str(fault):
        return LinkLost(f"{path} is not there: check the name of the port")
    return LinkLost(f"{path} cannot be opened as a serial port: {fault}")
