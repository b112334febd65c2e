"""A serial device on the loop, and the one place that knows pyserial.

pyserial opens and sets up the device, off the loop because a sick USB device can hold up `open()` for seconds; from then
on the descriptor is read and written on the loop itself, without another thread or task in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import termios

import serial

from lucid2mqtt.errors import LinkBusy, LinkLost
from lucid2mqtt.port.holder import who_holds
from lucid2mqtt.port.link import LinkUser

BAUD_RATE = 9600
"""What the vendor's programs set; without meaning for a USB module (protocol page, section 1)."""
READ_SIZE = 4096
_PTY_MAJORS = range(136, 144)
_GONE = "the device is gone"


async def open_serial(path: str, user: LinkUser) -> SerialLink:
    """Opens the device for us alone. Raises LinkBusy when another program holds it, LinkLost when it cannot be opened."""
    opening = asyncio.get_running_loop().run_in_executor(None, _open_device, path)
    try:
        descriptor = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    return SerialLink(descriptor, user)


class SerialLink:
    """A serial device on the loop."""

    def __init__(self, descriptor: int, user: LinkUser) -> None:
        self._descriptor = descriptor
        self._user = user
        self._loop = asyncio.get_running_loop()
        self._unsent = b""
        self._open = True
        self._loop.add_reader(descriptor, self._on_readable)

    def write(self, request: bytes) -> bool:
        if not self._open:
            return False
        if self._unsent:
            self._unsent += request
            return False
        try:
            sent = os.write(self._descriptor, request)
        except BlockingIOError:
            sent = 0
        except OSError as fault:
            self._loop.call_soon(self._lose, _words(fault))
            return False
        if sent == len(request):
            return True
        self._unsent = request[sent:]
        self._loop.add_writer(self._descriptor, self._on_writable)
        return False

    @property
    def waiting(self) -> int:
        """Bytes written that the device did not take yet."""
        return len(self._unsent)

    def flush_input(self) -> None:
        if self._open:
            with contextlib.suppress(termios.error):  # a lost device is noticed by its reader
                termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        with contextlib.suppress(termios.error):  # unsent bytes would hold up close() for up to 30 s
            termios.tcflush(self._descriptor, termios.TCIOFLUSH)
        os.close(self._descriptor)

    def _on_readable(self) -> None:
        try:
            chunk = os.read(self._descriptor, READ_SIZE)
        except BlockingIOError:
            return
        except OSError as fault:
            self._lose(_words(fault))
            return
        if chunk:
            self._user.bytes_arrived(chunk)
        else:
            self._lose(_GONE)

    def _on_writable(self) -> None:
        unsent, self._unsent = self._unsent, b""
        self._loop.remove_writer(self._descriptor)
        if self.write(unsent):
            self._user.all_written()

    def _lose(self, reason: str) -> None:
        if self._open:
            self.close()
            self._user.link_lost(reason)


def _open_device(path: str) -> int:
    """The descriptor of the device, raw, locked and ready; blocks while the driver does."""
    try:
        with serial.Serial(path, BAUD_RATE, timeout=0, exclusive=True) as device:
            descriptor = os.dup(device.fileno())  # keeps device and lock; pyserial's own descriptors go
    except (serial.SerialException, OSError, termios.error) as fault:
        raise link_error(path, fault) from fault
    try:
        _finish_set_up(descriptor)
    except (OSError, termios.error) as fault:
        os.close(descriptor)
        raise link_error(path, fault) from fault
    return descriptor


def _finish_set_up(descriptor: int) -> None:
    attributes = termios.tcgetattr(descriptor)
    attributes[2] &= ~termios.HUPCL  # closing must not drop DTR: the module would see a new host at every restart
    attributes[6][termios.VMIN] = 1  # else an empty read looks like the end of the device
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    # The lock of pyserial binds only those who ask for it; TIOCEXCL keeps out the others as well. Not on a pseudo
    # terminal: there the mark outlives us, and after a crash nobody but root could open it again.
    if os.major(os.fstat(descriptor).st_rdev) not in _PTY_MAJORS:
        fcntl.ioctl(descriptor, termios.TIOCEXCL)


def link_error(path: str, fault: Exception) -> LinkBusy | LinkLost:
    """What it means for the user that `path` could not be opened."""
    code = fault.errno if isinstance(fault, OSError) else None
    if code in (errno.EAGAIN, errno.EBUSY):
        holder = who_holds(path) or "another program"
        is_agent = all(program.startswith("lucid2mqtt ") for program in holder.split(", "))
        remedy = "stop that agent first" if is_agent else "stop that program, or let it use the agent's passthrough"
        return LinkBusy(f"{path} is in use by {holder}: {remedy}")
    if code in (errno.EACCES, errno.EPERM):
        return LinkLost(f"{path} may not be opened by this user: add the user to the group of the device, often dialout")
    if code == errno.ENOENT:
        return LinkLost(f"{path} is not there: the module is not plugged in")
    return LinkLost(f"{path} cannot be opened as a serial port: {fault}")


def _close_late(opening: asyncio.Future[int]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


def _words(fault: OSError) -> str:
    return _GONE if fault.errno in (errno.EIO, errno.ENODEV, errno.ENXIO) else (fault.strerror or str(fault))
