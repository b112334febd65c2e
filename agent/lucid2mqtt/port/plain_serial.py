"""A serial device that is no LucidControl module: opened with settings of its own, handed on as bare bytes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Iterator

import serial

from lucid2mqtt.errors import LinkLost
from lucid2mqtt.port.link import LinkUser
from lucid2mqtt.port.serial_link import SerialLink, link_error


async def open_plain(
    path: str, user: LinkUser, *, baud_rate: int, data_bits: int, parity: str, stop_bits: float, rtscts: bool, xonxoff: bool
) -> PlainSerial:
    """Opens the device for `user` alone. Raises LinkBusy when another program holds it, LinkLost when it cannot be opened so."""

    def open_device() -> serial.Serial:
        return serial.Serial(
            path,
            baud_rate,
            data_bits,
            parity,
            stop_bits,
            timeout=0,
            rtscts=rtscts,
            xonxoff=xonxoff,
            inter_byte_timeout=0,  # makes pyserial set VMIN 1: else an empty read looks like the end of the device
            exclusive=True,
        )

    opening = asyncio.get_running_loop().run_in_executor(None, open_device)
    try:
        device = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    except ValueError as fault:
        raise LinkLost(f"{path} cannot be set up: {fault}") from fault
    except (OSError, termios.error) as fault:
        raise link_error(path, fault) from fault
    return PlainSerial(device, user)


class PlainSerial(SerialLink):
    """An open device. Its settings may be changed from any thread, one change at a time; a change that fails raises OSError or ValueError."""

    def __init__(self, device: serial.Serial, user: LinkUser) -> None:
        super().__init__(os.dup(device.fileno()), user)
        self._device = device

    @property
    def unsent(self) -> int:
        """Bytes written that have not left the device yet."""
        try:
            (waiting,) = struct.unpack("i", fcntl.ioctl(self._device.fileno(), termios.TIOCOUTQ, bytes(4)))
        except (OSError, serial.SerialException):
            return 0
        return self.waiting + int(waiting)

    def close(self) -> None:
        super().close()
        self._device.close()

    def set_baud_rate(self, baud_rate: int) -> int:
        """The rate in force; 0 only asks, as the empty value does for all settings."""
        if baud_rate:
            self._set("baudrate", baud_rate)
        return self._device.baudrate

    def set_data_bits(self, bits: int) -> int:
        if bits:
            self._set("bytesize", bits)
        return self._device.bytesize

    def set_parity(self, parity: str) -> str:
        if parity:
            self._set("parity", parity)
        return self._device.parity

    def set_stop_bits(self, bits: float) -> float:
        if bits:
            self._set("stopbits", bits)
        return float(self._device.stopbits)

    def set_flow(self, *, rtscts: bool, xonxoff: bool) -> None:
        self._set("rtscts", rtscts)
        self._set("xonxoff", xonxoff)

    def set_dtr(self, *, on: bool) -> None:
        with _if_it_has_one():
            self._device.dtr = on

    def set_rts(self, *, on: bool) -> None:
        with _if_it_has_one():
            self._device.rts = on

    def set_break(self, *, on: bool) -> None:
        with _if_it_has_one():
            self._device.break_condition = on

    def modem_lines(self) -> tuple[bool, bool, bool, bool]:
        """CTS, DSR, RI, CD; as if all were well where the device has no such lines, a pseudo terminal for one."""
        try:
            return self._device.cts, self._device.dsr, self._device.ri, self._device.cd
        except OSError:
            return True, True, False, True

    def purge(self, *, received: bool, unsent: bool) -> None:
        with contextlib.suppress(termios.error):  # a lost device is noticed by its reader
            if received:
                self._device.reset_input_buffer()
            if unsent:
                self._device.reset_output_buffer()

    def _set(self, name: str, value: object) -> None:
        before = getattr(self._device, name)
        try:
            setattr(self._device, name, value)
        except (OSError, ValueError, termios.error) as fault:
            with contextlib.suppress(OSError, termios.error):  # else pyserial tries it again with every later setting
                setattr(self._device, name, before)
            if isinstance(fault, termios.error):
                raise OSError(*fault.args) from fault
            raise


@contextlib.contextmanager
def _if_it_has_one() -> Iterator[None]:
    """A pseudo terminal has no modem lines; whoever wants them set there is satisfied."""
    try:
        yield
    except OSError as fault:
        if fault.errno not in (errno.ENOTTY, errno.EINVAL):
            raise


def _close_late(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
